-- name: record_agent
-- The agent of a host is alive. A host that is stored is updated first: an insert uses up an id even in a conflict.
WITH stored AS (UPDATE hosts SET heartbeat = now() WHERE name = %(name)s RETURNING id)
INSERT INTO hosts (name, heartbeat) SELECT %(name)s, now() WHERE NOT EXISTS (SELECT FROM stored)
ON CONFLICT (name) DO UPDATE SET heartbeat = excluded.heartbeat

-- name: record_workers
-- Workers that have just answered their agent.
INSERT INTO workers (name, host, kind, pid)
SELECT name, host, kind, pid
FROM unnest(%(names)s::text[], %(hosts)s::text[], %(kinds)s::text[], %(pids)s::integer[])
     AS answered (name, host, kind, pid)
ORDER BY name
ON CONFLICT (name) DO UPDATE
SET host = excluded.host, kind = excluded.kind, pid = excluded.pid, seen_at = now()

-- name: delete_old_workers
-- Workers that have not answered for a long time.
DELETE FROM workers WHERE seen_at < now() - interval '10 minutes'

-- name: record_mount
-- A mount is alive.
INSERT INTO mounts (host, path, pid) VALUES (%(host)s, %(path)s, %(pid)s)
ON CONFLICT (host, path) DO UPDATE SET pid = excluded.pid, seen_at = now()

-- name: remove_mount
-- A mount has ended.
DELETE FROM mounts WHERE host = %(host)s AND path = %(path)s

-- name: live_workers
-- Workers that have answered recently.
SELECT name, host, kind, pid FROM workers
WHERE seen_at > now() - make_interval(secs => %(within)s)
ORDER BY name

-- name: live_mounts
-- Mounts that have reported recently.
SELECT host, path, pid FROM mounts
WHERE seen_at > now() - make_interval(secs => %(within)s)
ORDER BY host, path
