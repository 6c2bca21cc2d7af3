-- name: record
-- Workers that have just answered.
INSERT INTO workers (name, host, kind, pid)
SELECT name, host, kind, pid
FROM unnest(%(names)s::text[], %(hosts)s::text[], %(kinds)s::text[], %(pids)s::integer[])
     AS seen (name, host, kind, pid)
ORDER BY name
ON CONFLICT (name) DO UPDATE
SET host = excluded.host, kind = excluded.kind, pid = excluded.pid, seen_at = now()

-- name: forget
-- Workers that have not answered for a long time.
DELETE FROM workers WHERE seen_at < now() - interval '10 minutes'
