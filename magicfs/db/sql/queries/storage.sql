-- name: declare_shortage
-- The disk of the database has too little room: so many bytes. It is forgotten unless it is declared again in time.
INSERT INTO meta (key, value)
VALUES ('storage_shortage', concat_ws(' ', %(free)s::bigint, clock_timestamp() + make_interval(secs => %(seconds)s)))
ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: end_shortage
-- The disk has room again.
DELETE FROM meta WHERE key = 'storage_shortage'

-- name: read_shortage
-- The bytes that are free while there is too little room; no row otherwise.
SELECT split_part(value, ' ', 1)::bigint FROM meta WHERE {{is_short}}

-- name: read_damage
-- How many pages had another checksum than when they were written, and when the last one was met; no row without one.
-- NULL where the server keeps no checksums.
SELECT checksum_failures, checksum_last_failure FROM pg_stat_database
WHERE datname = current_database() AND checksum_failures > 0

-- name: is_short
-- Fragment: a row of `meta` says that the disk has too little room. One that lasts for longer than it may was declared
-- before the clock of the server was put back.
key = 'storage_shortage'
AND substr(value, strpos(value, ' ') + 1)::timestamptz BETWEEN now() AND now() + interval '10 minutes'

-- name: has_room
-- Fragment: work may be claimed. A scalar subquery, which is answered once for a statement.
(SELECT NOT EXISTS (SELECT FROM meta WHERE {{is_short}}))

-- name: read_only
-- Whether this transaction may not write, and whether that is because the server is a replica.
SELECT current_setting('transaction_read_only') = 'on', pg_is_in_recovery()
