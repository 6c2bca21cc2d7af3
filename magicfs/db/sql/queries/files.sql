-- name: snapshot
-- What the index believes about the files below a directory of a root, to compare with the disk. A file that
-- could not be opened has no size here: to find it again is news.
SELECT id, path, CASE WHEN reason IN ('vanished', 'permission') THEN -1 ELSE size END, mtime_ns, ctime_ns, ino
FROM files
WHERE root_id = %(root_id)s AND path >= %(from)s AND (%(to)s::bytea IS NULL OR path < %(to)s)

-- name: snapshot_of_directory
-- The same of the files right in one directory.
SELECT id, path, CASE WHEN reason IN ('vanished', 'permission') THEN -1 ELSE size END, mtime_ns, ctime_ns, ino
FROM files
WHERE root_id = %(root_id)s AND path >= %(from)s AND (%(to)s::bytea IS NULL OR path < %(to)s)
  AND position('/'::bytea IN substring(path FROM length(%(from)s) + 1)) = 0

-- name: sample_files
-- Some files of a root, any, and how they looked.
SELECT path, size, mtime_ns FROM files WHERE root_id = %(root_id)s LIMIT %(limit)s

-- name: unopened
-- Files that were seen but could not be opened.
SELECT path FROM files WHERE root_id = %(root_id)s AND reason IN ('vanished', 'permission')

-- name: paths_of_inodes
-- The paths of files with these inode numbers.
SELECT path FROM files WHERE root_id = %(root_id)s AND ino = ANY(%(inos)s)

-- name: upsert
-- New and changed files. A change voids every verdict on the old bytes, but not the attempts of one that waits: what
-- ends its reader must not go on for ever because it is written to. Whoever has a lease keeps it, and finds out by
-- `changed_at` that there is more to read. A file that is as it was keeps its state.
INSERT INTO files (root_id, path, display, extension, size, mtime_ns, ctime_ns, ino, mode, uid, gid, priority)
SELECT %(root_id)s, path, display, extension, size, mtime_ns, ctime_ns, ino, mode, uid, gid, %(priority)s
FROM unnest(%(paths)s::bytea[], %(displays)s::text[], %(extensions)s::text[], %(sizes)s::bigint[],
            %(mtimes)s::bigint[], %(ctimes)s::bigint[], %(inos)s::bigint[], %(modes)s::integer[],
            %(uids)s::bigint[], %(gids)s::bigint[])
     AS seen (path, display, extension, size, mtime_ns, ctime_ns, ino, mode, uid, gid)
ORDER BY path
ON CONFLICT (root_id, path) DO UPDATE
SET size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, ino = excluded.ino,
    mode = excluded.mode, uid = excluded.uid, gid = excluded.gid,
    state = 'pending', reason = NULL, detail = NULL,
    attempts = CASE WHEN files.state = 'pending' THEN files.attempts ELSE 0 END,
    priority = greatest(files.priority, excluded.priority), changed_at = clock_timestamp()
WHERE (files.size, files.mtime_ns, files.ctime_ns, files.ino)
   IS DISTINCT FROM (excluded.size, excluded.mtime_ns, excluded.ctime_ns, excluded.ino)
   OR files.reason IN ('vanished', 'permission')
RETURNING id

-- name: delete_unseen
-- Files that a scan did not meet, unless they have been seen since it began; returns the contents they had. Locked in
-- the order of `upsert`, like all that takes several files.
WITH gone AS MATERIALIZED (
    SELECT id FROM files WHERE root_id = %(root_id)s AND path = ANY(%(paths)s) AND changed_at < %(began)s
    ORDER BY path FOR UPDATE
)
DELETE FROM files USING gone WHERE files.id = gone.id
RETURNING files.content_id

-- name: count_files_under
-- How many files there are at these paths and below them.
SELECT count(*) FROM unnest(%(paths)s::bytea[]) AS gone (path) JOIN files f
ON f.root_id = %(root_id)s
   AND (f.path = gone.path OR (f.path > gone.path || '/'::bytea AND f.path < gone.path || '0'::bytea))

-- name: count_files_of_root
-- How many files a root has: visits them all.
SELECT count(*) FROM files WHERE root_id = %(root_id)s

-- name: delete_paths
-- Files at these paths and below them: `0` is the byte that follows the slash. Locked in the order of `upsert`.
WITH gone AS MATERIALIZED (
    SELECT f.id FROM unnest(%(paths)s::bytea[]) AS at (path) JOIN files f
    ON f.root_id = %(root_id)s
       AND (f.path = at.path OR (f.path > at.path || '/'::bytea AND f.path < at.path || '0'::bytea))
    ORDER BY f.path FOR UPDATE OF f
)
DELETE FROM files USING gone WHERE files.id = gone.id
RETURNING files.content_id

-- name: claim
-- Take the next files of this host: what a person waits for first, up to a number and a size. A file whose
-- reading was cut short before is taken alone, so that what crashes again takes nothing else with it. While one
-- worker reads a large file, which may take it a minute, the others take small ones only: what was just saved finds
-- somebody free.
WITH lease AS MATERIALIZED (SELECT nextval('leases') AS number),
mine AS (
    SELECT r.id, r.path FROM roots r JOIN hosts h ON h.id = r.host_id
    WHERE h.name = %(host)s AND r.state <> 'missing'
),
busy AS MATERIALIZED (
    SELECT EXISTS (
        SELECT FROM files JOIN mine ON mine.id = files.root_id
        WHERE lease IS NOT NULL AND leased_by <> %(owner)s AND leased_until > now() AND large
    ) AS with_large
),
waiting AS (
    SELECT f.id, f.priority, f.attempts, f.size, mine.path AS root
    FROM mine CROSS JOIN LATERAL (
        SELECT id, priority, attempts, size FROM files
        WHERE root_id = mine.id AND state = 'pending' AND attempts < %(max_attempts)s
          AND (leased_until IS NULL OR leased_until < now()) AND NOT (SELECT with_large FROM busy)
        ORDER BY priority DESC, attempts, id
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    ) AS f
    UNION ALL
    SELECT f.id, f.priority, f.attempts, f.size, mine.path
    FROM mine CROSS JOIN LATERAL (
        SELECT id, priority, attempts, size FROM files
        WHERE root_id = mine.id AND state = 'pending' AND NOT large AND attempts < %(max_attempts)s
          AND (leased_until IS NULL OR leased_until < now()) AND (SELECT with_large FROM busy)
        ORDER BY priority DESC, attempts, id
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    ) AS f
),
ranked AS (
    SELECT id, root, attempts,
           row_number() OVER line AS place,
           sum(size) OVER line AS bytes,
           first_value(attempts) OVER line AS first_attempts
    FROM waiting
    WINDOW line AS (ORDER BY priority DESC, attempts, id ROWS UNBOUNDED PRECEDING)
),
picked AS (
    SELECT id, root FROM ranked
    WHERE place = 1
       OR (attempts = 0 AND first_attempts = 0 AND place <= %(limit)s AND bytes <= %(max_bytes)s)
)
UPDATE files
SET attempts = files.attempts + 1, lease = lease.number, leased_by = %(owner)s,
    leased_until = now() + make_interval(secs => %(seconds)s), claimed_at = clock_timestamp()
FROM picked, lease
WHERE files.id = picked.id
RETURNING files.id, files.lease, files.claimed_at, picked.root, files.path, files.attempts, files.content_id,
          files.priority, files.size

-- name: hold
-- The files of a claim that still holds, for as long as the transaction lasts. Locked in the order of `upsert`.
SELECT id FROM files WHERE lease = %(lease)s AND id = ANY(%(ids)s) ORDER BY root_id, path FOR UPDATE

-- name: finish_indexed
-- The files' texts are in the index, as they were at this metadata. Should one change again, it is read after a pause.
UPDATE files
SET state = 'indexed', reason = NULL, detail = NULL, content_id = read.content_id, indexed_at = now(),
    size = read.size, mtime_ns = read.mtime_ns, ctime_ns = read.ctime_ns, ino = read.ino,
    mode = read.mode, uid = read.uid, gid = read.gid,
    attempts = 0, priority = 0, lease = NULL, leased_by = NULL, leased_until = now() + make_interval(secs => %(pause)s)
FROM unnest(%(ids)s::bigint[], %(claimed_ats)s::timestamptz[], %(content_ids)s::bigint[], %(sizes)s::bigint[],
            %(mtimes)s::bigint[], %(ctimes)s::bigint[], %(inos)s::bigint[], %(modes)s::integer[],
            %(uids)s::bigint[], %(gids)s::bigint[])
     AS read (id, claimed_at, content_id, size, mtime_ns, ctime_ns, ino, mode, uid, gid)
WHERE files.id = read.id AND lease = %(lease)s AND changed_at <= read.claimed_at
RETURNING files.id

-- name: finish_outdated
-- Files that have changed since they were claimed. What was read serves for now; they are read again after a pause.
UPDATE files
SET content_id = read.content_id, indexed_at = now(),
    attempts = 0, lease = NULL, leased_by = NULL, leased_until = now() + make_interval(secs => %(pause)s)
FROM unnest(%(ids)s::bigint[], %(content_ids)s::bigint[]) AS read (id, content_id)
WHERE files.id = read.id AND lease = %(lease)s

-- name: finish_unreadable
-- There is no text to be had from these files. What was known of an older version is void, unless the file merely is
-- not there: perhaps its disk is not, and a scan will tell. The pause is as above.
UPDATE files
SET state = read.state, reason = read.reason, detail = read.detail, extractor = %(extractor)s,
    content_id = CASE WHEN read.reason = 'vanished' THEN content_id END,
    indexed_at = CASE WHEN read.reason = 'vanished' THEN indexed_at END,
    attempts = 0, priority = 0, lease = NULL, leased_by = NULL, leased_until = now() + make_interval(secs => %(pause)s)
FROM unnest(%(ids)s::bigint[], %(claimed_ats)s::timestamptz[], %(states)s::file_state[], %(reasons)s::text[],
            %(details)s::text[])
     AS read (id, claimed_at, state, reason, detail)
WHERE files.id = read.id AND lease = %(lease)s AND changed_at <= read.claimed_at
RETURNING files.id

-- name: return
-- Not read after all. A refund of 1 says that this was no fault of the files. Locked in the order of `upsert`.
UPDATE files
SET attempts = greatest(attempts - %(refund)s, 0), lease = NULL, leased_by = NULL,
    leased_until = now() + make_interval(secs => %(pause)s)
WHERE id IN (
    SELECT id FROM files WHERE lease = %(lease)s AND id = ANY(%(ids)s) ORDER BY root_id, path FOR UPDATE)

-- name: requeue_outdated
-- Files that an older version of the extractor has read, whether it found text or not: as many of each root as bring
-- what waits there up to a limit, so that a root whose host is away holds up no other.
UPDATE files SET state = 'pending', reason = NULL, detail = NULL, attempts = 0
FROM (
    SELECT outdated.id FROM roots CROSS JOIN LATERAL (
        SELECT id FROM files
        WHERE root_id = roots.id
          AND (state = 'indexed'
               AND EXISTS (SELECT FROM contents WHERE id = files.content_id AND contents.extractor < %(extractor)s)
               OR reason <> ALL(%(unconcerned)s) AND extractor < %(extractor)s)
        LIMIT greatest(0, %(limit)s - (
            SELECT count(*) FROM (
                SELECT FROM files WHERE root_id = roots.id AND state = 'pending' LIMIT %(limit)s) AS waiting))
        FOR UPDATE SKIP LOCKED
    ) AS outdated
) AS again
WHERE files.id = again.id

-- name: release
-- A worker has started: whatever its predecessor of the same name held is free again. A file that has ended its reader
-- once too often, but has changed since that one began, gets one more try after a pause: perhaps it was mended.
UPDATE files SET (attempts, leased_until) = (
        SELECT CASE WHEN again THEN %(max_attempts)s - 1 ELSE files.attempts END,
               CASE WHEN again THEN now() + make_interval(secs => %(pause)s) END
        FROM (SELECT files.attempts >= %(max_attempts)s AND files.changed_at > files.claimed_at AS again) AS verdict),
    lease = NULL, leased_by = NULL
WHERE id IN (
    SELECT id FROM files WHERE leased_by = %(owner)s AND lease IS NOT NULL ORDER BY root_id, path FOR UPDATE)

-- name: quarantine
-- What ended its reader time after time, taken alone.
UPDATE files
SET state = 'failed', reason = 'crashed', detail = %(detail)s, extractor = %(extractor)s,
    lease = NULL, leased_by = NULL, leased_until = NULL, priority = 0
WHERE id IN (
    SELECT id FROM files
    WHERE state = 'pending' AND attempts >= %(max_attempts)s AND (leased_until IS NULL OR leased_until < now())
    FOR UPDATE SKIP LOCKED)

-- name: waiting
-- Whether a file of the host could be claimed now, by whoever has no large one in hand.
WITH mine AS (
    SELECT r.id FROM roots r JOIN hosts h ON h.id = r.host_id
    WHERE h.name = %(host)s AND r.state <> 'missing'
),
busy AS MATERIALIZED (
    SELECT EXISTS (
        SELECT FROM files JOIN mine ON mine.id = files.root_id
        WHERE lease IS NOT NULL AND leased_until > now() AND large
    ) AS with_large
)
SELECT EXISTS (
    SELECT FROM mine JOIN files f ON f.root_id = mine.id
    WHERE f.state = 'pending' AND f.attempts < %(max_attempts)s AND (f.leased_until IS NULL OR f.leased_until < now())
      AND NOT (SELECT with_large FROM busy)
) OR EXISTS (
    SELECT FROM mine JOIN files f ON f.root_id = mine.id
    WHERE f.state = 'pending' AND NOT f.large AND f.attempts < %(max_attempts)s
      AND (f.leased_until IS NULL OR f.leased_until < now()) AND (SELECT with_large FROM busy)
)
