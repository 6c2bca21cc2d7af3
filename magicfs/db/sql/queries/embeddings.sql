-- name: claim_chunks
-- The next pending chunks of a model, by priority, up to a number of chunks and of tokens; none while the disk of the
-- database has no room. A chunk that was claimed before is claimed alone. Orphan chunks are returned without a lease: they
-- are locked but not claimed. `has_file` is a scalar subquery because the planner may turn an EXISTS into a join with all
-- files.
WITH lease AS MATERIALIZED (SELECT nextval('leases') AS number),
waiting AS (
    SELECT chunk_id, priority, attempts FROM embeddings
    WHERE model_id = %(model_id)s AND state = 'pending' AND attempts < %(max_attempts)s
      AND priority >= %(min_priority)s AND ({{is_held}}) IS NOT TRUE AND {{storage.has_room}}
    ORDER BY priority DESC, attempts, chunk_id
    LIMIT %(scan_limit)s
    FOR UPDATE SKIP LOCKED
),
checked AS MATERIALIZED (
    SELECT waiting.*, (
        SELECT true FROM content_chunks c JOIN files f ON f.content_id = c.content_id
        WHERE c.chunk_id = waiting.chunk_id LIMIT 1
    ) AS has_file
    FROM waiting
),
ranked AS (
    SELECT chunk_id, attempts, left(chunks.context, 16384) AS context, {{found_files.chunk_text}} AS text,
           row_number() OVER claim_order AS position,
           sum(chunks.tokens) OVER claim_order AS tokens,
           first_value(attempts) OVER claim_order AS first_attempts
    FROM checked JOIN chunks ON chunks.id = checked.chunk_id
    WHERE checked.has_file
    WINDOW claim_order AS (ORDER BY priority DESC, attempts, chunk_id ROWS UNBOUNDED PRECEDING)
),
picked AS (
    SELECT chunk_id, context, text FROM ranked
    WHERE position = 1
       OR (attempts = 0 AND first_attempts = 0 AND position <= %(limit)s AND tokens <= %(max_tokens)s)
),
claimed AS (
    UPDATE embeddings
    SET attempts = embeddings.attempts + 1, reason = NULL, lease = lease.number, leased_by = %(owner)s,
        leased_until = now() + make_interval(secs => %(seconds)s)
    FROM picked, lease
    WHERE embeddings.model_id = %(model_id)s AND embeddings.chunk_id = picked.chunk_id
    RETURNING embeddings.chunk_id, embeddings.lease, picked.context, picked.text
)
SELECT chunk_id, lease, context, text FROM claimed
UNION ALL
SELECT chunk_id, NULL, NULL, NULL FROM checked WHERE has_file IS NULL

-- name: remove_orphans
-- The rows of those chunks that no file has. The rows are locked, so the check misses no file: a transaction that gives
-- a file a chunk also runs `enqueue_chunks`, which waits for the lock.
DELETE FROM embeddings
WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s) AND NOT EXISTS (
    SELECT FROM content_chunks c JOIN files f ON f.content_id = c.content_id WHERE c.chunk_id = embeddings.chunk_id)

-- name: finish_chunks
-- Vectors of claimed chunks. A row with another lease belongs to a newer claim and stays. Rows are locked by chunk, the
-- order of `enqueue_chunks`, as in every statement that locks several chunks.
WITH valid AS MATERIALIZED (
    SELECT chunk_id FROM embeddings
    WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s) AND lease = %(lease)s
    ORDER BY chunk_id FOR UPDATE
)
UPDATE embeddings
SET state = 'done', reason = NULL, vector = made.vector, token_signs = made.signs, priority = 0, lease = NULL, leased_by = NULL, leased_until = NULL
FROM unnest(%(ids)s::bigint[], %(vectors)b::halfvec[], %(signs)b::bytea[]) AS made (chunk_id, vector, signs) JOIN valid USING (chunk_id)
WHERE embeddings.model_id = %(model_id)s AND embeddings.chunk_id = made.chunk_id

-- name: return_chunks
-- Claims of chunks that are not embedded, and not suspected any more. A refund of 1 takes the attempt back.
UPDATE embeddings
SET attempts = greatest(attempts - %(refund)s, 0), reason = NULL, lease = NULL, leased_by = NULL, leased_until = NULL
WHERE model_id = %(model_id)s AND chunk_id IN (
    SELECT chunk_id FROM embeddings
    WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s) AND lease = %(lease)s
    ORDER BY chunk_id FOR UPDATE)

-- name: lock_claims
-- Claimed chunks, locked until the transaction ends.
SELECT FROM embeddings
WHERE model_id = %(model_id)s AND chunk_id = ANY(%(ids)s) AND lease = %(lease)s
ORDER BY chunk_id FOR UPDATE

-- name: suspect_chunk
-- A claimed chunk will be the reason if its worker is killed for want of memory.
UPDATE embeddings SET reason = %(reason)s
WHERE model_id = %(model_id)s AND chunk_id = %(chunk_id)s AND lease = %(lease)s

-- name: fail_chunk
-- A chunk for which the model gives no usable vector.
UPDATE embeddings
SET state = 'failed', reason = %(reason)s, lease = NULL, leased_by = NULL, leased_until = NULL
WHERE model_id = %(model_id)s AND chunk_id = %(chunk_id)s AND lease = %(lease)s

-- name: release_chunks
-- All claims of a worker. A refund of 1 takes the attempt back. So it is when the worker `lacked_memory`, unless its chunk was
-- suspected; such a chunk is claimed alone all the same.
UPDATE embeddings
SET attempts = CASE WHEN NOT %(lacked_memory)s THEN greatest(attempts - %(refund)s, 0)
                    WHEN reason IS NULL THEN greatest(attempts - 1, 1) ELSE attempts END,
    reason = CASE WHEN %(lacked_memory)s THEN reason END, lease = NULL, leased_by = NULL, leased_until = NULL
WHERE (model_id, chunk_id) IN (
    SELECT model_id, chunk_id FROM embeddings WHERE leased_by = %(owner)s AND lease IS NOT NULL
    ORDER BY 1, 2 FOR UPDATE)

-- name: quarantine_chunks
-- Chunks whose workers died in every attempt.
UPDATE embeddings
SET state = 'failed', reason = coalesce(reason, %(reason)s), lease = NULL, leased_by = NULL, leased_until = NULL
WHERE (model_id, chunk_id) IN (
    SELECT model_id, chunk_id FROM embeddings
    WHERE state = 'pending' AND attempts >= %(max_attempts)s AND ({{is_held}}) IS NOT TRUE
    FOR UPDATE SKIP LOCKED)

-- name: claimable_models
-- The models whose vectors are made and of which a chunk of at least a priority can be claimed within some seconds, by
-- state and id, with the highest priority of those chunks, and whether another worker holds a claim.
SELECT m.id, m.name, m.state, top.priority, EXISTS (
    SELECT FROM embeddings e
    WHERE e.model_id = m.id AND e.lease IS NOT NULL AND {{is_held}} AND e.leased_by <> %(owner)s)
FROM models m CROSS JOIN LATERAL (
    SELECT e.priority FROM embeddings e
    WHERE e.model_id = m.id AND e.state = 'pending' AND e.priority >= %(min_priority)s
      AND e.attempts < %(max_attempts)s AND {{storage.has_room}} AND (({{is_held}}) IS NOT TRUE OR e.leased_until < now() + make_interval(secs => %(within)s))
    ORDER BY e.priority DESC, e.attempts, e.chunk_id LIMIT 1
) AS top
WHERE m.state IN ('active', 'building', 'multilingual', 'renewing')
ORDER BY m.state

-- name: is_held
-- Fragment: a row waits for the end of its lease. No lease is as long as ten minutes: one that ends later was given
-- before the clock of the server was put back, and must not last for as long as the clock has lost.
leased_until BETWEEN now() AND now() + interval '10 minutes'
