-- name: finish_unread
-- Claimed chunks in a language that the model does not read. They are done, without a vector.
UPDATE embeddings
SET state = 'unread', reason = NULL, priority = 0, lease = NULL, leased_by = NULL, leased_until = NULL
WHERE model_id = %(model_id)s AND chunk_id IN (
    SELECT chunk_id FROM embeddings
    WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s) AND lease = %(lease)s
    ORDER BY chunk_id FOR UPDATE)

-- name: raise_second_vectors
-- Chunks that the active model does not read wait for the multilingual one with the priority that they have under the active
-- one, since it makes their only vector. The rows under both models are locked.
UPDATE embeddings SET priority = greatest(own.priority, 0)
FROM (
    SELECT chunk_id, priority FROM embeddings
    WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s)
      AND model_id = (SELECT id FROM models WHERE state = 'active')
) AS own
WHERE embeddings.model_id = (SELECT id FROM models WHERE state = 'multilingual')
  AND embeddings.chunk_id = own.chunk_id AND embeddings.state = 'pending' AND embeddings.priority < greatest(own.priority, 0)

-- name: last_checked
-- The last chunk of which it was checked whether the model reads it.
SELECT value FROM meta WHERE key = 'checked_vectors_' || %(model_id)s::smallint

-- name: set_last_checked
-- Records the last chunk that was checked.
INSERT INTO meta (key, value) VALUES ('checked_vectors_' || %(model_id)s::smallint, %(checked)s)
ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: last_vector
-- The last of the next chunks that have a vector, by id; null without any.
SELECT max(chunk_id) FROM (
    SELECT chunk_id FROM embeddings
    WHERE model_id = %(model_id)s AND chunk_id > %(after)s AND state = 'done'
    ORDER BY chunk_id LIMIT %(limit)s) AS next

-- name: foreign_texts
-- The texts of chunks with a vector, between two ids, that have many characters beyond ASCII, which take more bytes.
SELECT e.chunk_id, left(c.text, 16384)
FROM embeddings e JOIN chunks c ON c.id = e.chunk_id
WHERE e.model_id = %(model_id)s AND e.chunk_id > %(after)s AND e.chunk_id <= %(last)s AND e.state = 'done'
  AND octet_length(c.text) > 1.1 * char_length(c.text)

-- name: forget_vectors
-- Chunks lose their vectors, because the model does not read them.
UPDATE embeddings SET state = 'unread', vector = NULL, token_signs = NULL
WHERE model_id = %(model_id)s AND chunk_id IN (
    SELECT chunk_id FROM embeddings
    WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s) AND state = 'done'
    ORDER BY chunk_id FOR UPDATE)
