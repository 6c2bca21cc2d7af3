-- The tokens of a text are compared with those of a question in another language. Kept out of the rows of the vectors, which
-- are read in sequence, and as they are: signs do not get smaller.
ALTER TABLE embeddings ADD COLUMN token_signs bytea;
ALTER TABLE embeddings ALTER COLUMN token_signs SET STORAGE EXTERNAL;
COMMENT ON COLUMN embeddings.token_signs IS 'The signs of the vectors of the distinct tokens, one after the other, a bit for each dimension; null under a model that gives none.';
