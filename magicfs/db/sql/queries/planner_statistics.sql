-- name: outgrown_tables
-- Our tables of which more than a twentieth has changed since their statistics were made. Views of Postgres count changes
-- a second late.
SELECT quote_ident(schemaname) || '.' || quote_ident(relname) FROM pg_stat_user_tables
WHERE schemaname = current_schema() AND n_mod_since_analyze > 500 + n_live_tup / 20
ORDER BY relname

-- name: has_newer_words
-- Whether the statistics of chunks are newer than the copy of their frequent words. `meta` has when it was made.
SELECT coalesce(greatest(last_analyze, last_autoanalyze) > coalesce(
           (SELECT value::timestamptz FROM meta WHERE key = 'frequent_words'), '-infinity'), false)
FROM pg_stat_user_tables WHERE relid = 'chunks'::regclass

-- name: lock_frequent_words
-- One transaction copies them at a time. Searches read them meanwhile.
LOCK TABLE frequent_words IN SHARE ROW EXCLUSIVE MODE

-- name: copy_frequent_words
-- The words that chunks share, and how many of the chunks have each, as Postgres's statistics say. Rows that are as they
-- should be are not written.
WITH counted AS MATERIALIZED (
    SELECT DISTINCT ON (lexeme) lexeme, share
    FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS frequent (lexeme, share)
    WHERE schemaname = current_schema() AND tablename = 'chunks' AND attname = 'words' AND lexeme IS NOT NULL
),
gone AS (DELETE FROM frequent_words WHERE NOT EXISTS (SELECT FROM counted WHERE counted.lexeme = frequent_words.lexeme)),
written AS (
    INSERT INTO frequent_words (lexeme, share) SELECT lexeme, share FROM counted
    ON CONFLICT (lexeme) DO UPDATE SET share = excluded.share WHERE frequent_words.share <> excluded.share
)
INSERT INTO meta (key, value) VALUES ('frequent_words', clock_timestamp()::text)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
