-- name: count_reasons
-- Failed and skipped files by reason. Reads the index files_reason only.
SELECT reason, count(*) FROM files WHERE reason IS NOT NULL GROUP BY reason

-- name: count_failed_chunks
-- Chunks without a vector of a model that searches use or will use, because embedding failed, by model and reason.
SELECT models.name, coalesce(embeddings.reason, ''), count(*)
FROM models JOIN embeddings ON embeddings.model_id = models.id AND embeddings.state = 'failed'
WHERE models.state IN ('active', 'building', 'multilingual', 'renewing')
GROUP BY models.name, embeddings.reason

-- name: database_size
-- The size of the database in bytes, and the version of its schema.
SELECT pg_database_size(current_database()), (SELECT max(version) FROM schema_migrations)
