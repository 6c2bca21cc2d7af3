-- The words of a chunk are those of `magicfs.text.analysis`, which the program computes. Constant defaults: no table is
-- rewritten; maintenance computes the words of older rows anew, a few hundred in a transaction.
ALTER TABLE chunks
    -- The `ANALYSIS_VERSION` of `words`; 0 for those of the function magicfs_words.
    ADD COLUMN analysis smallint NOT NULL DEFAULT 0;

ALTER TABLE contents
    -- What the file's metadata says that it is about; words of its first chunk, as title and author are.
    ADD COLUMN keywords text;

-- Each language (ISO 639-1) that a content has or had: a question is analysed for all of them.
CREATE TABLE languages (code text PRIMARY KEY);

-- Other words change what a search finds.
CREATE TRIGGER chunks_change AFTER UPDATE OF words ON chunks
FOR EACH STATEMENT EXECUTE FUNCTION magicfs_count_change();
