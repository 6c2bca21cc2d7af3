-- name: count_files
-- Files by root and state. Reads the index files_state only.
SELECT root_id, state, count(*) FROM files GROUP BY root_id, state

-- name: count_chunks
-- All chunks. For an index without an active model.
SELECT count(*) FROM chunks

-- name: count_embeddings
-- The chunks that a model has a row for: all, those that wait, those that wait for a second vector, failed ones, and those
-- that it does not read (`unread`). Partial indexes give all but the first.
SELECT
    (SELECT count(*) FROM embeddings WHERE model_id = %(model_id)s),
    (SELECT count(*) FROM embeddings WHERE model_id = %(model_id)s AND state = 'pending' AND priority >= 0),
    (SELECT count(*) FROM embeddings WHERE model_id = %(model_id)s AND state = 'pending' AND priority < 0),
    (SELECT count(*) FROM embeddings WHERE model_id = %(model_id)s AND state = 'failed'),
    (SELECT count(*) FROM embeddings WHERE model_id = %(model_id)s AND state NOT IN ('pending', 'done', 'failed'))

-- name: active_id
-- Fragment: the active model.
(SELECT id FROM models WHERE state::text = 'active')

-- name: multilingual_id
-- Fragment: the multilingual model.
(SELECT id FROM models WHERE state::text = 'multilingual')

-- name: count_failed_alone
-- The chunks of files, or of some roots, that failed under the multilingual model and that the active one does not read.
SELECT count(*) FROM embeddings
WHERE model_id = {{multilingual_id}} AND state = 'failed'
  AND EXISTS (
    SELECT FROM embeddings AS other
    WHERE other.model_id = {{active_id}} AND other.chunk_id = embeddings.chunk_id AND other.state = 'unread')
  AND EXISTS (
    SELECT FROM content_chunks c JOIN files f ON f.content_id = c.content_id
    WHERE c.chunk_id = embeddings.chunk_id AND (%(roots)s::integer[] IS NULL OR f.root_id = ANY(%(roots)s)))

-- name: count_waiting_twice
-- The chunks of files, or of some roots, that wait under the multilingual model, and wait or failed under the active one:
-- those in documents of several languages. Partial indexes give both sides.
WITH twice AS MATERIALIZED (
    SELECT chunk_id FROM embeddings
    WHERE model_id = {{multilingual_id}} AND state = 'pending' AND priority >= 0 AND EXISTS (
        SELECT FROM embeddings AS own
        WHERE own.model_id = {{active_id}} AND own.state = 'pending' AND own.priority >= 0
          AND own.chunk_id = embeddings.chunk_id)
    UNION ALL
    SELECT chunk_id FROM embeddings
    WHERE model_id = {{multilingual_id}} AND state = 'pending' AND priority >= 0 AND EXISTS (
        SELECT FROM embeddings AS own
        WHERE own.model_id = {{active_id}} AND own.state = 'failed' AND own.chunk_id = embeddings.chunk_id)
)
SELECT count(*) FROM twice
WHERE (
    SELECT true FROM content_chunks c JOIN files f ON f.content_id = c.content_id
    WHERE c.chunk_id = twice.chunk_id AND (%(roots)s::integer[] IS NULL OR f.root_id = ANY(%(roots)s)) LIMIT 1)

-- name: count_embeddings_of_orphans
-- The counts of `count_embeddings` for orphan chunks, which no file has. Only chunks of orphan contents are visited:
-- this takes no time without orphans, and one or two seconds with 300,000 orphan chunks.
SELECT {{counts_by_state}}
FROM embeddings
WHERE model_id = %(model_id)s AND chunk_id IN (
    SELECT c.chunk_id FROM contents o JOIN content_chunks c ON c.content_id = o.id WHERE o.orphaned_at IS NOT NULL
) AND NOT EXISTS (
    SELECT FROM content_chunks c JOIN files f ON f.content_id = c.content_id WHERE c.chunk_id = embeddings.chunk_id)

-- name: counts_by_state
-- Fragment: the counts of `count_embeddings` for some rows.
count(*), count(*) FILTER (WHERE state = 'pending' AND priority >= 0),
count(*) FILTER (WHERE state = 'pending' AND priority < 0), count(*) FILTER (WHERE state = 'failed'),
count(*) FILTER (WHERE state = 'unread')

-- name: roots_by_host
-- Each root with its host and name, and whether it is present.
SELECT roots.id, left(hosts.name, 1024), left(roots.name, 1024), roots.state <> 'missing'
FROM roots JOIN hosts ON hosts.id = roots.host_id

-- name: count_changing_files
-- Pending files of some roots whose last reading began after a moment: they have changed again since.
SELECT count(*) FROM files
WHERE root_id = ANY(%(roots)s) AND state = 'pending' AND read_at >= %(since)s

-- name: count_embeddings_of_roots
-- The counts of `count_embeddings` for the chunks of the files of some roots. Each chunk counts once.
SELECT {{counts_by_state}}
FROM embeddings
WHERE model_id = %(model_id)s AND chunk_id IN (
    SELECT content_chunks.chunk_id
    FROM files JOIN content_chunks ON content_chunks.content_id = files.content_id
    WHERE files.root_id = ANY(%(roots)s))

-- name: list_roots
-- All roots with their hosts, and whether changes are seen as they happen; null while no agent has said so.
SELECT roots.id, left(roots.name, 1024), substring(roots.path, 1, 4096), left(hosts.name, 1024), roots.state,
       left(roots.detail, 4096), extract(epoch FROM roots.scanned_at), watched.value <> 'infinity'
FROM roots JOIN hosts ON hosts.id = roots.host_id
LEFT JOIN meta AS watched ON watched.key = 'watched_since@' || roots.id
ORDER BY roots.name

-- name: marker
-- Fragment: the number of transactions that have changed what a search beginning now can see (migration 0009).
SELECT coalesce(sum(number), 0)::text FROM changes

-- name: change_marker
-- The same, and the version of the schema.
SELECT ({{marker}}), (SELECT max(version) FROM schema_migrations)

-- name: coverage
-- What a search covers, as one JSON object: the files by state, all chunks if there is no active model, the counts of
-- each model that searches use, by its state, and those of `count_failed_alone` and `count_waiting_twice` where they may
-- be more than 0.
WITH searched AS MATERIALIZED (SELECT id, state::text FROM models WHERE state::text IN ('active', 'multilingual')),
counted AS MATERIALIZED (
    SELECT state, (SELECT count(*) FROM embeddings WHERE model_id = searched.id) AS total,
           (SELECT count(*) FROM embeddings
            WHERE model_id = searched.id AND state = 'pending' AND priority >= 0) AS waiting,
           (SELECT count(*) FROM embeddings WHERE model_id = searched.id AND state = 'pending' AND priority < 0) AS second,
           (SELECT count(*) FROM embeddings WHERE model_id = searched.id AND state = 'failed') AS failed
    FROM searched
)
SELECT json_build_object(
    'files', (SELECT json_object_agg(state, number)
              FROM (SELECT state, count(*) AS number FROM files GROUP BY state) AS files),
    'pending_pages', ({{count_pending_pages}}),
    'chunks', CASE WHEN NOT EXISTS (SELECT FROM searched WHERE state = 'active') THEN (SELECT count(*) FROM chunks) END,
    'models', (SELECT json_object_agg(state, json_build_array(total, waiting, second, failed)) FROM counted),
    'failed_alone', CASE WHEN EXISTS (SELECT FROM counted WHERE state = 'multilingual' AND failed > 0)
                         THEN ({{count_failed_alone}}) END,
    'waiting_twice', CASE WHEN EXISTS (SELECT FROM counted WHERE state = 'multilingual' AND waiting > 0)
                               AND EXISTS (SELECT FROM counted WHERE state = 'active' AND waiting + failed > 0)
                          THEN ({{count_waiting_twice}}) END)

-- name: count_pending_pages
-- The pages of scanned files that are read later. Few contents have any, and an index knows them.
SELECT coalesce(sum(pending_pages), 0)::integer FROM contents WHERE pending_pages > 0 AND orphaned_at IS NULL

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
