-- The queries of `magicfs.db.corpus.moved_files`.

-- name: paths_in_place
-- Those of some paths of a root at which the index has a file with the same inode number. The limit keeps the planner from
-- comparing each file with each path.
SELECT seen.path FROM unnest(%(paths)b::bytea[], %(inos)s::bigint[]) AS seen (path, ino)
CROSS JOIN LATERAL (SELECT ino FROM files WHERE root_id = %(root_id)s AND files.path = seen.path LIMIT 1) AS f
WHERE f.ino = seen.ino

-- name: files_of_inodes
-- The files with these inode numbers in the roots of one host and device, those of a given root among them. The limit
-- keeps the planner from joining all files.
SELECT f.id, r.id, r.path, f.path, f.size, f.mtime_ns, f.ctime_ns, f.ino
FROM roots this JOIN roots r ON (r.host_id, r.device) = (this.host_id, this.device) AND r.state <> 'missing'
CROSS JOIN unnest(%(inos)s::bigint[]) AS wanted (ino)
CROSS JOIN LATERAL (
    SELECT id, path, size, mtime_ns, ctime_ns, ino FROM files
    WHERE root_id = r.id AND files.ino = wanted.ino
    LIMIT 1000
) AS f
WHERE this.id = %(root_id)s

-- name: indexed_paths
-- Those of some paths of a root at which the index has a file.
SELECT path FROM files WHERE root_id = %(root_id)s AND path = ANY(%(paths)s::bytea[])

-- name: paths_without_content
-- Those of some paths of a root at which the index has a file without content.
SELECT path FROM files WHERE root_id = %(root_id)s AND path = ANY(%(paths)s::bytea[]) AND content_id IS NULL

-- name: copies_of_files
-- Files in the roots of a host with the bytes of those at some paths of a root: the same content, or where nobody has read
-- the bytes, such as those of a large film, the same name, size and time. Of what was read, one file in each root. None is
-- at one of the paths, and none waits to be read.
WITH host_roots AS MATERIALIZED (
    SELECT r.id, r.path FROM roots this JOIN roots r USING (host_id) WHERE this.id = %(root_id)s
), gone AS MATERIALIZED (
    SELECT id, path, size, mtime_ns, content_id, substring(display FROM '[^/]*$') AS name FROM files
    WHERE root_id = %(root_id)s AND path = ANY(%(paths)s::bytea[]) AND state <> 'pending'
), copies AS MATERIALIZED (
    SELECT DISTINCT ON (c.content_id, c.root_id)
           c.content_id, c.id, c.root_id, c.path, c.size, c.mtime_ns, c.ctime_ns, c.ino
    FROM (SELECT DISTINCT content_id FROM gone WHERE content_id IS NOT NULL) AS wanted JOIN files c USING (content_id)
    WHERE c.state <> 'pending' AND c.root_id IN (SELECT id FROM host_roots) AND c.id NOT IN (SELECT id FROM gone)
    ORDER BY c.content_id, c.root_id
)
SELECT gone.path, c.id, r.id, r.path, c.path, c.size, c.mtime_ns, c.ctime_ns, c.ino
FROM gone JOIN copies c USING (content_id) JOIN host_roots r ON r.id = c.root_id
UNION ALL
SELECT gone.path, c.id, r.id, r.path, c.path, c.size, c.mtime_ns, c.ctime_ns, c.ino
FROM gone JOIN files c ON (c.size, c.mtime_ns, substring(c.display FROM '[^/]*$')) = (gone.size, gone.mtime_ns, gone.name)
JOIN host_roots r ON r.id = c.root_id
WHERE gone.content_id IS NULL AND c.state <> 'pending' AND c.id NOT IN (SELECT id FROM gone)

-- name: lock_files
-- Files by id, and by their paths in a root, locked until the transaction ends, in the order of `upsert_files`. With the
-- words of their own names. The limit keeps the planner from comparing each file with each path.
WITH wanted AS MATERIALIZED (
    SELECT unnest(%(ids)s::bigint[]) AS id
    UNION
    SELECT f.id FROM unnest(%(paths)b::bytea[]) AS at (path)
    CROSS JOIN LATERAL (SELECT id FROM files WHERE root_id = %(root_id)s AND files.path = at.path LIMIT 1) AS f
)
SELECT f.id, f.root_id, f.path, f.ino, ts_filter(f.words, '{a}')::text, f.state <> 'pending',
       coalesce(f.reason IN ('vanished', 'permission'), false)
FROM wanted JOIN files f USING (id)
ORDER BY f.root_id, f.path FOR UPDATE OF f

-- name: vacate_paths
-- Locked files that others are to replace get paths that no file has, until `move_files`.
UPDATE files SET path = '\x00'::bytea || convert_to(id::text, 'UTF8') WHERE id = ANY(%(ids)s)

-- name: move_files
-- The new paths of locked files. A claim ends, because its worker reads the former path, and its attempt does not count.
-- A file that has another name of its own is read again: its kind may be another one. A failed turn at its pages does not
-- put that off. Files that were not seen at the new path have made room for others, and a scan may delete them.
UPDATE files
SET root_id = moved.root_id, path = moved.path, display = moved.display, extension = moved.extension,
    words = moved.words::tsvector, folded = moved.folded,
    changed_at = CASE WHEN moved.seen THEN clock_timestamp() ELSE files.changed_at END,
    attempts = CASE WHEN moved.renamed AND files.state <> 'pending' THEN 0
                    WHEN files.lease IS NOT NULL THEN greatest(files.attempts - 1, 0) ELSE files.attempts END,
    priority = CASE WHEN moved.renamed AND files.state <> 'pending' THEN greatest(files.priority, 0) ELSE files.priority END,
    leased_until = CASE WHEN files.lease IS NULL
                             AND NOT (moved.renamed AND files.state <> 'pending' AND files.attempts > 0)
                        THEN files.leased_until END,
    lease = NULL, leased_by = NULL,
    state = CASE WHEN moved.renamed THEN 'pending' ELSE files.state END,
    reason = CASE WHEN NOT moved.renamed THEN files.reason END,
    detail = CASE WHEN NOT moved.renamed THEN files.detail END
FROM unnest(%(ids)s::bigint[], %(root_ids)s::integer[], %(paths)b::bytea[], %(displays)b::text[], %(extensions)b::text[],
            %(words)b::text[], %(folded)b::text[], %(seen)s::boolean[], %(renamed)s::boolean[])
     AS moved (id, root_id, path, display, extension, words, folded, seen, renamed)
WHERE files.id = moved.id
