-- The times of the index, after the clock of the database was put back. A time that is ahead of the clock was written
-- before, and would hold up whatever compares it with the present until the clock is there again. What is ahead of
-- `now()`, the beginning of the transaction, may have been written since.

-- name: is_put_back
-- Whether the clock was put back since the last heartbeat of an agent.
SELECT EXISTS (SELECT FROM hosts WHERE heartbeat > clock_timestamp() + interval '1 second')

-- name: correct_files
-- Files that were changed, or read, at a time that is still to come, as if it was now. Locked in the order of
-- `upsert_files`. Returns how many.
UPDATE files SET changed_at = least(changed_at, now()), read_at = least(read_at, now())
WHERE id IN (
    SELECT id FROM files WHERE greatest(changed_at, read_at) > clock_timestamp()
    ORDER BY root_id, path LIMIT %(limit)s FOR UPDATE)

-- name: correct_roots
-- All roots are to be scanned: how old the last scan is cannot be known.
UPDATE roots SET scanned_at = NULL, scan_wanted_at = now()
WHERE id IN (SELECT id FROM roots WHERE greatest(scanned_at, scan_wanted_at) > clock_timestamp() ORDER BY id FOR UPDATE)

-- name: correct_watches
-- Watches that have begun at a time that is still to come. Those that do not begin stay so.
UPDATE meta SET value = now()::text
WHERE key LIKE 'watched\_since@%%' AND value <> 'infinity' AND value::timestamptz > clock_timestamp()

-- name: correct_workers
-- Workers that have answered at a time that is still to come.
UPDATE workers SET seen_at = now() WHERE seen_at > clock_timestamp()

-- name: correct_mounts
-- Mounts that have reported at a time that is still to come.
UPDATE mounts SET seen_at = now() WHERE seen_at > clock_timestamp()

-- name: correct_scale_claims
-- Leases of measurements that would last for longer than was given.
UPDATE models SET scale_claimed_until = NULL WHERE scale_claimed_until > now() + interval '10 minutes'

-- name: correct_hosts
-- Heartbeats that are still to come. A lease lasts for as long as was given.
UPDATE hosts SET heartbeat = clock_timestamp(), agent_until = clock_timestamp() + (agent_until - heartbeat)
WHERE heartbeat > clock_timestamp() + interval '1 second'
