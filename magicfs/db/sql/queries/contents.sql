-- name: find
-- Contents that were read before. Taking them back from the orphans also locks them against being swept away, in the
-- order in which they are asked for. The limit keeps the planner from joining all contents.
UPDATE contents SET orphaned_at = NULL, used_at = now()
FROM unnest(%(digests)s::bytea[], %(extractors)s::smallint[], %(kinds)s::text[]) AS sought (digest, extractor, kind)
CROSS JOIN LATERAL (
    SELECT id FROM contents c
    WHERE (c.digest, c.extractor, c.kind) = (sought.digest, sought.extractor, sought.kind)
    LIMIT 1
    FOR NO KEY UPDATE
) AS known
WHERE contents.id = known.id
RETURNING contents.digest, contents.extractor, contents.kind, contents.id, reason, detail

-- name: insert
-- Contents, unless another worker was quicker with the same bytes.
INSERT INTO contents (digest, extractor, kind, size, mime_type, title, author, language, reason, detail)
SELECT digest, extractor, kind, size, mime_type, title, author, language, reason, detail
FROM unnest(%(digests)s::bytea[], %(extractors)s::smallint[], %(kinds)s::text[], %(sizes)s::bigint[],
            %(mime_types)s::text[], %(titles)s::text[], %(authors)s::text[], %(languages)s::text[],
            %(reasons)s::text[], %(details)s::text[])
     AS read (digest, extractor, kind, size, mime_type, title, author, language, reason, detail)
ON CONFLICT (digest, extractor, kind) DO UPDATE SET orphaned_at = NULL, used_at = now()
RETURNING digest, extractor, kind, id, (xmax = 0) AS new

-- name: insert_chunks
-- Texts that are not there yet. In the order of their digests, so that two workers never wait for each other.
INSERT INTO chunks (digest, context, text, tokens, words)
SELECT digest, context, text, tokens, magicfs_words(text)
FROM unnest(%(digests)s::bytea[], %(contexts)s::text[], %(texts)s::text[], %(tokens)s::integer[])
     AS piece (digest, context, text, tokens)
ORDER BY digest
ON CONFLICT (digest) DO NOTHING

-- name: place_chunks
-- Where each chunk stands in its content. The join also takes the share lock that keeps a sweep from deleting it.
INSERT INTO content_chunks (content_id, ordinal, chunk_id, first_line, last_line, page)
SELECT content_id, ordinal, chunks.id, first_line, last_line, page
FROM unnest(%(content_ids)s::bigint[], %(ordinals)s::integer[], %(digests)s::bytea[], %(first_lines)s::integer[],
            %(last_lines)s::integer[], %(pages)s::integer[])
     AS place (content_id, ordinal, digest, first_line, last_line, page)
JOIN chunks USING (digest)

-- name: enqueue_chunks
-- The contents' chunks need vectors of every live model; what a person waits for moves to the front, but of a
-- long text only its beginning: the rest would keep others waiting for minutes.
INSERT INTO embeddings (model_id, chunk_id, priority)
SELECT m.id, c.chunk_id, max(CASE WHEN c.ordinal < %(first)s THEN asked.priority ELSE 0 END)
FROM unnest(%(content_ids)s::bigint[], %(priorities)s::smallint[]) AS asked (content_id, priority)
JOIN content_chunks c USING (content_id) CROSS JOIN models m
WHERE m.state IN ('active', 'building')
GROUP BY m.id, c.chunk_id
ORDER BY 1, 2
ON CONFLICT (model_id, chunk_id) DO UPDATE SET priority = excluded.priority
WHERE embeddings.state = 'pending' AND embeddings.priority < excluded.priority

-- name: orphan
-- Contents that no file has any more. One that somebody else has in hand is left to `mark_orphans`: whoever comes here
-- has files locked, so to wait would be a deadlock with those who have the content and want a file.
UPDATE contents SET orphaned_at = now()
WHERE id IN (
    SELECT id FROM contents
    WHERE id = ANY(%(ids)s) AND orphaned_at IS NULL AND NOT EXISTS (SELECT FROM files WHERE content_id = contents.id)
    FOR UPDATE SKIP LOCKED)

-- name: abandon
-- Contents that no file has any more and that nobody will miss: they are swept at once. As above, one that somebody has
-- in hand is left to `mark_orphans`.
UPDATE contents SET orphaned_at = '-infinity'
WHERE id IN (
    SELECT id FROM contents
    WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM files WHERE content_id = contents.id)
    FOR UPDATE SKIP LOCKED)

-- name: mark_orphans
-- The same over all contents; one that somebody has in hand is met by the next look. That bytes hold no text is known as long as it is of use: no file refers to it.
UPDATE contents SET orphaned_at = now()
WHERE id IN (
    SELECT id FROM contents
    WHERE orphaned_at IS NULL AND (reason IS NULL OR used_at < now() - make_interval(secs => %(verdict_seconds)s))
      AND NOT EXISTS (SELECT FROM files WHERE content_id = contents.id)
    FOR UPDATE SKIP LOCKED)

-- name: root_contents
-- The contents of a root's files.
SELECT DISTINCT content_id FROM files WHERE root_id = %(root_id)s AND content_id IS NOT NULL

-- name: try_sweep
-- Whether no other sweep runs: two that each drop one of the last two places of a chunk would both see the other's.
SELECT pg_try_advisory_xact_lock(%(lock)s)

-- name: sweep_contents
-- Contents that have been orphans for long enough; returns how many, and the chunks that they had.
WITH gone AS (
    SELECT id FROM contents
    WHERE orphaned_at < now() - make_interval(secs => %(grace)s)
      AND NOT EXISTS (SELECT FROM files WHERE content_id = contents.id)
    ORDER BY id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
places AS (DELETE FROM content_chunks USING gone WHERE content_id = gone.id RETURNING chunk_id),
contents_gone AS (DELETE FROM contents USING gone WHERE contents.id = gone.id)
SELECT (SELECT count(*) FROM gone), ARRAY(SELECT DISTINCT chunk_id FROM places)

-- name: next_unplaced
-- Those of the next chunks that stand nowhere. The cluster's last look has noted how far it came; after the last chunk
-- it begins anew.
WITH looked_at AS (
    SELECT id FROM chunks
    WHERE id > coalesce((SELECT value::bigint FROM meta WHERE key = 'unplaced_from'), 0)
    ORDER BY id LIMIT %(limit)s
),
noted AS (
    INSERT INTO meta (key, value)
    SELECT 'unplaced_from', CASE WHEN count(*) < %(limit)s THEN 0 ELSE max(id) END FROM looked_at
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
)
SELECT id FROM looked_at WHERE NOT EXISTS (SELECT FROM content_chunks WHERE chunk_id = looked_at.id)

-- name: lock_unplaced
-- Of these chunks, those that stand nowhere any more, locked so that nobody places them meanwhile.
SELECT id FROM chunks
WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM content_chunks WHERE chunk_id = chunks.id)
ORDER BY id FOR UPDATE SKIP LOCKED

-- name: delete_chunks
-- Chunks that stand nowhere. One that was placed after all is kept by the foreign key's own lock.
DELETE FROM chunks WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM content_chunks WHERE chunk_id = chunks.id)
RETURNING id

-- name: delete_embeddings
-- The vectors of chunks that are no more.
WITH gone AS MATERIALIZED (
    SELECT model_id, chunk_id FROM embeddings WHERE chunk_id = ANY(%(ids)s) ORDER BY 1, 2 FOR UPDATE
)
DELETE FROM embeddings e USING gone WHERE (e.model_id, e.chunk_id) = (gone.model_id, gone.chunk_id)
