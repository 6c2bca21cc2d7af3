-- The text that the index has of one file.

-- name: files_at
-- The files at an absolute path, which is given in all its divisions into the path of a root and a path below it, one for
-- each host that has one. The preferred host comes first.
SELECT found.* FROM (
    SELECT DISTINCT ON (h.name) f.id, f.content_id, f.state, left(f.reason, 1024) AS reason, left(h.name, 1024) AS host,
           left(c.mime_type, 1024) AS mime_type, left(c.language, 1024) AS language
    FROM unnest(%(roots)s::bytea[], %(paths)s::bytea[]) AS divided (root, path)
    JOIN roots r ON r.path = divided.root
    JOIN hosts h ON h.id = r.host_id
    JOIN files f ON f.root_id = r.id AND f.path = divided.path
    LEFT JOIN contents c ON c.id = f.content_id
    WHERE %(host)s::text IS NULL OR h.name = %(host)s
    ORDER BY h.name, length(r.path) DESC
) AS found ORDER BY host <> %(preferred)s, host

-- name: has_files_below
-- Whether an absolute path, divided in the same way, is that of a root, or of a directory with files in the index.
SELECT EXISTS (
    SELECT FROM unnest(%(roots)s::bytea[], %(paths)s::bytea[]) AS divided (root, path)
    JOIN roots r ON r.path = divided.root
    JOIN files f ON f.root_id = r.id AND f.path > divided.path || '\x2f'::bytea AND f.path < divided.path || '\x30'::bytea
) OR EXISTS (SELECT FROM roots WHERE path = %(whole)s)

-- name: chunks_of_lines
-- The chunks of a content that have lines of a range, or a page of it. A chunk reaches as far as the next one begins.
SELECT placed.first_line, placed.page, {{found_files.chunk_text}}
FROM (
    SELECT ordinal, chunk_id, first_line, page, lead(first_line) OVER (ORDER BY ordinal) AS next_line
    FROM content_chunks WHERE content_id = %(content)s
) AS placed
JOIN chunks ON chunks.id = placed.chunk_id
WHERE placed.first_line <= %(last)s AND coalesce(placed.next_line >= %(first)s, true)
  AND (%(page)s::integer IS NULL OR placed.page = %(page)s)
ORDER BY placed.ordinal LIMIT %(limit)s
