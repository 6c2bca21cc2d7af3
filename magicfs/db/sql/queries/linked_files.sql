-- name: contents_of_links
-- For each wanted file, the content of another row of its root that is about the same file, under the same name in
-- another directory, and was read when it had the same metadata. The limit keeps the planner from joining all files.
SELECT wanted.id, c.digest, c.extractor, c.kind, c.id, c.reason, c.detail, c.ocr
FROM unnest(%(ids)s::bigint[], %(names)b::bytea[], %(sizes)s::bigint[], %(mtimes)s::bigint[], %(ctimes)s::bigint[],
            %(inos)s::bigint[]) AS wanted (id, name, size, mtime_ns, ctime_ns, ino)
JOIN files f ON f.id = wanted.id
CROSS JOIN LATERAL (
    SELECT content_id FROM files other
    WHERE other.root_id = f.root_id AND other.ino = wanted.ino AND other.id <> wanted.id
      AND (other.size, other.mtime_ns, other.ctime_ns) = (wanted.size, wanted.mtime_ns, wanted.ctime_ns)
      AND other.state IN ('indexed', 'named') AND other.content_id IS NOT NULL
      AND (other.path = wanted.name
           OR substring(other.path FROM length(other.path) - length(wanted.name)) = '/'::bytea || wanted.name)
    LIMIT 1
) AS link
JOIN contents c ON c.id = link.content_id
