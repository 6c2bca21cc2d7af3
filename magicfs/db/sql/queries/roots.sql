-- name: ensure_host
-- The id of a host, known from now on.
INSERT INTO hosts (name) VALUES (%(name)s) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id

-- name: all
-- Every root of the cluster, or of one host.
SELECT r.id, h.name, r.path, r.name, r.device, r.state, r.detail,
       CASE WHEN r.scan_wanted_at > coalesce(r.scanned_at, '-infinity') THEN r.scan_wanted_at END
FROM roots r JOIN hosts h ON h.id = r.host_id
WHERE %(host)s::text IS NULL OR h.name = %(host)s
ORDER BY r.name

-- name: names
-- Names that are taken, so that a new root gets one of its own.
SELECT name FROM roots

-- name: insert
-- A new root.
INSERT INTO roots (host_id, path, name, device) VALUES (%(host_id)s, %(path)s, %(name)s, %(device)s)
RETURNING id

-- name: lock_files
-- The files of a root, in the order in which everybody locks them: the foreign key would take them as they lie.
SELECT count(*) FROM (SELECT FROM files WHERE root_id = %(root_id)s ORDER BY path FOR UPDATE) AS locked

-- name: delete
-- Forget a root and, by the foreign key, its files; their contents are marked as orphans before.
DELETE FROM roots WHERE id = %(root_id)s

-- name: set_state
-- What the last look at a root found.
UPDATE roots SET state = %(state)s, detail = %(detail)s
WHERE id = %(root_id)s AND (state, detail) IS DISTINCT FROM (%(state)s::root_state, %(detail)s)

-- name: consume_deletion_confirmation
-- Whether a person has confirmed deletions, which holds for the scan that asks.
UPDATE roots SET may_delete = false WHERE id = %(root_id)s AND may_delete

-- name: restore_deletion_confirmation
-- The scan that was to delete has failed: the next one is to.
UPDATE roots SET may_delete = true WHERE id = %(root_id)s

-- name: set_device
-- The same tree has come back under another number.
UPDATE roots SET device = %(device)s WHERE id = %(root_id)s

-- name: scanned
-- A scan that began at a moment has ended. What it could not look at is as it was: who waits for a scan waits for an
-- end, and not until a directory is opened to us or a disk is mended.
UPDATE roots SET scanned_at = %(began)s, state = 'present', detail = NULL
WHERE id = %(root_id)s

-- name: request_scan
-- Ask the agent of each root for a scan.
UPDATE roots SET scan_wanted_at = now(), may_delete = may_delete OR %(may_delete)s
WHERE %(name)s::text IS NULL OR name = %(name)s
RETURNING id

-- name: unscanned
-- How many roots of a host, or whether a certain root, no scan has been through that began after a moment.
-- Missing ones are not waited for.
SELECT count(*) FROM roots r JOIN hosts h ON h.id = r.host_id
WHERE CASE WHEN %(root)s::text IS NULL THEN h.name = %(host)s ELSE r.name = %(root)s END AND r.state <> 'missing'
  AND (r.scanned_at IS NULL OR r.scanned_at < %(since)s)

-- name: now
-- The database's clock.
SELECT now()
