-- What each word of a chunk adds to BM25 (`magicfs.domain.term_weights`). No table is rewritten; maintenance computes the
-- weights of older chunks with their words, a few hundred in a transaction.
ALTER TABLE chunks
    -- Null for a chunk of an older version.
    ADD COLUMN terms sparsevec;

-- Beside the other columns of its row, unless it fills a page: a search reads those of a few hundred chunks.
ALTER TABLE chunks ALTER COLUMN terms SET STORAGE MAIN;
