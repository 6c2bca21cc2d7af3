-- The contents that share a chunk are read in their order, each once: a text may have a chunk thousands of times.
CREATE INDEX content_chunks_places ON content_chunks (chunk_id, content_id, ordinal);
DROP INDEX content_chunks_chunk;
