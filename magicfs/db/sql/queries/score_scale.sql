-- The queries that measure what cosines say in this corpus. `{partition}` is the table with the vectors of a model.

-- name: count_vectors
-- The number of vectors of a model.
SELECT count(*) FROM {partition} WHERE vector IS NOT NULL

-- name: sample_chunks
-- Chunks with a vector of a model, the language of a document that has them, and its vector. They are spread evenly and
-- are the same for the same texts, because digests decide; their index brings them without a look at all others.
SELECT {{found_files.chunk_text}}, found.vector, (
    SELECT contents.language FROM content_chunks JOIN contents ON contents.id = content_chunks.content_id
    WHERE content_chunks.chunk_id = chunks.id ORDER BY contents.digest LIMIT 1)
FROM chunks JOIN {partition} AS found ON found.chunk_id = chunks.id
WHERE found.vector IS NOT NULL
ORDER BY chunks.digest
LIMIT %(limit)s

-- name: estimate_vectors
-- The number of vectors of a model by the planner's statistics; null for a table that is counted as quickly.
SELECT CASE WHEN pg_relation_size(tables.oid) >= %(bytes)s AND tables.reltuples >= 0
    THEN tables.reltuples * (1 - coalesce(columns.null_frac, 0)) END
FROM pg_class AS tables LEFT JOIN pg_stats AS columns
    ON columns.schemaname = current_schema() AND columns.tablename = tables.relname AND columns.attname = 'vector'
WHERE tables.oid = %(partition)s::regclass

-- name: lease
-- A lease of the measurement of a model, unless another worker has one.
UPDATE models SET scale_claimed_until = now() + make_interval(secs => %(seconds)s)
WHERE id = %(model_id)s AND (scale_claimed_until IS NULL OR scale_claimed_until < now())
RETURNING 1

-- name: is_leased
-- Whether a worker has leased the measurement of a model.
SELECT scale_claimed_until >= now() FROM models WHERE id = %(model_id)s

-- name: release
-- The end of a lease without a measurement.
UPDATE models SET scale_claimed_until = NULL WHERE id = %(model_id)s

-- name: record
-- The scale of a model in this corpus, and the end of the lease.
UPDATE models SET scale = %(scale)s, scale_claimed_until = NULL WHERE id = %(model_id)s
