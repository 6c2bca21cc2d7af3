-- Claims of files that were read but for some pages, which are read when no file waits.

-- name: claim_pages
-- One file of a host that was read but for some pages, and is not pending: of all, that with the fewest such pages, and
-- last those at which a turn failed. Its state stays. It is a slow file, and counts among those. Nothing that waits is
-- claimed: see `claim_files`. Of tens of thousands of such contents, an index gives the first one.
WITH lease AS MATERIALIZED (SELECT nextval('leases') AS number),
host_roots AS ({{file_claims.own_roots}}),
slow_limit AS MATERIALIZED ({{file_claims.slow_limit}}),
untried AS (
    SELECT f.id, host_roots.path AS root FROM contents c {{files_with_pages_to_read}} AND f.attempts = 0
    ORDER BY c.pending_pages LIMIT 1
    FOR UPDATE OF f SKIP LOCKED
),
tried AS (
    SELECT f.id, host_roots.path AS root FROM contents c {{files_with_pages_to_read}} AND f.attempts > 0
      AND NOT EXISTS (SELECT FROM untried)
    ORDER BY f.attempts, c.pending_pages LIMIT 1
    FOR UPDATE OF f SKIP LOCKED
),
picked AS (SELECT id, root FROM untried UNION ALL SELECT id, root FROM tried)
UPDATE files
SET attempts = files.attempts + 1, priority = %(priority)s, lease = lease.number, leased_by = %(owner)s,
    leased_until = now() + make_interval(secs => %(seconds)s), claimed_at = clock_timestamp()
FROM picked, lease
WHERE files.id = picked.id
RETURNING files.id, files.lease, files.claimed_at, picked.root, files.path, files.attempts, files.content_id,
          files.priority, files.size, extract(epoch FROM files.claimed_at - files.read_at)::float8, files.pause_s

-- name: files_with_pages_to_read
-- Fragment: `files_with_pending_pages` that a worker with or without OCR may claim. Without, none is of which OCR has read
-- pages, nor one whose pictures wait.
{{files_with_pending_pages}}
  AND (%(recognises)s OR c.kind LIKE 'application/pdf %%' AND coalesce(c.ocr, %(no_ocr)s) = %(no_ocr)s
       AND NOT EXISTS (SELECT FROM page_texts WHERE content_id = c.id AND is_recognised))

-- name: files_with_pending_pages
-- Fragment: the files of `host_roots` whose content `c` has pages that are read later, and that nobody has claimed, nor a
-- copy of them. The pause after a reading is none for these, because the file has not changed; that after a turn that
-- failed is one.
JOIN files f ON f.content_id = c.id JOIN host_roots ON host_roots.id = f.root_id
WHERE c.pending_pages > 0 AND f.state IN ('indexed', 'named') AND f.attempts < %(max_attempts)s
  AND (f.attempts = 0 OR ({{file_claims.is_held}}) IS NOT TRUE)
  AND NOT (SELECT reached FROM slow_limit)
  AND NOT EXISTS (SELECT FROM files WHERE content_id = c.id AND lease IS NOT NULL AND {{file_claims.is_held}})

-- name: has_pending_pages
-- Whether there is such a file, for a worker that has no slow one.
WITH host_roots AS ({{file_claims.readable_roots}}),
slow_limit AS MATERIALIZED ({{file_claims.slow_limit}})
SELECT EXISTS (SELECT FROM contents c {{files_with_pending_pages}})

-- name: return_pages
-- A claim that has read no page. A refund of 1 takes the attempt back, but for the first one: it says that there is a pause.
-- The pause is stored, because the next one is longer.
-- A file that has changed meanwhile is read after the pause of such files: it begins anew.
UPDATE files
SET attempts = greatest(attempts - %(refund)s, CASE WHEN changed_at > claimed_at THEN 0 ELSE 1 END),
    lease = NULL, leased_by = NULL, pause_s = CASE WHEN changed_at > claimed_at THEN pause_s ELSE %(pause)s END,
    leased_until = now() + make_interval(
        secs => CASE WHEN changed_at > claimed_at THEN %(reread_pause)s ELSE %(pause)s END)
WHERE id = %(id)s AND lease = %(lease)s

-- name: lock_copies
-- The files of a content, locked until the transaction ends, in the order of `upsert_files`.
SELECT FROM files WHERE content_id = %(content)s ORDER BY root_id, path FOR UPDATE

-- name: index_copies
-- The locked files of a content that had no text and has some now.
UPDATE files SET state = 'indexed' WHERE content_id = %(content)s AND state = 'named'
