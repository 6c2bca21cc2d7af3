-- The words that many chunks have, by which a search weighs its words. A copy of Postgres's statistics, in which a search
-- looks words up: to read the statistics themselves takes as long as all else that it reads first. They are copied again
-- when they were made anew (`magicfs.db.planner_statistics`).
CREATE TABLE frequent_words (
    lexeme text PRIMARY KEY,
    -- Of all chunks, in [0, 1].
    share  real NOT NULL
);

INSERT INTO frequent_words
SELECT DISTINCT ON (lexeme) lexeme, share
FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS frequent (lexeme, share)
WHERE schemaname = current_schema() AND tablename = 'chunks' AND attname = 'words' AND lexeme IS NOT NULL;
