-- name: announce
-- An announcement to all who listen on a channel. Several of one transaction are one.
SELECT pg_notify(%(channel)s, '')

-- name: ensure_host
-- The id of a host, which is inserted if it is new. An insert uses up an id even in a conflict, so it is not tried.
WITH stored AS (SELECT id FROM hosts WHERE name = %(name)s),
added AS (
    INSERT INTO hosts (name) SELECT %(name)s WHERE NOT EXISTS (SELECT FROM stored)
    ON CONFLICT (name) DO UPDATE SET name = excluded.name
    RETURNING id
)
SELECT id FROM stored UNION ALL SELECT id FROM added

-- name: list_roots
-- The roots of the cluster or of one host. The request for a scan is null once a later scan has ended.
SELECT r.id, left(h.name, 1024), substring(r.path, 1, 4096), left(r.name, 1024), r.device,
       substring(r.mount_point, 1, 4096), r.inner_mounts[1:1000], r.state,
       left(r.detail, 4096),
       CASE WHEN r.scan_wanted_at > coalesce(r.scanned_at, '-infinity') THEN r.scan_wanted_at END
FROM roots r JOIN hosts h ON h.id = r.host_id
WHERE %(host)s::text IS NULL OR h.name = %(host)s
ORDER BY r.name

-- name: troubled_roots
-- The roots that are missing or suspect, by name.
SELECT name, state, detail FROM roots WHERE state <> 'present' AND detail IS NOT NULL ORDER BY name

-- name: root_names
-- The names of all roots: a new one gets another name.
SELECT name FROM roots

-- name: insert_root
-- A new root.
INSERT INTO roots (host_id, path, name, folded, device, mount_point)
VALUES (%(host_id)s, %(path)s, %(name)s, %(folded)s, %(device)s, %(mount_point)s)
RETURNING id

-- name: roots_without_folded_name
-- The roots that an older version has inserted. Locked ones are left to the next call.
SELECT id, name FROM roots WHERE folded IS NULL ORDER BY id FOR NO KEY UPDATE SKIP LOCKED

-- name: write_folded_name
-- The folded name of a root.
UPDATE roots SET folded = %(folded)s WHERE id = %(root_id)s

-- name: lock_files_of_root
-- The files of a root, locked in the common order: the foreign key would lock them in their order on disk.
SELECT count(*) FROM (SELECT FROM files WHERE root_id = %(root_id)s ORDER BY path FOR UPDATE) AS locked

-- name: delete_root
-- A root and, by the foreign key, its files.
DELETE FROM roots WHERE id = %(root_id)s

-- name: set_root_state
-- The result of the last check of a root.
UPDATE roots SET state = %(state)s, detail = %(detail)s
WHERE id = %(root_id)s AND (state, detail) IS DISTINCT FROM (%(state)s::root_state, %(detail)s)

-- name: is_suspect
-- Whether a root waits for a person who confirms deletions.
SELECT EXISTS (SELECT FROM roots WHERE id = %(root_id)s AND state = 'suspect')

-- name: end_missing
-- The disk of a root answers again. One of any other state keeps it: a scan may have recorded that meanwhile.
UPDATE roots SET state = 'present', detail = NULL WHERE id = %(root_id)s AND state = 'missing'

-- name: set_detail_of_present
-- What a scan has found in a root that is present.
UPDATE roots SET detail = %(detail)s
WHERE id = %(root_id)s AND state = 'present' AND detail IS DISTINCT FROM %(detail)s

-- name: consume_deletion_confirmation
-- The confirmation of deletions, reset for the next scan. Updates one row if there was one.
UPDATE roots SET may_delete = false WHERE id = %(root_id)s AND may_delete

-- name: restore_deletion_confirmation
-- The scan that consumed the confirmation has failed: the next one may delete.
UPDATE roots SET may_delete = true WHERE id = %(root_id)s

-- name: set_place
-- The new device number, mount point and inner mounts of a root whose tree is the same.
UPDATE roots SET device = %(device)s, mount_point = %(mount_point)s, inner_mounts = %(inner_mounts)s::bytea[]
WHERE id = %(root_id)s

-- name: record_scan
-- A scan has ended, even if it could not read some directories: who waits for the scan must not wait until a permission
-- or a disk is fixed. The clock may have been put back since it began.
UPDATE roots SET scanned_at = least(%(began)s, now()), state = 'present', detail = %(detail)s
WHERE id = %(root_id)s

-- name: request_scan
-- A scan of one root, or of all of a host or of the cluster, to be done by their agents.
UPDATE roots SET scan_wanted_at = now(), may_delete = may_delete OR %(may_delete)s
WHERE (%(name)s::text IS NULL OR name = %(name)s)
  AND (%(host)s::text IS NULL OR host_id = (SELECT id FROM hosts WHERE name = %(host)s))
RETURNING id

-- name: list_unscanned
-- Roots of a host, or one root by its name, without a completed scan that began after a moment. Missing ones do not
-- count. A moment that is to come was one before the clock was put back, when all scans were forgotten: any one counts.
SELECT r.name FROM roots r JOIN hosts h ON h.id = r.host_id
WHERE CASE WHEN %(root)s::text IS NULL THEN h.name = %(host)s ELSE r.name = %(root)s END AND r.state <> 'missing'
  AND (r.scanned_at IS NULL OR r.scanned_at < %(since)s AND %(since)s <= now())
ORDER BY r.name

-- name: count_deletion_statements
-- How many statements have deleted files of a root. A deleted root has none.
SELECT coalesce((SELECT deletions FROM roots WHERE id = %(root_id)s), 0)

-- name: database_time
-- The database's clock.
SELECT now()
