-- name: by_state
-- The model in a state that at most one model has.
SELECT id, name, precision, dimension, max_tokens, query_prefix, floor, ceiling
FROM models WHERE state = %(state)s

-- name: live
-- Ids of the models that new chunks need vectors of.
SELECT id FROM models WHERE state IN ('active', 'building') ORDER BY id

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
UPDATE models SET state = %(state)s WHERE id = %(model_id)s

-- name: enqueue_all_chunks
-- Every chunk needs a vector of this model.
INSERT INTO embeddings (model_id, chunk_id)
SELECT %(model_id)s, id FROM chunks
ON CONFLICT DO NOTHING
