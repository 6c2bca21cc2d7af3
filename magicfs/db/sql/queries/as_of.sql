-- Up to which moment the index holds everything that was saved, and what agents know of it.

-- name: as_of
-- The moment, and the roots and hosts that hold it back. An agent that watches a root from before its last completed scan
-- has seen each change up to its last heartbeat, but for those that it is just about to write down; else the beginning
-- of that scan is what is known. A file that waits counts from its own time of change. Of many waiting files only
-- so many are read, so that a search takes no longer while a tree is imported; their order is that of the index
-- files_backlog, which serves it whatever old statistics say.
WITH known AS (
    SELECT left(roots.name, 1024) AS name, left(hosts.name, 1024) AS host, roots.scanned_at, hosts.heartbeat,
           CASE WHEN roots.state = 'present' AND watched.value::timestamptz <= roots.scanned_at
                THEN greatest(roots.scanned_at, hosts.heartbeat - make_interval(secs => %(delay)s))
                ELSE roots.scanned_at END AS seen_until,
           hosts.heartbeat < now() - make_interval(secs => %(silent)s)
           OR hosts.agent_machine IS NULL AND hosts.heartbeat IS NOT NULL AS is_silent
    FROM roots
    JOIN hosts ON hosts.id = roots.host_id
    LEFT JOIN meta AS watched ON watched.key = 'watched_since@' || roots.id
),
waiting AS (
    SELECT min(least(changed_at, to_timestamp(ctime_ns / 1e9))) AS first, count(*) AS number
    FROM (
        SELECT changed_at, ctime_ns FROM files WHERE state = 'pending'
        ORDER BY root_id, priority DESC, attempts, id LIMIT %(waiting)s::integer + 1
    ) AS files_that_wait
)
SELECT CASE WHEN waiting.number <= %(waiting)s AND NOT coalesce(bool_or(name IS NOT NULL AND seen_until IS NULL), false)
            THEN least(now(), min(seen_until), waiting.first) END,
       coalesce(array_agg(name ORDER BY name) FILTER (WHERE name IS NOT NULL AND scanned_at IS NULL), '{}'),
       coalesce(array_agg(DISTINCT host) FILTER (WHERE is_silent), '{}')
FROM waiting LEFT JOIN known ON true
GROUP BY waiting.first, waiting.number

-- name: watch_begins
-- A root is watched from now on.
INSERT INTO meta (key, value) VALUES ('watched_since@' || %(root_id)s, clock_timestamp()::text)
ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: watch_missed
-- A root is watched, but what has changed until now is not known.
UPDATE meta SET value = clock_timestamp()::text WHERE key = 'watched_since@' || %(root_id)s AND value <> 'infinity'

-- name: watch_none
-- A root is not watched, or not as a whole.
INSERT INTO meta (key, value) VALUES ('watched_since@' || %(root_id)s, 'infinity')
ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: delete_watches_of_host
-- No root of a host is watched yet, nor one that was removed.
DELETE FROM meta
WHERE key LIKE 'watched\_since@%%' AND NOT EXISTS (
    SELECT FROM roots JOIN hosts ON hosts.id = roots.host_id
    WHERE meta.key = 'watched_since@' || roots.id AND hosts.name <> %(host)s)
