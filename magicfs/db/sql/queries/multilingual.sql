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
