-- name: list_hosts
-- All hosts with their agents, by name.
SELECT left(name, 1024), left(agent_machine, 1024), extract(epoch FROM heartbeat)::float8,
       agent_machine IS NOT NULL AND agent_until > now()
FROM hosts
ORDER BY name

-- name: lock_host
-- A host, locked against its agent: neither `take_host` nor `hold_host` gets it before the transaction ends. Says
-- whether an agent works it.
SELECT agent_machine IS NOT NULL AND agent_until > now() FROM hosts WHERE name = %(name)s FOR UPDATE

-- name: delete_workers_of_host
-- The workers of a host.
DELETE FROM workers WHERE host = %(name)s

-- name: delete_mounts_of_host
-- The mounts of a host.
DELETE FROM mounts WHERE host = %(name)s

-- name: delete_host
-- A host without roots.
DELETE FROM hosts WHERE name = %(name)s

-- name: end_long_statements
-- The other sessions of this role whose statement runs for some seconds.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
AND state IN ('active', 'fastpath function call') AND query_start < clock_timestamp() - make_interval(secs => %(seconds)s)
