-- name: claim
-- Take the next chunks that wait for a vector of a model: what a person waits for first, up to a number of
-- tokens. A chunk whose embedding was cut short before is taken alone. Those that no file has any more come without a
-- text and are not claimed, only locked. Whether a file has a chunk is a scalar on purpose: an EXISTS may become a join
-- with all the files.
WITH lease AS MATERIALIZED (SELECT nextval('leases') AS number),
waiting AS (
    SELECT chunk_id, priority, attempts FROM embeddings
    WHERE model_id = %(model_id)s AND state = 'pending' AND attempts < %(max_attempts)s
      AND priority >= %(min_priority)s AND (leased_until IS NULL OR leased_until < now())
    ORDER BY priority DESC, attempts, chunk_id
    LIMIT %(look)s
    FOR UPDATE SKIP LOCKED
),
known AS MATERIALIZED (
    SELECT waiting.*, (
        SELECT true FROM content_chunks c JOIN files f ON f.content_id = c.content_id
        WHERE c.chunk_id = waiting.chunk_id LIMIT 1
    ) AS living
    FROM waiting
),
ranked AS (
    SELECT chunk_id, attempts, chunks.context, chunks.text,
           row_number() OVER line AS place,
           sum(chunks.tokens) OVER line AS tokens,
           first_value(attempts) OVER line AS first_attempts
    FROM known JOIN chunks ON chunks.id = known.chunk_id
    WHERE known.living
    WINDOW line AS (ORDER BY priority DESC, attempts, chunk_id ROWS UNBOUNDED PRECEDING)
),
picked AS (
    SELECT chunk_id, context, text FROM ranked
    WHERE place = 1
       OR (attempts = 0 AND first_attempts = 0 AND place <= %(limit)s AND tokens <= %(max_tokens)s)
),
claimed AS (
    UPDATE embeddings
    SET attempts = embeddings.attempts + 1, lease = lease.number, leased_by = %(owner)s,
        leased_until = now() + make_interval(secs => %(seconds)s)
    FROM picked, lease
    WHERE embeddings.model_id = %(model_id)s AND embeddings.chunk_id = picked.chunk_id
    RETURNING embeddings.chunk_id, embeddings.lease, picked.context, picked.text
)
SELECT chunk_id, lease, context, text FROM claimed
UNION ALL
SELECT chunk_id, NULL, NULL, NULL FROM known WHERE living IS NULL

-- name: drop_unowned
-- These chunks need no vector, should it still be so that no file has them. Whoever has locked their rows and asks anew
-- misses no file: to give a file a chunk is to ask for its vector, which waits for the lock.
DELETE FROM embeddings
WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s) AND state = 'pending' AND NOT EXISTS (
    SELECT FROM content_chunks c JOIN files f ON f.content_id = c.content_id WHERE c.chunk_id = embeddings.chunk_id)

-- name: finish
-- Vectors of claimed chunks. Rows whose lease is no longer held are left to their new holder. Locked in the order in
-- which `enqueue_chunks` does, like all that takes several chunks.
WITH held AS MATERIALIZED (
    SELECT chunk_id FROM embeddings
    WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s) AND lease = %(lease)s
    ORDER BY chunk_id FOR UPDATE
)
UPDATE embeddings
SET state = 'done', vector = made.vector, priority = 0, lease = NULL, leased_by = NULL, leased_until = NULL
FROM unnest(%(ids)s::bigint[], %(vectors)b::halfvec[]) AS made (chunk_id, vector) JOIN held USING (chunk_id)
WHERE embeddings.model_id = %(model_id)s AND embeddings.chunk_id = made.chunk_id

-- name: return
-- Not embedded after all. A refund of 1 says that this was no fault of the chunks.
UPDATE embeddings
SET attempts = greatest(attempts - %(refund)s, 0), lease = NULL, leased_by = NULL,
    leased_until = now() + make_interval(secs => %(pause)s)
WHERE model_id = %(model_id)s AND chunk_id IN (
    SELECT chunk_id FROM embeddings
    WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s) AND lease = %(lease)s
    ORDER BY chunk_id FOR UPDATE)

-- name: hold
-- Claimed chunks, for as long as the transaction lasts.
SELECT FROM embeddings
WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s) AND lease = %(lease)s
ORDER BY chunk_id FOR UPDATE

-- name: refuse
-- The model has no vector for this chunk.
UPDATE embeddings
SET state = 'failed', reason = %(reason)s, lease = NULL, leased_by = NULL, leased_until = NULL
WHERE model_id = %(model_id)s AND chunk_id = %(chunk_id)s AND lease = %(lease)s

-- name: release
-- A worker has started: whatever its predecessor of the same name held is free again.
UPDATE embeddings SET lease = NULL, leased_by = NULL, leased_until = NULL
WHERE (model_id, chunk_id) IN (
    SELECT model_id, chunk_id FROM embeddings WHERE leased_by = %(owner)s AND lease IS NOT NULL
    ORDER BY 1, 2 FOR UPDATE)

-- name: quarantine
-- What ended its worker time after time, taken alone.
UPDATE embeddings
SET state = 'failed', reason = %(reason)s, lease = NULL, leased_by = NULL, leased_until = NULL
WHERE (model_id, chunk_id) IN (
    SELECT model_id, chunk_id FROM embeddings
    WHERE state = 'pending' AND attempts >= %(max_attempts)s AND (leased_until IS NULL OR leased_until < now())
    FOR UPDATE SKIP LOCKED)

-- name: waiting
-- Whether a chunk could be claimed now, under any model.
SELECT EXISTS (
    SELECT FROM models m JOIN embeddings e ON e.model_id = m.id
    WHERE m.state IN ('active', 'building') AND e.state = 'pending' AND e.attempts < %(max_attempts)s
      AND (e.leased_until IS NULL OR e.leased_until < now())
)
