-- name: take_mode_lock
-- Two hosts that start at once declare their settings one after the other.
SELECT pg_advisory_xact_lock(%(lock)s)

-- name: read_mode
-- When the index gets a multilingual model: 'auto', 'always' or 'never'.
SELECT coalesce((SELECT value FROM meta WHERE key = 'multilingual'), 'auto')

-- name: declared_mode
-- The setting that a host had at its last start.
SELECT coalesce((SELECT value FROM meta WHERE key = 'multilingual@' || %(host)s), 'auto')

-- name: set_mode
-- The setting of the index, or with a host that of the host.
INSERT INTO meta (key, value) VALUES (concat_ws('@', 'multilingual', %(host)s::text), %(mode)s)
ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE meta.value <> excluded.value

-- name: foreign_share
-- The share of the contents in other languages, of those whose language is known and that files have. A content counts
-- by its bytes up to a number: the language of a few words is a guess, and a book is one content.
SELECT coalesce(sum(counted) FILTER (WHERE language <> ALL (%(languages)s)) / sum(counted), 0)::float8
FROM (
    SELECT language, least(size, %(most)s) AS counted FROM contents
    WHERE language IS NOT NULL AND size > 0 AND orphaned_at IS NULL
) AS known

-- name: record_foreign_question
-- The time of a question in another language, once in a while. Nobody waits: while another transaction writes it, this
-- one does nothing.
WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(%(lock)s) AS is_mine)
INSERT INTO meta (key, value)
SELECT 'foreign_question', extract(epoch FROM now())::bigint::text FROM turn
WHERE is_mine AND NOT EXISTS (
    SELECT FROM meta WHERE key = 'foreign_question' AND value::bigint > extract(epoch FROM now()) - %(pause)s)
ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: is_asked_foreign
-- Whether somebody has asked in another language lately.
SELECT EXISTS (
    SELECT FROM meta WHERE key = 'foreign_question' AND value::bigint > extract(epoch FROM now()) - %(seconds)s)

-- name: retire_multilingual
-- The multilingual model as a retired one: its vectors are kept for a while.
UPDATE models SET state = 'retired', changed_at = now() WHERE state = 'multilingual'

-- name: requeue_unread
-- Chunks that the multilingual model had to read wait for the active model, whose worker looks whether it reads them.
UPDATE embeddings SET state = 'pending', priority = 0, attempts = 0
WHERE (model_id, chunk_id) IN (
    SELECT model_id, chunk_id FROM embeddings
    WHERE model_id = (SELECT id FROM models WHERE state = 'active') AND state = 'unread'
    ORDER BY 1, 2 FOR UPDATE)

-- name: set_languages
-- The languages of a model, which an older version did not record.
UPDATE models SET languages = %(languages)s WHERE id = %(model_id)s AND languages = '{}'
