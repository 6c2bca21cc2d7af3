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
RETURNING contents.digest, contents.extractor, contents.kind, contents.id, reason, detail, ocr,
          contents.pending_pages

-- name: insert_contents
-- Contents with `new`: false for one that another worker has stored meanwhile.
INSERT INTO contents (digest, extractor, kind, size, mime_type, title, author, keywords, language, cut_bytes,
                      unread_pages, unread_detail, unread_parts, pending_pages, encoded_characters, ocr, reason, detail)
SELECT digest, extractor, kind, size, mime_type, title, author, keywords, language, cut_bytes, unread_pages,
       unread_detail, unread_parts, pending_pages, encoded_characters, ocr, reason, detail
FROM unnest(%(digests)s::bytea[], %(extractors)s::smallint[], %(kinds)s::text[], %(sizes)s::bigint[],
            %(mime_types)s::text[], %(titles)s::text[], %(authors)s::text[], %(keywords)s::text[],
            %(languages)s::text[], %(cut_bytes)s::bigint[], %(unread_pages)s::integer[], %(unread_details)s::text[],
            %(unread_parts)s::text[], %(pending_pages)s::integer[], %(encoded_characters)s::bigint[], %(ocrs)s::text[],
            %(reasons)s::text[], %(details)s::text[])
     AS read (digest, extractor, kind, size, mime_type, title, author, keywords, language, cut_bytes, unread_pages,
              unread_detail, unread_parts, pending_pages, encoded_characters, ocr, reason, detail)
ON CONFLICT (digest, extractor, kind) DO UPDATE SET orphaned_at = NULL, used_at = now()
RETURNING digest, extractor, kind, id, (xmax = 0) AS new

-- name: replace_content
-- A content of which more pages were read, unless other ones were read meanwhile: it has fewer pending ones then.
UPDATE contents
SET mime_type = read.mime_type, title = read.title, author = read.author, keywords = read.keywords,
    language = read.language, cut_bytes = read.cut_bytes, unread_pages = read.unread_pages,
    unread_detail = read.unread_detail, unread_parts = read.unread_parts, pending_pages = read.pending_pages,
    encoded_characters = read.encoded_characters, ocr = read.ocr, reason = read.reason, detail = read.detail
FROM unnest(%(sizes)s::bigint[], %(mime_types)s::text[], %(titles)s::text[], %(authors)s::text[], %(keywords)s::text[],
            %(languages)s::text[], %(cut_bytes)s::bigint[], %(unread_pages)s::integer[], %(unread_details)s::text[],
            %(unread_parts)s::text[], %(pending_pages)s::integer[], %(encoded_characters)s::bigint[], %(ocrs)s::text[],
            %(reasons)s::text[], %(details)s::text[])
     AS read (size, mime_type, title, author, keywords, language, cut_bytes, unread_pages, unread_detail, unread_parts,
              pending_pages, encoded_characters, ocr, reason, detail)
WHERE contents.id = %(id)s AND contents.pending_pages = %(pending)s
RETURNING contents.id

-- name: remove_chunks
-- All places of chunks in a content. Chunks that have no other are swept.
DELETE FROM content_chunks WHERE content_id = %(id)s

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
INSERT INTO chunks (digest, context, headings, text, tokens, words, terms, analysis)
SELECT digest, context, headings, text, tokens, words::tsvector, terms::sparsevec, analysis
FROM unnest(%(digests)b::bytea[], %(contexts)b::text[], %(headings)b::text[], %(texts)b::text[],
            %(tokens)s::integer[], %(words)b::text[], %(terms)b::text[], %(analyses)s::smallint[])
     AS piece (digest, context, headings, text, tokens, words, terms, analysis)
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
