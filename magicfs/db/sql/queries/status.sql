-- name: files
-- Files by root and state. The index files_state answers it without reading the table.
SELECT root_id, state, count(*) FROM files GROUP BY root_id, state

-- name: chunks_without_model
-- All chunks, before any model is active.
SELECT count(*) FROM chunks

-- name: embeddings
-- Chunks that need a vector of a model: all, and those that still wait or were given up, which partial indexes
-- answer; the rest is done.
SELECT
    (SELECT count(*) FROM embeddings WHERE model_id = %(model_id)s),
    (SELECT count(*) FROM embeddings WHERE model_id = %(model_id)s AND state = 'pending'),
    (SELECT count(*) FROM embeddings WHERE model_id = %(model_id)s AND state = 'failed')

-- name: unowned_embeddings
-- Those of them that no file has any more, looked for among the orphans: where there are none it costs nothing, and
-- one or two seconds where 300,000 chunks are.
SELECT count(*), count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'failed')
FROM embeddings
WHERE model_id = %(model_id)s AND chunk_id IN (
    SELECT c.chunk_id FROM contents o JOIN content_chunks c ON c.content_id = o.id WHERE o.orphaned_at IS NOT NULL
) AND NOT EXISTS (
    SELECT FROM content_chunks c JOIN files f ON f.content_id = c.content_id WHERE c.chunk_id = embeddings.chunk_id)

-- name: whereabouts
-- Which root is on which host, its name, and whether it is there.
SELECT roots.id, hosts.name, roots.name, roots.state <> 'missing' FROM roots JOIN hosts ON hosts.id = roots.host_id

-- name: resting
-- Files of some roots that can be found but keep changing: they are read again after a pause.
SELECT count(*) FROM files
WHERE root_id = ANY(%(roots)s) AND state = 'pending' AND content_id IS NOT NULL AND lease IS NULL AND leased_until > now()

-- name: embeddings_of_roots
-- The chunks that the files of some roots have, likewise. Each chunk counts once, whoever else has it.
SELECT count(*), count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'failed')
FROM embeddings
WHERE model_id = %(model_id)s AND chunk_id IN (
    SELECT content_chunks.chunk_id
    FROM files JOIN content_chunks ON content_chunks.content_id = files.content_id
    WHERE files.root_id = ANY(%(roots)s))

-- name: roots
-- All roots with the machine that has them.
SELECT roots.id, roots.name, roots.path, hosts.name, roots.state, roots.detail, extract(epoch FROM roots.scanned_at)
FROM roots JOIN hosts ON hosts.id = roots.host_id
ORDER BY roots.name

-- name: workers
-- Workers that answered a moment ago.
SELECT name, host, kind, pid FROM workers
WHERE seen_at > now() - make_interval(secs => %(alive_seconds)s)
ORDER BY name

-- name: mounts
-- Mounts that said a moment ago that they are up.
SELECT host, path, pid FROM mounts
WHERE seen_at > now() - make_interval(secs => %(alive_seconds)s)
ORDER BY host, path
