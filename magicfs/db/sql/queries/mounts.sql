-- name: record
-- A mount is up.
INSERT INTO mounts (host, path, pid) VALUES (%(host)s, %(path)s, %(pid)s)
ON CONFLICT (host, path) DO UPDATE SET pid = excluded.pid, seen_at = now()

-- name: remove
-- A mount is no more.
DELETE FROM mounts WHERE host = %(host)s AND path = %(path)s

-- name: index_version
-- Which transactions a search that begins now can see. The same text means that none was committed in between.
SELECT pg_current_snapshot()::text

-- name: failure_reasons
-- Reasons for which files failed. The index files_reason holds few rows: those with a reason.
SELECT DISTINCT reason FROM files WHERE state = 'failed' AND reason IS NOT NULL ORDER BY reason

-- name: failed_files
-- Files that failed for a reason.
SELECT h.name, r.path, r.device, f.path, f.size, f.mtime_ns, f.ctime_ns, f.ino, f.mode, f.uid, f.gid, f.detail
FROM files f JOIN roots r ON r.id = f.root_id JOIN hosts h ON h.id = r.host_id
WHERE f.state = 'failed' AND f.reason = %(reason)s
ORDER BY r.id, f.path
LIMIT %(limit)s
