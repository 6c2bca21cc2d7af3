-- name: files
-- Files that are not in the index, newest first, and why. Those that hold nothing to index only when asked for.
SELECT h.name, r.name, r.path, f.path, f.state, f.reason, f.detail, extract(epoch FROM f.changed_at)
FROM files f JOIN roots r ON r.id = f.root_id JOIN hosts h ON h.id = r.host_id
WHERE f.reason IS NOT NULL
  AND (f.state = 'failed' OR %(skipped)s)
  AND (%(reason)s::text IS NULL OR f.reason = %(reason)s)
ORDER BY f.changed_at DESC, f.id DESC
LIMIT %(limit)s

-- name: chunks
-- Files that are in the index with a chunk that no vector could be made of.
SELECT h.name, r.name, r.path, f.path, 'failed', e.reason,
       'lines ' || c.first_line || '-' || c.last_line || ' are found by their words only',
       extract(epoch FROM f.changed_at)
FROM embeddings e JOIN models m ON m.id = e.model_id AND m.state = 'active'
JOIN content_chunks c ON c.chunk_id = e.chunk_id
JOIN files f ON f.content_id = c.content_id
JOIN roots r ON r.id = f.root_id JOIN hosts h ON h.id = r.host_id
WHERE e.state = 'failed' AND (%(reason)s::text IS NULL OR e.reason = %(reason)s)
ORDER BY f.changed_at DESC, f.id DESC, c.ordinal
LIMIT %(limit)s

-- name: retry_files
-- Read again what could not be read.
UPDATE files SET state = 'pending', reason = NULL, detail = NULL, attempts = 0, leased_until = NULL
WHERE id IN (
    SELECT id FROM files WHERE state = 'failed' OR reason = ANY(%(reasons)s) ORDER BY root_id, path FOR UPDATE)

-- name: forget_verdicts
-- What was concluded about bytes without text is concluded anew.
DELETE FROM contents
WHERE id IN (SELECT id FROM contents WHERE reason IS NOT NULL ORDER BY digest, extractor, kind FOR UPDATE)

-- name: retry_chunks
-- Embed again what could not be embedded.
UPDATE embeddings SET state = 'pending', reason = NULL, attempts = 0, leased_until = NULL
WHERE (model_id, chunk_id) IN (
    SELECT model_id, chunk_id FROM embeddings WHERE state = 'failed' ORDER BY 1, 2 FOR UPDATE)
