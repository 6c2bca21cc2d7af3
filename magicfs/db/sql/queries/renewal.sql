-- name: has_lost_chunks
-- Whether a chunk that a file has failed under the renewing model, and has a vector of the present one.
SELECT EXISTS (
    SELECT FROM embeddings e
    WHERE e.model_id = %(renewing)s AND e.state = 'failed'
      AND EXISTS (
          SELECT FROM embeddings p
          WHERE p.model_id = %(present)s AND p.chunk_id = e.chunk_id AND p.state = 'done')
      AND (
          SELECT true FROM content_chunks c JOIN files f ON f.content_id = c.content_id
          WHERE c.chunk_id = e.chunk_id LIMIT 1))
