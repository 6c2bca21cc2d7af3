-- name: file
-- All that is known of one file, with its chunks and how many of them the active model has vectors of.
SELECT f.state, f.reason, f.detail, f.attempts, f.leased_by, f.size, f.mtime_ns,
       extract(epoch FROM f.indexed_at)::float8, c.mime_type,
       (SELECT count(*) FROM content_chunks p WHERE p.content_id = f.content_id),
       (SELECT count(*) FROM content_chunks p
        JOIN models m ON m.state = 'active'
        JOIN embeddings e ON e.model_id = m.id AND e.chunk_id = p.chunk_id AND e.state = 'done'
        WHERE p.content_id = f.content_id)
FROM files f LEFT JOIN contents c ON c.id = f.content_id
WHERE f.root_id = %(root_id)s AND f.path = %(path)s
