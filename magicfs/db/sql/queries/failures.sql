-- name: failed_or_skipped_files
-- Failed files, newest first, then skipped ones on request, newest first.
SELECT left(h.name, 1024), left(r.name, 1024), substring(r.path, 1, 4096), r.device, substring(f.path, 1, 4096),
       f.size, f.mtime_ns, f.ctime_ns, f.ino, f.mode, f.uid, f.gid,
       f.state, f.reason, left(f.detail, 4096), extract(epoch FROM f.changed_at)
FROM files f JOIN roots r ON r.id = f.root_id JOIN hosts h ON h.id = r.host_id
WHERE f.reason IS NOT NULL
  AND (f.state = 'failed' OR %(skipped)s)
  AND (%(reason)s::text IS NULL OR f.reason = %(reason)s)
ORDER BY f.state = 'failed' DESC, f.changed_at DESC, f.id DESC
LIMIT %(limit)s

-- name: files_of_failed_chunks
-- Files in the index with a chunk that has no vector of a model that searches use or will use, because embedding failed.
-- One row for each such chunk and model.
SELECT left(h.name, 1024), left(r.name, 1024), substring(r.path, 1, 4096), r.device, substring(f.path, 1, 4096),
       f.size, f.mtime_ns, f.ctime_ns, f.ino, f.mode, f.uid, f.gid,
       'failed', e.reason, concat('lines ', c.first_line, '-', c.last_line, CASE
           WHEN m.state = 'renewing' THEN ' keep their former vector, and have none of the better form of ' || m.name
           WHEN EXISTS (
               SELECT FROM embeddings other JOIN models n ON n.id = other.model_id AND n.state IN ('active', 'multilingual')
               WHERE other.chunk_id = e.chunk_id AND other.state = 'done'
           ) THEN ' have a vector of one model only, and none of ' || m.name
           ELSE ' are found by their words only' END),
       extract(epoch FROM f.changed_at)
FROM embeddings e JOIN models m ON m.id = e.model_id AND m.state IN ('active', 'multilingual', 'renewing')
JOIN content_chunks c ON c.chunk_id = e.chunk_id
JOIN files f ON f.content_id = c.content_id
JOIN roots r ON r.id = f.root_id JOIN hosts h ON h.id = r.host_id
WHERE e.state = 'failed' AND (%(reason)s::text IS NULL OR e.reason = %(reason)s)
ORDER BY f.changed_at DESC, f.id DESC, c.ordinal
LIMIT %(limit)s

-- name: count_failures
-- The number of rows of both queries above.
SELECT (SELECT count(*) FROM files f
        WHERE f.reason IS NOT NULL
          AND (f.state = 'failed' OR %(skipped)s)
          AND (%(reason)s::text IS NULL OR f.reason = %(reason)s))
       + (SELECT count(*)
          FROM embeddings e JOIN models m ON m.id = e.model_id AND m.state IN ('active', 'multilingual', 'renewing')
          JOIN content_chunks c ON c.chunk_id = e.chunk_id
          JOIN files f ON f.content_id = c.content_id
          WHERE e.state = 'failed' AND (%(reason)s::text IS NULL OR e.reason = %(reason)s))

-- name: unindexed_files
-- Files that failed or were skipped for a reason, by path.
SELECT left(h.name, 1024), left(r.name, 1024), substring(r.path, 1, 4096), r.device, substring(f.path, 1, 4096),
       f.size, f.mtime_ns, f.ctime_ns, f.ino, f.mode, f.uid, f.gid,
       f.state, f.reason, left(f.detail, 4096), extract(epoch FROM f.changed_at)
FROM files f JOIN roots r ON r.id = f.root_id JOIN hosts h ON h.id = r.host_id
WHERE f.reason = %(reason)s
ORDER BY r.id, f.path
LIMIT %(limit)s

-- name: unindexed_reasons
-- The reasons of failed and skipped files. One look into the index files_reason for each: a root may have a hundred
-- thousand pictures, and DISTINCT would read them all.
WITH RECURSIVE reasons AS (
    (SELECT reason FROM files WHERE reason IS NOT NULL ORDER BY reason LIMIT 1)
    UNION ALL
    SELECT (SELECT files.reason FROM files
            WHERE files.reason IS NOT NULL AND files.reason > reasons.reason ORDER BY files.reason LIMIT 1)
    FROM reasons WHERE reasons.reason IS NOT NULL
)
SELECT reason FROM reasons WHERE reason IS NOT NULL

-- name: retry_files
-- Failed files, those skipped for a reason that may be gone, pictures that need OCR, and partly read files become
-- pending again. Returns their contents, and whether these are to be read again; searches find them until then.
UPDATE files SET state = 'pending', reason = NULL, detail = NULL, attempts = 0, leased_until = NULL
WHERE id IN (
    SELECT id FROM files
    WHERE state = 'failed' OR reason = ANY(%(reasons)s) OR state = 'named' AND content_id IS NULL
       OR state IN ('indexed', 'named') AND content_id IN (SELECT id FROM contents WHERE {{may_have_more_text}})
    ORDER BY root_id, path FOR UPDATE)
RETURNING content_id, content_id IN (SELECT id FROM contents WHERE {{may_have_more_text}})

-- name: may_have_more_text
-- Fragment: the content was partly read, or it is a picture that needs OCR.
(cut_bytes > 0 OR unread_pages > pending_pages OR unread_parts IS NOT NULL OR reason = 'needs-ocr')

-- name: lock_unreadable_contents
-- Contents without text that no file has, locked so that no file gets one meanwhile.
SELECT id FROM contents
WHERE reason IS NOT NULL AND NOT EXISTS (SELECT FROM files WHERE content_id = contents.id)
ORDER BY digest, extractor, kind FOR UPDATE

-- name: delete_unused_contents
-- The locked contents that no file has, so that their bytes are parsed again: another transaction may have given one to
-- a file before it was locked.
DELETE FROM contents WHERE id = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM files WHERE content_id = contents.id)

-- name: retry_chunks
-- Failed chunks become pending again.
UPDATE embeddings SET state = 'pending', reason = NULL, attempts = 0, leased_until = NULL
WHERE (model_id, chunk_id) IN (
    SELECT model_id, chunk_id FROM embeddings WHERE state = 'failed' ORDER BY 1, 2 FOR UPDATE)
