-- Files that a search has found, by other ways than by candidates, with what is shown of them.

-- name: copy_key
-- Fragment: what the copies of one content have in common, and no other file has, over `file_tables`. Empty files are
-- no copies of each other. With `each_copy`, a file is a copy of itself alone.
CASE WHEN %(each_copy)s OR contents.id IS NULL OR contents.size = 0 THEN int8send(files.id) ELSE contents.digest END

-- name: copy_order
-- Fragment: the order in which copies are preferred: one whose root is there, so that it can be opened, then a local one,
-- then the newest, then the one with the shortest path.
roots.state = 'missing', hosts.name = %(host)s DESC, files.mtime_ns DESC, length(roots.path) + length(files.path), files.id

-- name: file_columns
-- Fragment: the columns of a file's location, over `file_tables`. The place of its text follows: `chunk_columns`. No row
-- that another host has written is larger than those of files are: it would fill the memory of whoever searches.
{{copy_key}}, files.id, left(hosts.name, 1024), left(roots.name, 1024), substring(roots.path, 1, 4096),
substring(files.path, 1, 4096), files.size, files.mtime_ns, files.ctime_ns, files.ino, roots.device, files.mode, files.uid,
files.gid, date_part('epoch', files.indexed_at), left(contents.language, 1024), left(contents.mime_type, 1024)

-- name: chunk_text
-- Fragment: the text of a chunk, over `chunks`. It is several times as long as that of any chunk at most. To count the
-- characters of each takes twenty microseconds.
CASE WHEN octet_length(chunks.text) <= 65536 THEN chunks.text ELSE left(chunks.text, 16384) END

-- name: chunk_columns
-- Fragment: the place of a chunk in a file; null and zeros for a file without text.
content_chunks.chunk_id, coalesce(content_chunks.first_line, 0), coalesce(content_chunks.last_line, 0),
content_chunks.page

-- name: newest_files
-- The files in scope, the latest modified first, each with its first chunk if it has text. Excluded words are looked for
-- in the newest files, until there are enough without them: OFFSET 0 keeps that behind the sorting. The chunks are looked
-- up for the files within the limit alone.
SELECT {{file_columns}}, {{chunk_columns}}
FROM (
    SELECT files.id FROM (
        SELECT files.id, files.content_id FROM {{scope.file_tables}} WHERE {{scope.listed_file_filters}}
        ORDER BY files.mtime_ns DESC, length(roots.path) + length(files.path), files.id OFFSET 0
    ) AS files
    WHERE %(excluded)s::tsquery IS NULL OR {{scope.has_no_excluded_word_alone}}
    LIMIT %(limit)s
) AS newest
JOIN files ON files.id = newest.id
JOIN roots ON roots.id = files.root_id
JOIN hosts ON hosts.id = roots.host_id
LEFT JOIN contents ON contents.id = files.content_id
LEFT JOIN content_chunks ON content_chunks.content_id = files.content_id AND content_chunks.ordinal = 0
ORDER BY files.mtime_ns DESC, length(roots.path) + length(files.path), files.id

-- name: copies
-- The files in scope that have the bytes of given digests, the preferred ones first, up to a limit for each digest.
SELECT located.*
FROM unnest(%(digests)s::bytea[]) AS wanted (digest),
LATERAL (
    SELECT {{file_columns}}, NULL::bigint, 0, 0, NULL::integer
    FROM contents
    JOIN files ON files.content_id = contents.id
    JOIN roots ON roots.id = files.root_id
    JOIN hosts ON hosts.id = roots.host_id
    WHERE contents.digest = wanted.digest AND {{scope.file_filters}}
    ORDER BY {{copy_order}}
    LIMIT %(limit)s
) AS located

-- name: file_by_id
-- A file, with its first chunk if it has text.
SELECT {{file_columns}}, {{chunk_columns}}
FROM {{scope.file_tables}}
LEFT JOIN content_chunks ON content_chunks.content_id = files.content_id AND content_chunks.ordinal = 0
WHERE files.id = %(file)s
