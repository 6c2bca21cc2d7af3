-- name: index_facts
-- The approximate number of rows in a model's partition, the number of pending ones up to a limit, and whether the
-- vector index is valid (null without one).
SELECT greatest(c.reltuples, 0)::bigint,
       (SELECT count(*) FROM (SELECT FROM embeddings WHERE model_id = %(model_id)s AND state = 'pending'
                              LIMIT %(max_pending)s) AS waiting),
       (SELECT i.indisvalid FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid WHERE n.relname = %(index)s)
FROM pg_class c WHERE c.oid = to_regclass(%(table)s)
