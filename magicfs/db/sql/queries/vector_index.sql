-- name: facts
-- About how many rows a model's partition has, whether so many chunks wait that the index is in the way, and what
-- indexes of vectors there are.
SELECT greatest(c.reltuples, 0)::bigint,
       (SELECT count(*) FROM (SELECT FROM embeddings WHERE model_id = %(model_id)s AND state = 'pending'
                              LIMIT %(most_pending)s) AS waiting),
       (SELECT i.indisvalid FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid WHERE n.relname = %(index)s)
FROM pg_class c WHERE c.oid = to_regclass(%(table)s)
