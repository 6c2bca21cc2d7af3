-- name: max_embedded_chunks
-- The most chunks of a content that are embedded.
SELECT value::integer FROM meta WHERE key = 'max_embedded_chunks'

-- name: take_limit_lock
-- Two workers that start at once compare their settings one after the other.
SELECT pg_advisory_xact_lock(%(lock)s)

-- name: read_limits
-- The limit of the index and the setting that a host had at its last start.
SELECT ({{max_embedded_chunks}}),
       (SELECT value::integer FROM meta WHERE key = 'max_embedded_chunks@' || %(host)s)

-- name: declare_limit
-- The setting of a host.
INSERT INTO meta (key, value) VALUES ('max_embedded_chunks@' || %(host)s, %(chunks)s::integer::text)
ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE meta.value <> excluded.value

-- name: set_limit
-- Another limit for the index.
INSERT INTO meta (key, value) VALUES ('max_embedded_chunks', %(chunks)s::integer::text)
ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: start_limit_change
-- Note that the limit has changed: the lower one of both, and the id up to which contents have been visited. The lowest
-- one counts while a former change is not done.
INSERT INTO meta (key, value) VALUES ('limit_change', %(chunks)s::integer || ':0')
ON CONFLICT (key) DO UPDATE SET value = least(split_part(meta.value, ':', 1)::integer, %(chunks)s::integer) || ':0'

-- name: next_limited_contents
-- The next contents that a changed limit may concern, and whether it does: they have more chunks than the lower limit.
-- Nothing without a change, and while another transaction visits contents. Removes the note after the last content.
WITH change AS (
    SELECT split_part(value, ':', 1)::integer AS chunks, split_part(value, ':', 2)::bigint AS visited
    FROM meta WHERE key = 'limit_change' FOR UPDATE SKIP LOCKED
),
next AS (
    SELECT id FROM contents WHERE id > (SELECT visited FROM change) ORDER BY id LIMIT %(limit)s
),
noted AS (
    UPDATE meta SET value = (SELECT chunks FROM change) || ':' || (SELECT max(id) FROM next)
    WHERE key = 'limit_change' AND EXISTS (SELECT FROM next)
),
ended AS (
    DELETE FROM meta WHERE key = 'limit_change' AND EXISTS (SELECT FROM change) AND NOT EXISTS (SELECT FROM next)
)
SELECT id, EXISTS (SELECT FROM content_chunks WHERE content_id = next.id AND ordinal = (SELECT chunks FROM change))
FROM next ORDER BY id

-- name: lock_surplus_chunks
-- The pending rows of the contents' chunks, locked in the order of `enqueue_chunks`. Claimed ones are finished.
SELECT model_id, chunk_id FROM embeddings
WHERE state = 'pending' AND lease IS NULL
  AND chunk_id IN (SELECT chunk_id FROM content_chunks WHERE content_id = ANY(%(ids)s))
ORDER BY 1, 2 FOR UPDATE

-- name: remove_surplus_chunks
-- The locked rows beyond the limit, unless another content has their chunks embedded. To give a content a chunk is to
-- queue it, which waits for the lock.
WITH locked AS (
    SELECT DISTINCT chunk_id FROM content_chunks WHERE content_id = ANY(%(ids)s)
),
embedded AS (
    SELECT c.chunk_id
    FROM (SELECT DISTINCT content_id FROM content_chunks JOIN locked USING (chunk_id)) AS wanted
    CROSS JOIN LATERAL {{chunks_to_embed}} AS c
)
DELETE FROM embeddings
WHERE state = 'pending' AND lease IS NULL
  AND chunk_id IN (SELECT chunk_id FROM locked EXCEPT SELECT chunk_id FROM embedded)

-- name: chunks_to_embed
-- The chunks of the content `wanted` that are embedded: all of them, or as many as the limit, spread over the content.
-- Of each 64 chunks in a row, those with the lowest hashes are taken first. The hash is that of the chunk, not of its
-- place, so an edit or a higher limit leaves the others as they are. The first chunk is always taken: it says most.
-- Whether a content exceeds the limit shows in one row, so a short content is not sorted.
(
    SELECT chunk_id, ordinal FROM content_chunks
    WHERE content_id = wanted.content_id AND NOT EXISTS (
        SELECT FROM content_chunks WHERE content_id = wanted.content_id AND ordinal = ({{max_embedded_chunks}}))
    UNION ALL
    SELECT chunk_id, ordinal FROM (
        SELECT chunk_id, ordinal, row_number() OVER (ORDER BY ordinal > 0, block_rank, hash) AS rank FROM (
            SELECT chunk_id, ordinal, hash, row_number() OVER (PARTITION BY ordinal / 64 ORDER BY hash) AS block_rank
            FROM (
                SELECT chunk_id, min(ordinal) AS ordinal, hashint8extended(chunk_id, 0) AS hash
                FROM content_chunks
                WHERE content_id = wanted.content_id AND EXISTS (
                    SELECT FROM content_chunks
                    WHERE content_id = wanted.content_id AND ordinal = ({{max_embedded_chunks}}))
                GROUP BY chunk_id
            ) AS distinct_chunks
        ) AS in_blocks
    ) AS ranked
    WHERE rank <= ({{max_embedded_chunks}})
)

-- name: readers
-- Fragment: the models whose vectors are made, and the languages by which it is decided which rows a chunk has. They are
-- none where all chunks are alike: where the model reads every language, and in an index without a multilingual model.
-- The row under the multilingual model (`second`) is decided by the languages of the active one. Nobody waits for those under
-- the model that is to replace it (`renews`).
(
    SELECT id, state IN ('multilingual', 'renewing') AS second, state = 'renewing' AS renews,
           CASE WHEN NOT EXISTS (SELECT FROM models WHERE state = 'multilingual') THEN '{}'
                WHEN state = 'multilingual' THEN coalesce((SELECT languages FROM models WHERE state = 'active'), '{}')
                ELSE languages END AS languages
    FROM models WHERE state IN ('active', 'building', 'multilingual', 'renewing')
)

-- name: is_read
-- Fragment: the model `m` reads a document of the language of `wanted`.
(m.languages = '{}' OR wanted.language IS NULL OR wanted.language = ANY(m.languages))

-- name: enqueue_chunks
-- A row for each chunk of the contents that is to be embedded, under each model of `readers`. It is `unread` under a model
-- that reads none of the documents, and of a priority below all others under a second model, unless the active one does not
-- read a document. Only the first chunks get the content's priority: all chunks of a long text would delay other files for
-- minutes.
INSERT INTO embeddings (model_id, chunk_id, state, reason, priority)
SELECT model_id, chunk_id, (CASE WHEN waits THEN 'pending' ELSE 'unread' END)::embedding_state,
       CASE WHEN NOT waits THEN 'language' END, CASE WHEN waits THEN priority ELSE 0 END
FROM (
    SELECT m.id AS model_id, c.chunk_id, m.second OR bool_or({{is_read}}) AS waits,
           max(CASE WHEN m.renews OR m.second AND {{is_read}} THEN -1
                    WHEN c.ordinal < %(prioritized)s THEN wanted.priority ELSE 0 END) AS priority
    FROM (
        SELECT content_id, given.priority, contents.language
        FROM unnest(%(content_ids)s::bigint[], %(priorities)s::smallint[]) AS given (content_id, priority)
        JOIN contents ON contents.id = content_id
    ) AS wanted
    CROSS JOIN LATERAL {{chunks_to_embed}} AS c CROSS JOIN {{readers}} AS m
    GROUP BY m.id, m.second, c.chunk_id
) AS queued
ORDER BY 1, 2
ON CONFLICT (model_id, chunk_id) DO UPDATE
SET state = 'pending', reason = NULL, priority = excluded.priority,
    attempts = CASE embeddings.state WHEN 'unread' THEN 0 ELSE embeddings.attempts END
WHERE excluded.state = 'pending' AND (
    embeddings.state = 'pending' AND embeddings.priority < excluded.priority
    OR embeddings.state = 'unread' AND embeddings.reason = 'language')

-- name: enqueue_missing_chunks
-- A row for each chunk of some contents that is to be embedded and has none, under each model, by the same rules.
{{enqueue_missing}}
    FROM (
        SELECT id, language FROM contents
        WHERE id = ANY(%(ids)s) AND EXISTS (SELECT FROM files WHERE content_id = contents.id)
    ) AS wanted (content_id, language)
    CROSS JOIN LATERAL {{chunks_to_embed}} AS c CROSS JOIN {{readers}} AS m
    {{missing}}

-- name: enqueue_all_chunks
-- The same for one model and the chunks of all contents.
{{enqueue_missing}}
    FROM (
        SELECT id, language FROM contents WHERE EXISTS (SELECT FROM files WHERE content_id = contents.id)
    ) AS wanted (content_id, language)
    CROSS JOIN LATERAL {{chunks_to_embed}} AS c JOIN {{readers}} AS m ON m.id = %(model_id)s
    {{missing}}

-- name: enqueue_missing
-- Fragment: the beginning of a statement that enqueues chunks `c` of contents `wanted` under models `m`.
INSERT INTO embeddings (model_id, chunk_id, state, reason, priority)
SELECT model_id, chunk_id, (CASE WHEN waits THEN 'pending' ELSE 'unread' END)::embedding_state,
       CASE WHEN NOT waits THEN 'language' END, priority
FROM (
    SELECT m.id AS model_id, c.chunk_id, m.second OR bool_or({{is_read}}) AS waits,
           CASE WHEN m.second AND bool_and(m.renews OR {{is_read}}) THEN -1 ELSE 0 END AS priority

-- name: missing
-- Fragment: the end of that statement.
WHERE NOT EXISTS (SELECT FROM embeddings WHERE model_id = m.id AND chunk_id = c.chunk_id)
    GROUP BY m.id, m.second, c.chunk_id
) AS queued
ORDER BY 1, 2
ON CONFLICT DO NOTHING

-- name: chunks_of_contents
-- The chunks of some contents.
SELECT DISTINCT chunk_id FROM content_chunks WHERE content_id = ANY(%(ids)s)

-- name: lock_chunks
-- The rows of chunks under all models, locked in the order of `enqueue_chunks` before several statements change them.
SELECT FROM embeddings
WHERE model_id IN (SELECT id FROM models WHERE state <> 'retired') AND chunk_id = ANY(%(chunks)s::bigint[])
ORDER BY model_id, chunk_id FOR UPDATE

-- name: is_foreign
-- Fragment: the chunk of the row `e` is in documents of known languages only, of which `m` reads none.
(m.languages <> '{}' AND EXISTS (SELECT FROM content_chunks c WHERE c.chunk_id = e.chunk_id) AND NOT EXISTS (
    SELECT FROM content_chunks c JOIN contents o ON o.id = c.content_id
    WHERE c.chunk_id = e.chunk_id AND (o.language IS NULL OR o.language = ANY(m.languages))))

-- name: is_chosen
-- Fragment: the row `e` is that of one of the chunks; of any without a list of chunks.
(%(chunks)s::bigint[] IS NULL OR e.chunk_id = ANY(%(chunks)s::bigint[]))

-- name: wake_read
-- Rows that are `unread` by the language of their documents, under a model that is to read them now.
UPDATE embeddings
SET state = 'pending', reason = NULL, priority = CASE WHEN second THEN -1 ELSE 0 END, attempts = 0, leased_until = NULL
FROM (
    SELECT e.model_id, e.chunk_id, m.second FROM {{readers}} AS m JOIN embeddings e ON e.model_id = m.id
    WHERE e.state = 'unread' AND e.reason = 'language' AND {{is_chosen}} AND (m.second OR NOT {{is_foreign}})
    ORDER BY 1, 2 FOR UPDATE OF e SKIP LOCKED
) AS read
WHERE (embeddings.model_id, embeddings.chunk_id) = (read.model_id, read.chunk_id)

-- name: set_priorities
-- The priorities of waiting rows: below all others under a second model, for chunks that the active one reads. A chunk that
-- it does not read has at least the priority that it has there.
UPDATE embeddings SET priority = due.priority
FROM (
    SELECT model_id, chunk_id, priority FROM (
        SELECT e.model_id, e.chunk_id, e.priority AS present,
               CASE WHEN NOT m.second THEN greatest(e.priority, 0)
                    WHEN m.renews THEN -1
                    WHEN own.state = 'unread' OR {{is_foreign}} THEN greatest(e.priority, own.priority, 0)
                    ELSE -1 END AS priority
        FROM {{readers}} AS m JOIN embeddings e ON e.model_id = m.id
        LEFT JOIN embeddings own
            ON m.second AND own.model_id = (SELECT id FROM models WHERE state = 'active') AND own.chunk_id = e.chunk_id
        WHERE e.state = 'pending' AND e.lease IS NULL AND {{is_chosen}}
        FOR UPDATE OF e SKIP LOCKED
    ) AS waiting
    WHERE priority <> present
) AS due
WHERE (embeddings.model_id, embeddings.chunk_id) = (due.model_id, due.chunk_id)

-- name: leave_foreign
-- Waiting rows under a model that does not read the documents, where the multilingual model has a row.
UPDATE embeddings SET state = 'unread', reason = 'language', priority = 0, leased_until = NULL
WHERE (model_id, chunk_id) IN (
    SELECT e.model_id, e.chunk_id FROM {{readers}} AS m JOIN embeddings e ON e.model_id = m.id
    WHERE NOT m.second AND e.state = 'pending' AND e.lease IS NULL AND {{is_chosen}} AND {{is_foreign}}
    ORDER BY 1, 2 FOR UPDATE OF e SKIP LOCKED)

-- name: drop_foreign_vectors
-- Rows under a model that does not read the documents, of chunks that the multilingual model has embedded: also those that a
-- worker has claimed, whose result will be late.
UPDATE embeddings
SET state = 'unread', reason = 'language', vector = NULL, token_signs = NULL, priority = 0, lease = NULL, leased_by = NULL,
    leased_until = NULL
WHERE (model_id, chunk_id) IN (
    SELECT e.model_id, e.chunk_id FROM {{readers}} AS m JOIN embeddings e ON e.model_id = m.id
    WHERE NOT m.second AND e.state IN ('pending', 'done') AND {{is_chosen}} AND EXISTS (
        SELECT FROM embeddings own
        WHERE own.model_id = (SELECT id FROM models WHERE state = 'multilingual') AND own.chunk_id = e.chunk_id
          AND own.state IN ('done', 'unread')
    ) AND {{is_foreign}}
    ORDER BY 1, 2 FOR UPDATE OF e)

-- name: start_pass
-- Note that all contents are to be visited, because other models read them than before.
INSERT INTO meta (key, value) VALUES ('second_vectors', '')
ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: begin_pass
-- Whether the visits may go on: after the note, every transaction has ended that may not have seen the models. Nothing
-- without a note, and while another transaction visits contents.
WITH noted AS (SELECT value FROM meta WHERE key = 'second_vectors' FOR UPDATE SKIP LOCKED),
begun AS (
    UPDATE meta SET value = pg_current_xact_id() || ' 0'
    WHERE key = 'second_vectors' AND (SELECT value FROM noted) = ''
)
SELECT value <> '' AND split_part(value, ' ', 1)::xid8 < pg_snapshot_xmin(pg_current_snapshot()) FROM noted

-- name: next_contents
-- The next contents. Removes the note after the last one.
WITH note AS (SELECT split_part(value, ' ', 2)::bigint AS visited FROM meta WHERE key = 'second_vectors'),
next AS (
    SELECT id FROM contents WHERE id > (SELECT visited FROM note) ORDER BY id LIMIT %(limit)s
),
noted AS (
    UPDATE meta SET value = split_part(value, ' ', 1) || ' ' || (SELECT max(id) FROM next)
    WHERE key = 'second_vectors' AND EXISTS (SELECT FROM next)
),
ended AS (
    DELETE FROM meta WHERE key = 'second_vectors' AND NOT EXISTS (SELECT FROM next)
)
SELECT id FROM next ORDER BY id
