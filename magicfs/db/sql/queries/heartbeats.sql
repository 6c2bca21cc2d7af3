-- name: extend_lease
-- The lease of a machine that has the host, extended, and that its agent is alive.
UPDATE hosts
SET heartbeat = now(), agent_until = now() + make_interval(secs => %(seconds)s), agent_boot = nullif(%(boot)s, '')
WHERE name = %(host)s AND agent_machine = %(machine)s

-- name: take_host
-- A host whose lease was given back or has run out, for the agent of a machine. A transaction of the earlier agent that
-- goes on holds the host (`hold_host`): the row is skipped then.
UPDATE hosts
SET heartbeat = now(), agent_machine = %(machine)s, agent_until = now() + make_interval(secs => %(seconds)s),
    agent_boot = nullif(%(boot)s, '')
WHERE id = (
    SELECT id FROM hosts
    WHERE name = %(host)s AND (agent_machine IS NULL OR agent_until IS NULL OR agent_until < now())
    FOR UPDATE SKIP LOCKED)

-- name: hold_host
-- The host, if the machine has it, locked against `take_host` until the transaction ends. It does not wait for
-- `extend_lease`, nor the other way round.
SELECT FROM hosts WHERE name = %(host)s AND agent_machine = %(machine)s FOR KEY SHARE

-- name: machine_of_host
-- The machine whose agent has a host. No row without such a host.
SELECT coalesce(agent_machine, '') FROM hosts WHERE name = %(host)s

-- name: insert_host
-- A new host.
INSERT INTO hosts (name) VALUES (%(host)s) ON CONFLICT (name) DO NOTHING

-- name: release_host
-- The lease of a machine, given back.
UPDATE hosts SET agent_machine = NULL, agent_until = NULL WHERE name = %(host)s AND agent_machine = %(machine)s

-- name: record_workers
-- Workers that have just answered their agent.
INSERT INTO workers (name, host, kind, pid)
SELECT name, host, kind, pid
FROM unnest(%(names)s::text[], %(hosts)s::text[], %(kinds)s::text[], %(pids)s::integer[])
     AS answered (name, host, kind, pid)
ORDER BY name
ON CONFLICT (name) DO UPDATE
SET host = excluded.host, kind = excluded.kind, pid = excluded.pid, seen_at = now()

-- name: remove_workers
-- Workers that have ended.
DELETE FROM workers WHERE name = ANY(%(names)s)

-- name: delete_old_workers
-- Workers that have not answered for a long time.
DELETE FROM workers WHERE seen_at < now() - interval '10 minutes'

-- name: delete_old_mounts
-- Mounts that have not reported for a long time: they were killed.
DELETE FROM mounts WHERE seen_at < now() - interval '10 minutes'

-- name: record_mount
-- A mount is alive.
INSERT INTO mounts (host, path, pid) VALUES (%(host)s, %(path)s, %(pid)s)
ON CONFLICT (host, path) DO UPDATE SET pid = excluded.pid, seen_at = now()

-- name: remove_mount
-- A mount has ended.
DELETE FROM mounts WHERE host = %(host)s AND path = %(path)s

-- name: live_workers
-- Workers that have answered recently.
SELECT left(name, 1024), left(host, 1024), left(kind, 1024), pid FROM workers
WHERE seen_at > now() - make_interval(secs => %(within)s)
ORDER BY name

-- name: live_mounts
-- Mounts that have reported recently.
SELECT left(host, 1024), substring(path, 1, 4096), pid FROM mounts
WHERE seen_at > now() - make_interval(secs => %(within)s)
ORDER BY host, path

-- name: has_agent
-- Whether an agent has a host now.
SELECT EXISTS (SELECT FROM hosts WHERE name = %(name)s AND agent_machine IS NOT NULL AND agent_until > now())
