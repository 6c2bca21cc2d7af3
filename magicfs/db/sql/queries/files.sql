-- name: snapshot
-- The files below a directory of a root, for comparison with the disk. A file that could not be opened gets the size
-- -1: it always differs from the disk, so it is read again.
SELECT id, path, CASE WHEN reason IN ('vanished', 'permission') THEN -1 ELSE size END, mtime_ns, ctime_ns, ino
FROM files
WHERE root_id = %(root_id)s AND path >= %(from)s AND (%(to)s::bytea IS NULL OR path < %(to)s)
ORDER BY path

-- name: snapshot_of_directory
-- The files right in one directory of a root, with the size -1 as in `snapshot`.
SELECT id, path, CASE WHEN reason IN ('vanished', 'permission') THEN -1 ELSE size END, mtime_ns, ctime_ns, ino
FROM files
WHERE root_id = %(root_id)s AND path >= %(from)s AND (%(to)s::bytea IS NULL OR path < %(to)s)
  AND position('/'::bytea IN substring(path FROM length(%(from)s) + 1)) = 0

-- name: sample_files
-- Some files of a root with size and mtime.
SELECT path, size, mtime_ns FROM files WHERE root_id = %(root_id)s LIMIT %(limit)s

-- name: inaccessible_paths
-- Files that could not be opened.
SELECT path FROM files WHERE root_id = %(root_id)s AND reason IN ('vanished', 'permission')

-- name: paths_of_inodes
-- The paths of files with these inode numbers.
SELECT path FROM files WHERE root_id = %(root_id)s AND ino = ANY(%(inos)s)

-- name: lock_paths
-- Those of the paths that the index has, locked until the transaction ends, in the order of `upsert_files`.
SELECT path FROM files WHERE root_id = %(root_id)s AND path = ANY(%(paths)s::bytea[]) ORDER BY path FOR NO KEY UPDATE

-- name: is_renumbered
-- Fragment: a file that the index has differs in its inode number alone. File systems over a network, and those of
-- FUSE, give one file another number whenever they please. A file that replaces another one has another time of change,
-- or, where that is the time of writing, another one of these: they may count in steps of two seconds. Of a directory
-- that replaces another one, the files keep theirs, and only numbers tell them from those that were made in the same
-- moment: where numbers stay, another one is another file.
(%(renumbers)s AND (files.size, files.mtime_ns, files.ctime_ns) = (excluded.size, excluded.mtime_ns, excluded.ctime_ns)
 AND (files.reason IN ('vanished', 'permission')) IS NOT TRUE
 AND to_timestamp(excluded.mtime_ns / 1e9) < files.changed_at - interval '4 seconds')

-- name: upsert_files
-- New and changed files, and whether they wait to be read. A change resets the state and the reason. The attempts of a
-- pending file stay: one that crashes its workers must not be tried for ever because it is written to. A lease stays;
-- its worker sees the change in `changed_at`. So does the pause after a reading, but not that after a failed turn at
-- pages, which was about other bytes. An unchanged file keeps its state, and so does one that has another inode number
-- and is the same otherwise. The name of a file that the index has is not written again.
INSERT INTO files (root_id, path, display, extension, words, folded, size, mtime_ns, ctime_ns, ino, mode, uid, gid,
                   priority)
SELECT %(root_id)s, path, display, extension, words::tsvector, folded, size, mtime_ns, ctime_ns, ino, mode, uid, gid,
       priority
FROM unnest(%(paths)s::bytea[], %(displays)s::text[], %(extensions)s::text[], %(words)s::text[], %(folded)s::text[],
            %(sizes)s::bigint[], %(mtimes)s::bigint[], %(ctimes)s::bigint[], %(inos)s::bigint[],
            %(modes)s::integer[], %(uids)s::bigint[], %(gids)s::bigint[], %(priorities)s::smallint[])
     AS seen (path, display, extension, words, folded, size, mtime_ns, ctime_ns, ino, mode, uid, gid, priority)
ORDER BY path
ON CONFLICT (root_id, path) DO UPDATE
SET size = excluded.size, mtime_ns = excluded.mtime_ns, ctime_ns = excluded.ctime_ns, ino = excluded.ino,
    mode = excluded.mode, uid = excluded.uid, gid = excluded.gid,
    state = CASE WHEN {{is_renumbered}} THEN files.state ELSE 'pending' END,
    reason = CASE WHEN {{is_renumbered}} THEN files.reason END,
    detail = CASE WHEN {{is_renumbered}} THEN files.detail END,
    attempts = CASE WHEN files.state = 'pending' OR {{is_renumbered}} THEN files.attempts ELSE 0 END,
    leased_until = CASE WHEN files.state = 'pending' OR files.lease IS NOT NULL OR files.attempts = 0 OR {{is_renumbered}}
                        THEN files.leased_until END,
    priority = CASE WHEN {{is_renumbered}} THEN files.priority ELSE greatest(files.priority, excluded.priority) END,
    changed_at = CASE WHEN {{is_renumbered}} THEN files.changed_at ELSE clock_timestamp() END
WHERE (files.size, files.mtime_ns, files.ctime_ns, files.ino)
   IS DISTINCT FROM (excluded.size, excluded.mtime_ns, excluded.ctime_ns, excluded.ino)
   OR files.reason IN ('vanished', 'permission')
RETURNING id, state = 'pending'

-- name: raise_priority
-- A scan may have found a file, and recorded it among many, before the event that says that a person saved it.
UPDATE files SET priority = %(priority)s
WHERE root_id = %(root_id)s AND path = ANY(%(paths)s::bytea[]) AND state = 'pending' AND priority < %(priority)s

-- name: files_without_words
-- Files whose names an older version has recorded, locked until the transaction ends.
SELECT id, path FROM files WHERE words IS NULL ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED

-- name: write_names
-- The words and the folded form of the locked files' names.
UPDATE files SET extension = name.extension, words = name.words::tsvector, folded = name.folded
FROM unnest(%(ids)s::bigint[], %(displays)s::text[], %(extensions)s::text[], %(words)s::text[], %(folded)s::text[])
     AS name (id, display, extension, words, folded)
WHERE files.id = name.id

-- name: name_skipped_files
-- Files that an older version has skipped for a reason for which a file is named now. The index does not know their
-- contents, so that the next extractor reads them again.
UPDATE files SET state = 'named', reason = NULL, detail = NULL
WHERE id IN (
    SELECT id FROM files
    WHERE reason = ANY(%(reasons)s) OR reason = 'needs-ocr' AND extension = ANY(%(picture_extensions)s)
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)

-- name: delete_unseen
-- Files that a scan has not seen, unless they have been seen since it began. Returns their contents. Files are locked
-- by root and path, the order of `upsert_files`, as in every statement that locks several files.
WITH unseen AS MATERIALIZED (
    SELECT id FROM files WHERE root_id = %(root_id)s AND path = ANY(%(paths)s) AND changed_at < %(began)s
    ORDER BY path FOR UPDATE
)
DELETE FROM files USING unseen WHERE files.id = unseen.id
RETURNING files.content_id

-- name: count_files_under
-- The number of files at these paths and below them, each counted once where paths lie in one another. `0` is the byte
-- after the slash.
SELECT count(DISTINCT f.id) FROM unnest(%(paths)s::bytea[]) AS at (path) JOIN files f
ON f.root_id = %(root_id)s
   AND (f.path = at.path OR (f.path > at.path || '/'::bytea AND f.path < at.path || '0'::bytea))

-- name: count_files_of_root
-- The number of files of a root. Visits all of them.
SELECT count(*) FROM files WHERE root_id = %(root_id)s

-- name: delete_paths
-- Files at these paths and below them. Returns their contents. Locked in the order of `upsert_files`.
WITH located AS MATERIALIZED (
    SELECT f.id FROM unnest(%(paths)s::bytea[]) AS at (path) JOIN files f
    ON f.root_id = %(root_id)s
       AND (f.path = at.path OR (f.path > at.path || '/'::bytea AND f.path < at.path || '0'::bytea))
    ORDER BY f.path FOR UPDATE OF f
)
DELETE FROM files USING located WHERE files.id = located.id
RETURNING files.content_id
