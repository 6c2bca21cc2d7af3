-- Which words a text has: the same rules for chunks, for names of files and for what is searched.

-- Words by their English stem, without a list of stop words: a phrase such as "to be or not to be" must be found,
-- and a word of code or of another language may look like an English stop word. Searches leave common words out
-- by how often they occur.
CREATE TEXT SEARCH DICTIONARY magicfs_stem (TEMPLATE = snowball, LANGUAGE = english);
CREATE TEXT SEARCH CONFIGURATION magicfs (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION magicfs ALTER MAPPING FOR asciiword, word WITH magicfs_stem;

-- A text in lower case, without accents and typographic variants.
CREATE FUNCTION magicfs_plain(content text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(
    CASE WHEN octet_length(content) = char_length(content) THEN content
    ELSE translate(
        regexp_replace(normalize(content, NFKD), U&'[\0300-\036f]', '', 'g'),
        U&'\2018\2019\201c\201d\2010\2011', '''''""--')
    END);

-- The same with single spaces: two texts are "exactly" alike when these are.
CREATE FUNCTION magicfs_exact(content text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(magicfs_plain(content), '\s+', ' ', 'g'));

-- The same with signs as spaces, so that parts of paths, addresses, versions and snake_case names are words.
CREATE FUNCTION magicfs_separated(content text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(magicfs_plain(content), '_-./\:@#&=+~%$*|<>''"`^', repeat(' ', 30));

-- The parts of the camelCase names in a text.
CREATE FUNCTION magicfs_parts(content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN content ~ '[[:lower:]][[:upper:]]' THEN to_tsvector('magicfs', (
        SELECT coalesce(string_agg(regexp_replace(name[1], '([[:lower:]])([[:upper:]])', '\1 \2', 'g'), ' '), '')
        FROM regexp_matches(content, '[[:alnum:]]*[[:lower:]][[:upper:]][[:alnum:]]*', 'g') AS name))
    ELSE '' END;

-- The words of a text with their places, and after them the parts of its camelCase names.
CREATE FUNCTION magicfs_words(content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_tsvector('magicfs', magicfs_separated(content)) || magicfs_parts(content);

-- The words to look for when somebody asks `content`: without those that every English text is full of, unless
-- there are no others.
CREATE FUNCTION magicfs_question(content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN coalesce(
    nullif(to_tsvector('english', magicfs_separated(content)) || magicfs_parts(content), ''),
    magicfs_words(content));

-- The condition that a text has the words of `content`, next to each other in this order; null without any.
CREATE FUNCTION magicfs_phrase(content text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN nullif(phraseto_tsquery('magicfs', magicfs_separated(content)), '');

-- The condition that a text has any of these lexemes, as magicfs_words writes them.
CREATE FUNCTION magicfs_any(lexemes text[]) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', '|')::tsquery
        FROM unnest(lexemes) AS lexeme);

-- Files by the words of their path. An expression, not a column: rescans read many rows and few of these words.
CREATE INDEX files_words ON files USING gin (magicfs_words(display)) WITH (gin_pending_list_limit = 256)
WHERE content_id IS NOT NULL;

-- Rows that were just written wait in a list that every search reads through; by default it grows to 4 MB, which
-- makes searches during a bulk import several times slower than this does the import.
ALTER INDEX chunks_words SET (gin_pending_list_limit = 256);

-- Counts for `status` and for the coverage of a search, read from the index alone.
CREATE INDEX files_state ON files (root_id, state);
CREATE INDEX embeddings_failed ON embeddings (model_id) WHERE state = 'failed';
