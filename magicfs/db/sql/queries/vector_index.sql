-- name: index_facts
-- The approximate number of rows in a model's partition, the number of pending ones up to a limit, and whether the
-- vector index is valid (null without one).
SELECT greatest(c.reltuples, 0)::bigint,
       (SELECT count(*) FROM (SELECT FROM embeddings WHERE model_id = %(model_id)s AND state = 'pending'
                              LIMIT %(max_pending)s) AS waiting),
       (SELECT i.indisvalid FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid WHERE n.relname = %(index)s)
FROM pg_class c WHERE c.oid = to_regclass(%(table)s)

-- name: maintenance_memory_kb
-- The memory that the server gives to the build of an index unless it is told otherwise.
SELECT setting::bigint FROM pg_settings WHERE name = 'maintenance_work_mem'

-- name: build_progress
-- The phase of the build of an index on a table, and how many of its rows the index has. A build knows no number of
-- rows beforehand, so the total is the approximate number of rows in the table.
SELECT p.phase, p.tuples_done, greatest(c.reltuples::bigint, p.tuples_done)
FROM pg_stat_progress_create_index p JOIN pg_class c ON c.oid = p.relid
WHERE p.datname = current_database() AND p.relid = to_regclass(%(table)s)
