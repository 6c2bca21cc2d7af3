-- name: by_state
-- The model in a state that at most one model has.
SELECT id, name, precision, dimension, max_tokens, query_prefix, floor, ceiling
FROM models WHERE state = %(state)s

-- name: insert
-- Record a model, or take over its calibration when it is known.
INSERT INTO models (name, precision, dimension, max_tokens, query_prefix, floor, ceiling, state)
VALUES (%(name)s, %(precision)s, %(dimension)s, %(max_tokens)s, %(query_prefix)s, %(floor)s, %(ceiling)s, %(state)s)
ON CONFLICT (name, precision) DO UPDATE
SET max_tokens = excluded.max_tokens, query_prefix = excluded.query_prefix,
    floor = excluded.floor, ceiling = excluded.ceiling
RETURNING id, dimension

-- name: set_state
-- Move a model on in its life.
UPDATE models SET state = %(state)s, changed_at = now() WHERE id = %(model_id)s AND state <> %(state)s

-- name: enqueue_all_chunks
-- Every chunk that a file has needs a vector of this model. Returns those that did not have a row yet.
INSERT INTO embeddings (model_id, chunk_id)
SELECT %(model_id)s, id FROM chunks
WHERE NOT EXISTS (SELECT FROM embeddings WHERE model_id = %(model_id)s AND chunk_id = chunks.id)
  AND EXISTS (SELECT FROM content_chunks c JOIN files f ON f.content_id = c.content_id WHERE c.chunk_id = chunks.id)
ON CONFLICT DO NOTHING

-- name: pending
-- Whether a model still lacks the vector of a chunk that a file has.
SELECT EXISTS (
    SELECT FROM embeddings
    WHERE model_id = %(model_id)s AND state = 'pending' AND (
        SELECT true FROM content_chunks c JOIN files f ON f.content_id = c.content_id
        WHERE c.chunk_id = embeddings.chunk_id LIMIT 1))

-- name: retired
-- Models that have been out of use for a while.
SELECT id FROM models WHERE state = 'retired' AND changed_at < now() - make_interval(secs => %(seconds)s)

-- name: delete
-- Forget a model whose vectors are gone.
DELETE FROM models WHERE id = %(model_id)s AND state = 'retired'
