-- name: find_contents
-- Stored contents by key. The update takes them out of the orphans and locks them against a sweep, in the order of the
-- keys. The limit keeps the planner from joining all contents.
UPDATE contents SET orphaned_at = NULL, used_at = now()
FROM unnest(%(digests)s::bytea[], %(extractors)s::smallint[], %(kinds)s::text[]) AS wanted (digest, extractor, kind)
CROSS JOIN LATERAL (
    SELECT id FROM contents c
    WHERE (c.digest, c.extractor, c.kind) = (wanted.digest, wanted.extractor, wanted.kind)
    LIMIT 1
    FOR NO KEY UPDATE
) AS stored
WHERE contents.id = stored.id
RETURNING contents.digest, contents.extractor, contents.kind, contents.id, reason, detail

-- name: insert_contents
-- Contents with `new`: false for one that another worker has stored meanwhile.
INSERT INTO contents (digest, extractor, kind, size, mime_type, title, author, keywords, language, cut_bytes,
                      unread_pages, encoded_characters, reason, detail)
SELECT digest, extractor, kind, size, mime_type, title, author, keywords, language, cut_bytes, unread_pages,
       encoded_characters, reason, detail
FROM unnest(%(digests)s::bytea[], %(extractors)s::smallint[], %(kinds)s::text[], %(sizes)s::bigint[],
            %(mime_types)s::text[], %(titles)s::text[], %(authors)s::text[], %(keywords)s::text[],
            %(languages)s::text[], %(cut_bytes)s::bigint[], %(unread_pages)s::integer[],
            %(encoded_characters)s::bigint[], %(reasons)s::text[], %(details)s::text[])
     AS read (digest, extractor, kind, size, mime_type, title, author, keywords, language, cut_bytes, unread_pages,
              encoded_characters, reason, detail)
ON CONFLICT (digest, extractor, kind) DO UPDATE SET orphaned_at = NULL, used_at = now()
RETURNING digest, extractor, kind, id, (xmax = 0) AS new

-- name: insert_languages
-- The languages of contents that the index does not have yet, in a common order.
INSERT INTO languages (code)
SELECT DISTINCT code FROM unnest(%(languages)s::text[]) AS spoken (code)
WHERE NOT EXISTS (SELECT FROM languages WHERE languages.code = spoken.code)
ORDER BY code
ON CONFLICT (code) DO NOTHING

-- name: insert_chunks
-- Chunks that are not stored yet, by digest: in a common order, two transactions never deadlock. Binary arrays of texts
-- need no quoting, which takes longer than the rest of sending them.
INSERT INTO chunks (digest, context, text, tokens, words, analysis)
SELECT digest, context, text, tokens, words::tsvector, analysis
FROM unnest(%(digests)b::bytea[], %(contexts)b::text[], %(texts)b::text[], %(tokens)s::integer[],
            %(words)b::text[], %(analyses)s::smallint[])
     AS piece (digest, context, text, tokens, words, analysis)
ORDER BY digest
ON CONFLICT (digest) DO NOTHING

-- name: place_chunks
-- The place of each chunk in its content. This also takes the share lock that keeps a sweep from deleting the chunk.
INSERT INTO content_chunks (content_id, ordinal, chunk_id, first_line, last_line, page)
SELECT content_id, ordinal, chunks.id, first_line, last_line, page
FROM unnest(%(content_ids)s::bigint[], %(ordinals)s::integer[], %(digests)s::bytea[], %(first_lines)s::integer[],
            %(last_lines)s::integer[], %(pages)s::integer[])
     AS place (content_id, ordinal, digest, first_line, last_line, page)
JOIN chunks USING (digest)

-- name: max_embedded_chunks
-- The most chunks of a content that are embedded.
SELECT value::integer FROM meta WHERE key = 'max_embedded_chunks'

-- name: take_limit_lock
-- Two workers that start at once compare their settings one after the other.
SELECT pg_advisory_xact_lock(%(lock)s)

-- name: read_limits
-- The limit of the index and the setting that a host had at its last start.
SELECT ({{max_embedded_chunks}}),
       (SELECT value::integer FROM meta WHERE key = 'max_embedded_chunks@' || %(host)s)

-- name: declare_limit
-- The setting of a host.
INSERT INTO meta (key, value) VALUES ('max_embedded_chunks@' || %(host)s, %(chunks)s::integer::text)
ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE meta.value <> excluded.value

-- name: set_limit
-- Another limit for the index.
INSERT INTO meta (key, value) VALUES ('max_embedded_chunks', %(chunks)s::integer::text)
ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: start_limit_change
-- Note that the limit has changed: the lower one of both, and the id up to which contents have been visited. The lowest
-- one counts while a former change is not done.
INSERT INTO meta (key, value) VALUES ('limit_change', %(chunks)s::integer || ':0')
ON CONFLICT (key) DO UPDATE SET value = least(split_part(meta.value, ':', 1)::integer, %(chunks)s::integer) || ':0'

-- name: next_limited_contents
-- The next contents that a changed limit may concern, and whether it does: they have more chunks than the lower limit.
-- Nothing without a change, and while another transaction visits contents. Removes the note after the last content.
WITH change AS (
    SELECT split_part(value, ':', 1)::integer AS chunks, split_part(value, ':', 2)::bigint AS visited
    FROM meta WHERE key = 'limit_change' FOR UPDATE SKIP LOCKED
),
next AS (
    SELECT id FROM contents WHERE id > (SELECT visited FROM change) ORDER BY id LIMIT %(limit)s
),
noted AS (
    UPDATE meta SET value = (SELECT chunks FROM change) || ':' || (SELECT max(id) FROM next)
    WHERE key = 'limit_change' AND EXISTS (SELECT FROM next)
),
ended AS (
    DELETE FROM meta WHERE key = 'limit_change' AND EXISTS (SELECT FROM change) AND NOT EXISTS (SELECT FROM next)
)
SELECT id, EXISTS (SELECT FROM content_chunks WHERE content_id = next.id AND ordinal = (SELECT chunks FROM change))
FROM next ORDER BY id

-- name: chunks_to_embed
-- The chunks of the content `wanted` that are embedded: all of them, or as many as the limit, spread over the content.
-- Of each 64 chunks in a row, those with the lowest hashes are taken first. The hash is that of the chunk, not of its
-- place, so an edit or a higher limit leaves the others as they are. The first chunk is always taken: it says most.
-- Whether a content exceeds the limit shows in one row, so a short content is not sorted.
(
    SELECT chunk_id, ordinal FROM content_chunks
    WHERE content_id = wanted.content_id AND NOT EXISTS (
        SELECT FROM content_chunks WHERE content_id = wanted.content_id AND ordinal = ({{max_embedded_chunks}}))
    UNION ALL
    SELECT chunk_id, ordinal FROM (
        SELECT chunk_id, ordinal, row_number() OVER (ORDER BY ordinal > 0, block_rank, hash) AS rank FROM (
            SELECT chunk_id, ordinal, hash, row_number() OVER (PARTITION BY ordinal / 64 ORDER BY hash) AS block_rank
            FROM (
                SELECT chunk_id, min(ordinal) AS ordinal, hashint8extended(chunk_id, 0) AS hash
                FROM content_chunks
                WHERE content_id = wanted.content_id AND EXISTS (
                    SELECT FROM content_chunks
                    WHERE content_id = wanted.content_id AND ordinal = ({{max_embedded_chunks}}))
                GROUP BY chunk_id
            ) AS distinct_chunks
        ) AS in_blocks
    ) AS ranked
    WHERE rank <= ({{max_embedded_chunks}})
)

-- name: enqueue_chunks
-- A pending row for each chunk of the contents that is to be embedded, under the active and the building model. Only the
-- first chunks get the content's priority: all chunks of a long text would delay other files for minutes.
INSERT INTO embeddings (model_id, chunk_id, priority)
SELECT m.id, c.chunk_id, max(CASE WHEN c.ordinal < %(prioritized)s THEN wanted.priority ELSE 0 END)
FROM unnest(%(content_ids)s::bigint[], %(priorities)s::smallint[]) AS wanted (content_id, priority)
CROSS JOIN LATERAL {{chunks_to_embed}} AS c CROSS JOIN models m
WHERE m.state IN ('active', 'building')
GROUP BY m.id, c.chunk_id
ORDER BY 1, 2
ON CONFLICT (model_id, chunk_id) DO UPDATE SET priority = excluded.priority
WHERE embeddings.state = 'pending' AND embeddings.priority < excluded.priority

-- name: enqueue_all_chunks
-- A pending row of a model for every chunk that is to be embedded for a file, and that has no row yet.
INSERT INTO embeddings (model_id, chunk_id)
SELECT DISTINCT %(model_id)s::smallint, c.chunk_id
FROM (SELECT id FROM contents WHERE EXISTS (SELECT FROM files WHERE content_id = contents.id)) AS wanted (content_id)
CROSS JOIN LATERAL {{chunks_to_embed}} AS c
WHERE NOT EXISTS (SELECT FROM embeddings WHERE model_id = %(model_id)s AND chunk_id = c.chunk_id)
ORDER BY c.chunk_id
ON CONFLICT DO NOTHING

-- name: lock_surplus_chunks
-- The pending rows of the contents' chunks, locked in the order of `enqueue_chunks`. Claimed ones are finished.
SELECT model_id, chunk_id FROM embeddings
WHERE state = 'pending' AND lease IS NULL
  AND chunk_id IN (SELECT chunk_id FROM content_chunks WHERE content_id = ANY(%(ids)s))
ORDER BY 1, 2 FOR UPDATE

-- name: remove_surplus_chunks
-- The locked rows beyond the limit, unless another content has their chunks embedded. To give a content a chunk is to
-- queue it, which waits for the lock.
WITH locked AS (
    SELECT DISTINCT chunk_id FROM content_chunks WHERE content_id = ANY(%(ids)s)
),
embedded AS (
    SELECT c.chunk_id
    FROM (SELECT DISTINCT content_id FROM content_chunks JOIN locked USING (chunk_id)) AS wanted
    CROSS JOIN LATERAL {{chunks_to_embed}} AS c
)
DELETE FROM embeddings
WHERE state = 'pending' AND lease IS NULL
  AND chunk_id IN (SELECT chunk_id FROM locked EXCEPT SELECT chunk_id FROM embedded)

-- name: enqueue_missing_chunks
-- A pending row under the active and the building model for each chunk of contents that is to be embedded and has none.
INSERT INTO embeddings (model_id, chunk_id)
SELECT DISTINCT m.id, c.chunk_id
FROM (SELECT id FROM contents WHERE id = ANY(%(ids)s) AND EXISTS (SELECT FROM files WHERE content_id = contents.id))
     AS wanted (content_id)
CROSS JOIN LATERAL {{chunks_to_embed}} AS c
JOIN models m ON m.state IN ('active', 'building')
WHERE NOT EXISTS (SELECT FROM embeddings WHERE model_id = m.id AND chunk_id = c.chunk_id)
ORDER BY 1, 2
ON CONFLICT DO NOTHING

-- name: lock_same_bytes
-- All contents with the bytes of some contents, locked in the order of their keys.
SELECT FROM contents
WHERE (digest, kind) IN (SELECT digest, kind FROM contents WHERE id = ANY(%(ids)s))
ORDER BY digest, extractor, kind FOR UPDATE

-- name: outdate_contents
-- Locked contents get extractor versions of their own, below all others of the same bytes.
UPDATE contents SET extractor = outdated.extractor
FROM (
    SELECT id, (SELECT least(min(o.extractor), 0) FROM contents o WHERE (o.digest, o.kind) = (c.digest, c.kind))
               - row_number() OVER (PARTITION BY digest, kind ORDER BY c.extractor) AS extractor
    FROM contents c WHERE id = ANY(%(ids)s)
) AS outdated
WHERE contents.id = outdated.id

-- name: orphan_contents
-- Those of the contents that no file has. Locked ones are skipped and left to `mark_orphans`: this transaction has
-- locked files, and would deadlock with one that has locked the content and waits for a file.
UPDATE contents SET orphaned_at = now()
WHERE id IN (
    SELECT id FROM contents
    WHERE id = ANY(%(ids)s) AND orphaned_at IS NULL AND NOT EXISTS (SELECT FROM files WHERE content_id = contents.id)
    FOR UPDATE SKIP LOCKED)

-- name: orphan_contents_without_grace
-- Those of the contents that no file has, without a grace period: the next sweep deletes them.
UPDATE contents SET orphaned_at = '-infinity'
WHERE id IN (
    SELECT id FROM contents
    WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM files WHERE content_id = contents.id)
    FOR UPDATE SKIP LOCKED)

-- name: mark_orphans
-- All contents that no file has. Locked ones are skipped until the next run. No file refers to a content that was
-- skipped or has failed: it becomes an orphan when it has not been used for a while.
UPDATE contents SET orphaned_at = now()
WHERE id IN (
    SELECT id FROM contents
    WHERE orphaned_at IS NULL AND (reason IS NULL OR used_at < now() - make_interval(secs => %(unreadable_grace)s))
      AND NOT EXISTS (SELECT FROM files WHERE content_id = contents.id)
    FOR UPDATE SKIP LOCKED)

-- name: contents_of_root
-- The contents of a root's files.
SELECT DISTINCT content_id FROM files WHERE root_id = %(root_id)s AND content_id IS NOT NULL

-- name: take_sweep_lock
-- Whether no other sweep runs. Two sweeps that each delete one of the last two places of a chunk would both see the
-- other place, and both keep the chunk.
SELECT pg_try_advisory_xact_lock(%(lock)s)

-- name: sweep_contents
-- Contents that have been orphans for the grace period. Returns their number, and the ids of their chunks.
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

-- name: next_unplaced_chunks
-- Those of the next chunks that are in no content. `meta` has the id up to which the last call went; after the last
-- chunk, the calls start again at the first one.
WITH visited AS (
    SELECT id FROM chunks
    WHERE id > coalesce((SELECT value::bigint FROM meta WHERE key = 'unplaced_from'), 0)
    ORDER BY id LIMIT %(limit)s
),
noted AS (
    INSERT INTO meta (key, value)
    SELECT 'unplaced_from', CASE WHEN count(*) < %(limit)s THEN 0 ELSE max(id) END FROM visited
    ON CONFLICT (key) DO UPDATE SET value = excluded.value
)
SELECT id FROM visited WHERE NOT EXISTS (SELECT FROM content_chunks WHERE chunk_id = visited.id)

-- name: lock_unplaced_chunks
-- Those of the chunks that are in no content, locked so that no transaction places them meanwhile.
SELECT id FROM chunks
WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM content_chunks WHERE chunk_id = chunks.id)
ORDER BY id FOR UPDATE SKIP LOCKED

-- name: delete_chunks
-- Chunks that are in no content, checked again now that they are locked: one may have been placed before that.
DELETE FROM chunks WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM content_chunks WHERE chunk_id = chunks.id)
RETURNING id

-- name: delete_embeddings
-- The queue rows and vectors of deleted chunks.
WITH locked AS MATERIALIZED (
    SELECT model_id, chunk_id FROM embeddings WHERE chunk_id = ANY(%(ids)s) ORDER BY 1, 2 FOR UPDATE
)
DELETE FROM embeddings e USING locked WHERE (e.model_id, e.chunk_id) = (locked.model_id, locked.chunk_id)
