-- name: index_facts
-- The approximate number of rows in a model's partition without those that the model does not read, the numbers of pending
-- ones and of those that wait for a second vector, up to a limit, and whether the vector index is valid (null without one).
-- Nothing but the planner's statistics counts rows of a state without reading them all.
SELECT (greatest(c.reltuples, 0) * (1 - coalesce((
           SELECT share FROM pg_stats s, unnest(s.most_common_vals::text::text[], s.most_common_freqs) AS v (state, share)
           WHERE s.schemaname = c.relnamespace::regnamespace::text AND s.tablename = c.relname AND s.attname = 'state'
             AND v.state = 'unread'), 0)))::bigint,
       (SELECT count(*) FROM (SELECT FROM embeddings WHERE model_id = %(model_id)s AND state = 'pending' AND priority >= 0
                              LIMIT %(max_pending)s) AS waiting),
       (SELECT count(*) FROM (SELECT FROM embeddings WHERE model_id = %(model_id)s AND state = 'pending' AND priority < 0
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
