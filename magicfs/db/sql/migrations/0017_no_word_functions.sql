-- The program computes words (migrations 0014 and 0015). Nothing in the database refers to these functions any more, and
-- a program of an older version, which would call them, may not use a database of this version.
DROP FUNCTION magicfs_question(text);
DROP FUNCTION magicfs_words(text);
DROP FUNCTION magicfs_phrase(text);
DROP FUNCTION magicfs_any(text[]);
DROP FUNCTION magicfs_parts(text);
DROP FUNCTION magicfs_separated(text);
DROP FUNCTION magicfs_exact(text);
DROP FUNCTION magicfs_plain(text);
DROP TEXT SEARCH CONFIGURATION magicfs;
DROP TEXT SEARCH DICTIONARY magicfs_stem;
