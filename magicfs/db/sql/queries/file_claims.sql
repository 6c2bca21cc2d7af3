-- name: lock_claiming
-- Lets one worker of a host claim at a time until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended(%(host)s, %(lock)s))

-- name: claim_files
-- The next pending files of a host, by priority, up to a number of files and of bytes; none on another machine than
-- that of its agent, and none while the disk of the database has no room. A file that was claimed before is claimed alone,
-- so that no other file is lost if it crashes its worker again. When all other workers of the host but one have a slow
-- file, which may take a minute, only others are claimed: a file that was just saved finds a free worker. Slow files are
-- claimed by one worker at a time while fewer than three have reported. Files of the same priority are claimed from each
-- root in turn, any of them first: those of a large root do not keep the few of a new one waiting.
WITH lease AS MATERIALIZED (SELECT nextval('leases') AS number),
host_roots AS ({{own_roots}}),
slow_limit AS MATERIALIZED ({{slow_limit}}),
waiting AS (
    SELECT f.id, f.priority, f.attempts, f.size, host_roots.id AS root_id, host_roots.path AS root
    FROM host_roots CROSS JOIN LATERAL (
        SELECT id, priority, attempts, size FROM files
        WHERE root_id = host_roots.id AND state = 'pending' AND attempts < %(max_attempts)s
          AND ({{is_held}}) IS NOT TRUE AND NOT (SELECT reached FROM slow_limit)
        ORDER BY priority DESC, attempts, id
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    ) AS f
    UNION ALL
    SELECT f.id, f.priority, f.attempts, f.size, host_roots.id, host_roots.path
    FROM host_roots CROSS JOIN LATERAL (
        SELECT id, priority, attempts, size FROM files
        WHERE root_id = host_roots.id AND state = 'pending' AND NOT {{is_slow}} AND attempts < %(max_attempts)s
          AND ({{is_held}}) IS NOT TRUE AND (SELECT reached FROM slow_limit)
        ORDER BY priority DESC, attempts, id
        LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    ) AS f
),
in_turn AS (
    SELECT waiting.*, row_number() OVER (PARTITION BY root_id, priority, attempts ORDER BY id) AS turn,
           hashint8extended(root_id, lease.number) AS turn_of_root
    FROM waiting, lease
),
ranked AS (
    SELECT id, root, attempts,
           row_number() OVER claim_order AS position,
           sum(size) OVER claim_order AS bytes,
           first_value(attempts) OVER claim_order AS first_attempts
    FROM in_turn
    WINDOW claim_order AS (ORDER BY priority DESC, attempts, turn, turn_of_root ROWS UNBOUNDED PRECEDING)
),
picked AS (
    SELECT id, root FROM ranked
    WHERE position = 1
       OR (attempts = 0 AND first_attempts = 0 AND position <= %(limit)s AND bytes <= %(max_bytes)s)
)
UPDATE files
SET attempts = files.attempts + 1, lease = lease.number, leased_by = %(owner)s,
    leased_until = now() + make_interval(secs => %(seconds)s), claimed_at = clock_timestamp()
FROM picked, lease
WHERE files.id = picked.id
RETURNING files.id, files.lease, files.claimed_at, picked.root, files.path, files.attempts, files.content_id,
          files.priority, files.size, extract(epoch FROM files.claimed_at - files.read_at)::float8, files.pause_s

-- name: own_roots
-- Fragment: the roots of a host of which files are claimed on this machine.
SELECT r.id, r.path FROM roots r JOIN hosts h ON h.id = r.host_id
WHERE h.name = %(host)s AND (h.agent_boot IS NULL OR h.agent_boot = %(boot)s) AND r.state <> 'missing'
  AND {{storage.has_room}}

-- name: lock_claims
-- The files whose claims are still valid, locked until the transaction ends, in the order of `upsert_files`.
SELECT id FROM files WHERE lease = %(lease)s AND id = ANY(%(ids)s) ORDER BY root_id, path FOR UPDATE

-- name: finish_indexed
-- Files whose contents are stored, with or without text, with their metadata when they were read. One that changes again
-- is read after a pause.
UPDATE files
SET state = read.state, reason = NULL, detail = NULL, content_id = read.content_id, indexed_at = now(),
    size = read.size, mtime_ns = read.mtime_ns, ctime_ns = read.ctime_ns, ino = read.ino,
    mode = read.mode, uid = read.uid, gid = read.gid,
    attempts = 0, priority = 0, lease = NULL, leased_by = NULL, leased_until = now() + make_interval(secs => read.pause),
    read_at = files.claimed_at, pause_s = read.pause
FROM unnest(%(ids)s::bigint[], %(claimed_ats)s::timestamptz[], %(pauses)s::float8[], %(content_ids)s::bigint[],
            %(states)s::file_state[], %(sizes)s::bigint[], %(mtimes)s::bigint[], %(ctimes)s::bigint[],
            %(inos)s::bigint[], %(modes)s::integer[], %(uids)s::bigint[], %(gids)s::bigint[])
     AS read (id, claimed_at, pause, content_id, state, size, mtime_ns, ctime_ns, ino, mode, uid, gid)
WHERE files.id = read.id AND lease = %(lease)s AND changed_at <= read.claimed_at
RETURNING files.id

-- name: finish_changed
-- Files that have changed since they were claimed. Searches find the text that was read; the files stay pending and are
-- read again after a pause.
UPDATE files
SET content_id = read.content_id, indexed_at = now(),
    attempts = 0, lease = NULL, leased_by = NULL, leased_until = now() + make_interval(secs => read.pause),
    read_at = files.claimed_at, pause_s = read.pause
FROM unnest(%(ids)s::bigint[], %(content_ids)s::bigint[], %(pauses)s::float8[]) AS read (id, content_id, pause)
WHERE files.id = read.id AND lease = %(lease)s

-- name: finish_unreadable
-- Files that were skipped or have failed, and large ones that are named without being read, which have a detail but no
-- reason. They lose the content of an older version. A vanished file keeps it: perhaps its disk is missing, and the next
-- scan decides. A file that changes again is read after a pause.
UPDATE files
SET state = read.state, reason = CASE WHEN read.state <> 'named' THEN read.reason END, detail = read.detail,
    extractor = %(extractor)s,
    content_id = CASE WHEN read.reason = 'vanished' THEN content_id END,
    indexed_at = CASE WHEN read.reason = 'vanished' THEN indexed_at END,
    attempts = 0, priority = 0, lease = NULL, leased_by = NULL, leased_until = now() + make_interval(secs => read.pause),
    read_at = files.claimed_at, pause_s = read.pause
FROM unnest(%(ids)s::bigint[], %(claimed_ats)s::timestamptz[], %(pauses)s::float8[], %(states)s::file_state[],
            %(reasons)s::text[], %(details)s::text[])
     AS read (id, claimed_at, pause, state, reason, detail)
WHERE files.id = read.id AND lease = %(lease)s AND changed_at <= read.claimed_at
RETURNING files.id

-- name: return_files
-- Claims of files that are not finished. A refund of 1 takes the attempt back. Locked in the order of `upsert_files`.
UPDATE files
SET attempts = greatest(attempts - %(refund)s, 0), lease = NULL, leased_by = NULL,
    leased_until = now() + make_interval(secs => %(pause)s)
WHERE id IN (
    SELECT id FROM files WHERE lease = %(lease)s AND id = ANY(%(ids)s) ORDER BY root_id, path FOR UPDATE)

-- name: stored_kinds
-- The kinds of contents, each with the versions of readers before the newest one that have read some.
SELECT DISTINCT kind, extractor FROM contents WHERE extractor < %(newest)s

-- name: requeue_outdated
-- Files of a host whose content an older version of its reader has read, and files without a content for which there is
-- any newer reader. The limit is on each root's pending files, so that one that is missing does not stop the others.
UPDATE files SET state = 'pending', reason = NULL, detail = NULL, attempts = 0, priority = %(priority)s
FROM (
    SELECT outdated.id FROM hosts JOIN roots ON roots.host_id = hosts.id CROSS JOIN LATERAL (
        SELECT id FROM files
        WHERE root_id = roots.id
          AND (state IN ('indexed', 'named') AND cardinality(%(kinds)s::text[]) > 0
               AND EXISTS (
                   SELECT FROM contents
                   JOIN unnest(%(kinds)s::text[], %(versions)s::smallint[]) AS outdated (kind, extractor)
                       USING (kind, extractor)
                   WHERE id = files.content_id)
               OR state = 'named' AND content_id IS NULL AND extractor < %(newest)s
               OR reason <> ALL(%(independent)s) AND extractor < %(newest)s)
        LIMIT greatest(0, %(limit)s - (
            SELECT count(*) FROM (
                SELECT FROM files WHERE root_id = roots.id AND state = 'pending' LIMIT %(limit)s) AS waiting))
        FOR UPDATE SKIP LOCKED
    ) AS outdated
    WHERE hosts.name = %(host)s
) AS requeued
WHERE files.id = requeued.id

-- name: has_full_root
-- Whether a root of a host that is there has as many pending files as `requeue_outdated` lets one have, some of which are
-- read again.
SELECT EXISTS (
    SELECT FROM hosts JOIN roots ON roots.host_id = hosts.id
    WHERE hosts.name = %(host)s AND roots.state <> 'missing'
      AND EXISTS (
          SELECT FROM files WHERE root_id = roots.id AND files.state = 'pending' AND files.priority = %(priority)s)
      AND %(limit)s <= (
          SELECT count(*) FROM (
              SELECT FROM files WHERE root_id = roots.id AND files.state = 'pending' LIMIT %(limit)s) AS waiting))

-- name: release_files
-- All claims of a worker; returns their files. A refund of 1 takes the attempt back, but for `least` attempts. A file that
-- has used all attempts, but has changed since the last claim, gets an extra attempt after a pause: the change may have fixed it.
UPDATE files SET (attempts, leased_until) = (
        SELECT CASE WHEN extra THEN %(max_attempts)s - 1 ELSE greatest(files.attempts - %(refund)s, %(least)s) END,
               CASE WHEN extra THEN now() + make_interval(secs => %(pause)s) END
        FROM (SELECT files.attempts - %(refund)s >= %(max_attempts)s AND files.changed_at > files.claimed_at AS extra) AS attempt),
    lease = NULL, leased_by = NULL
WHERE id IN (
    SELECT id FROM files WHERE leased_by = %(owner)s AND lease IS NOT NULL ORDER BY root_id, path FOR UPDATE)
RETURNING id

-- name: queue_files_for_ocr
-- Queue `files_for_ocr`. Returns their contents, which are to be read again. Another worker that starts may have queued
-- them meanwhile, and one may be reading them.
WITH waiting AS MATERIALIZED ({{files_for_ocr}})
UPDATE files
SET state = 'pending', reason = NULL, detail = NULL, attempts = 0, priority = %(priority)s, leased_until = NULL
WHERE state IN ('indexed', 'skipped', 'named') AND id IN (
    SELECT f.id FROM waiting JOIN files f USING (id) ORDER BY f.root_id, f.path FOR UPDATE OF f)
RETURNING content_id, content_id IN (SELECT c.id FROM contents c WHERE {{read_by_lesser_ocr}})

-- name: has_files_for_ocr
-- Whether there are `files_for_ocr`.
SELECT EXISTS ({{files_for_ocr}})

-- name: files_for_ocr
-- Fragment: the files of a host that the OCR of `lesser` has read, or none: documents that were skipped for want of OCR,
-- named pictures, and contents of which pages or pictures wait.
SELECT f.id FROM (
    SELECT id FROM files WHERE reason = 'needs-ocr'
    UNION
    SELECT f.id FROM contents c JOIN files f ON f.content_id = c.id WHERE c.reason = 'needs-ocr' AND f.state = 'named'
    UNION
    SELECT f.id FROM contents c JOIN files f ON f.content_id = c.id
    WHERE {{read_by_lesser_ocr}} AND f.state IN ('indexed', 'named')
) AS unread JOIN files f USING (id) JOIN roots r ON r.id = f.root_id JOIN hosts h ON h.id = r.host_id
WHERE h.name = %(host)s

-- name: read_by_lesser_ocr
-- Fragment: pages or pictures of the content `c` wait for OCR, or another one is preferred to that which has read them.
-- In the row of an older version, the name of the OCR begins `detail`.
(c.ocr = ANY(%(lesser)s::text[])
 OR c.ocr IS NULL AND coalesce(c.reason, 'no-text') = 'no-text' AND c.extractor > 0
    AND (string_to_array(translate(c.detail, ',', ' '), ' '))[1] = ANY(%(lesser)s::text[]))

-- name: quarantine_files
-- Files whose workers died in every attempt, those of `lacking` for want of memory.
UPDATE files
SET state = 'failed', extractor = %(extractor)s,
    (reason, detail) = (
        SELECT CASE WHEN lacked THEN %(lacked_reason)s ELSE %(reason)s END,
               CASE WHEN lacked THEN %(lacked_detail)s ELSE %(detail)s END
        FROM (SELECT files.id = ANY(%(lacking)s::bigint[]) AS lacked) AS end_of_worker),
    lease = NULL, leased_by = NULL, leased_until = NULL, priority = 0
WHERE id IN (
    SELECT id FROM files
    WHERE state = 'pending' AND attempts >= %(max_attempts)s AND ({{is_held}}) IS NOT TRUE
    FOR UPDATE SKIP LOCKED)

-- name: give_up_pages
-- The pages of contents at which workers died, or the parser failed, in every attempt are not read later.
WITH tried AS (
    SELECT c.id FROM contents c
    WHERE c.pending_pages > 0 AND EXISTS (
        SELECT FROM files WHERE content_id = c.id AND state IN ('indexed', 'named') AND attempts >= %(max_attempts)s
                            AND ({{is_held}}) IS NOT TRUE)
    FOR UPDATE OF c SKIP LOCKED
),
texts AS (DELETE FROM page_texts USING tried WHERE content_id = tried.id AND picture IS NULL)
UPDATE contents SET pending_pages = 0, unread_detail = replace(unread_detail, %(waiting)s, 'crashed')
FROM tried WHERE contents.id = tried.id

-- name: has_waiting_files
-- Whether a file of the host can be claimed now, by a worker that has no slow file, or has been claimed for so long that
-- its worker may have lost the claim.
WITH host_roots AS ({{readable_roots}}),
slow_limit AS MATERIALIZED ({{slow_limit}})
SELECT EXISTS (
    SELECT FROM host_roots JOIN files f ON f.root_id = host_roots.id
    WHERE f.state = 'pending' AND f.attempts < %(max_attempts)s AND ({{is_held}}) IS NOT TRUE
      AND NOT (SELECT reached FROM slow_limit)
) OR EXISTS (
    SELECT FROM host_roots JOIN files f ON f.root_id = host_roots.id
    WHERE f.state = 'pending' AND NOT {{is_slow}} AND f.attempts < %(max_attempts)s
      AND ({{is_held}}) IS NOT TRUE AND (SELECT reached FROM slow_limit)
) OR EXISTS (
    SELECT FROM host_roots JOIN files f ON f.root_id = host_roots.id
    WHERE f.lease IS NOT NULL AND f.claimed_at < now() - make_interval(secs => %(overdue)s)
)

-- name: readable_roots
-- Fragment: the roots of a host of which files can be read.
SELECT r.id FROM roots r JOIN hosts h ON h.id = r.host_id
WHERE h.name = %(host)s AND r.state <> 'missing' AND {{storage.has_room}}

-- name: slow_limit
-- Fragment: whether other workers than `owner` have as many slow files of `host_roots` as all may have together.
SELECT count(DISTINCT leased_by) >= greatest(1, (
    SELECT count(*) FROM workers
    WHERE host = %(host)s AND kind = 'extract' AND seen_at > now() - make_interval(secs => %(alive)s)
) - 1) AS reached
FROM files JOIN host_roots ON host_roots.id = files.root_id
WHERE lease IS NOT NULL AND leased_by <> %(owner)s AND {{is_held}} AND {{is_slow}}

-- name: is_slow
-- Fragment: reading a file may take seconds, or nobody waits for it: a large one, a picture that a scan has found, whose
-- text is recognised, or one that is read again.
(large OR priority < 0)

-- name: is_held
-- Fragment: a row waits for the end of its lease or its pause. No lease and no pause is as long as ten minutes: one that
-- ends later was given before the clock of the server was put back, and must not last for as long as the clock has lost.
leased_until BETWEEN now() AND now() + interval '10 minutes'
