-- The queries that measure what cosines say in this corpus. `{partition}` is the table with the vectors of a model.

-- name: count_vectors
-- The number of vectors of a model.
SELECT count(*) FROM {partition} WHERE vector IS NOT NULL

-- name: sample_chunks
-- Chunks with a vector of a model, the language of a document that has them, and its vector. They are spread evenly and
-- are the same for the same texts, because digests decide; their index brings them without a look at all others.
SELECT chunks.text, found.vector, (
    SELECT contents.language FROM content_chunks JOIN contents ON contents.id = content_chunks.content_id
    WHERE content_chunks.chunk_id = chunks.id ORDER BY contents.digest LIMIT 1)
FROM chunks JOIN {partition} AS found ON found.chunk_id = chunks.id
WHERE found.vector IS NOT NULL
ORDER BY chunks.digest
LIMIT %(limit)s
