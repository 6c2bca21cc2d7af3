-- name: models
-- Fragment: models, each with its state, its scale in this corpus, and the fields of `ModelSpec` in their order.
SELECT id, state, scale, name, precision, dimension, max_tokens, query_prefix, floor, ceiling, floor_across, ceiling_across,
       digest, former_digest, tokenizer, languages
FROM models

-- name: models_in_states
-- The models in some states, of which each is that of one model at most. They come in the order of `model_state`.
{{models}} WHERE state::text = ANY(%(states)s) ORDER BY state

-- name: model_by_id
-- A model in any state.
{{models}} WHERE id = %(model_id)s

-- name: all_models
-- The models of the index, the active one first, the retired ones last.
{{models}} ORDER BY state = 'retired', state, id

-- name: other_with_digest
-- The state of a model, and another model with a digest.
SELECT model.state, other.id, other.state
FROM models AS model JOIN models AS other ON other.id <> model.id
WHERE model.id = %(model_id)s AND other.digest = %(digest)s

-- name: set_digest
-- The digest of a model that has none, or the former one of the same model.
UPDATE models
SET former_digest = CASE digest WHEN '' THEN %(former_digest)s ELSE digest END, digest = %(digest)s
WHERE id = %(model_id)s AND digest IN ('', %(former_digest)s)

-- name: set_tokenizer
-- The tokenizer of a model, which an older version did not record.
UPDATE models SET tokenizer = %(tokenizer)s WHERE id = %(model_id)s AND tokenizer = ''

-- name: set_languages
-- The languages of a model, which an older version did not record.
UPDATE models SET languages = %(languages)s WHERE id = %(model_id)s AND languages = '{}'

-- name: record_multilingual
-- The index has, or had, a multilingual model.
INSERT INTO meta (key, value) VALUES ('had_multilingual', 'true') ON CONFLICT DO NOTHING

-- name: has_had_multilingual
-- Whether the index has, or had, a multilingual model.
SELECT EXISTS (SELECT FROM meta WHERE key = 'had_multilingual')

-- name: upsert_model
-- A new model, or a new calibration of a stored one, which keeps its state, its digest, and its languages unless this
-- machine knows them: it may have the model under the name of a folder. A model without a digest is known by its name and
-- precision. Each start of an agent or a worker does this, and an insert uses up an id even in a conflict. The caller's
-- lock of the table keeps other inserts away.
WITH known AS (
    SELECT id FROM models
    WHERE digest = ANY(%(digests)s) OR former_digest = ANY(%(digests)s)
       OR (%(digest)s = '' AND digest = '' AND name = %(name)s AND precision = %(precision)s)
    ORDER BY digest = %(digest)s DESC, state = 'retired', state LIMIT 1
),
stored AS (
    UPDATE models
    SET max_tokens = %(max_tokens)s, query_prefix = %(query_prefix)s, floor = %(floor)s, ceiling = %(ceiling)s,
        languages = CASE %(languages)s::text[] WHEN '{}' THEN models.languages ELSE %(languages)s END,
        floor_across = %(floor_across)s, ceiling_across = %(ceiling_across)s
    FROM known WHERE models.id = known.id
    RETURNING models.id, dimension
),
added AS (
    INSERT INTO models (name, precision, dimension, max_tokens, query_prefix, floor, ceiling, digest, former_digest,
                        tokenizer, languages, state, floor_across, ceiling_across)
    SELECT %(name)s, %(precision)s, %(dimension)s, %(max_tokens)s, %(query_prefix)s, %(floor)s, %(ceiling)s,
           %(digest)s, %(former_digest)s, %(tokenizer)s,
           %(languages)s::text[], %(state)s, %(floor_across)s, %(ceiling_across)s
    WHERE NOT EXISTS (SELECT FROM known)
    RETURNING id, dimension
)
SELECT id, dimension FROM stored UNION ALL SELECT id, dimension FROM added

-- name: set_state
-- Another state for a model.
UPDATE models SET state = %(state)s, changed_at = now() WHERE id = %(model_id)s AND state <> %(state)s

-- name: has_pending_chunks
-- Whether a chunk that a file has still waits for a vector of this model.
SELECT EXISTS (
    SELECT FROM embeddings
    WHERE model_id = %(model_id)s AND state = 'pending' AND (
        SELECT true FROM content_chunks c JOIN files f ON f.content_id = c.content_id
        WHERE c.chunk_id = embeddings.chunk_id LIMIT 1))

-- name: retired_models
-- Models that have been retired for a while.
SELECT id FROM models WHERE state = 'retired' AND changed_at < now() - make_interval(secs => %(seconds)s)

-- name: delete_model
-- A retired model whose vectors have been deleted.
DELETE FROM models WHERE id = %(model_id)s AND state = 'retired'
