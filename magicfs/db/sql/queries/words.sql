-- name: take_lock
-- Whether no other transaction computes words anew. Two would do the same work.
SELECT pg_try_advisory_xact_lock(%(lock)s)

-- name: read_pass
-- The pass over all chunks: the version of its words, the chunk up to which it went, and the last one that it goes to.
SELECT split_part(value, ' ', 1)::integer, split_part(value, ' ', 2)::bigint, split_part(value, ' ', 3)::bigint
FROM meta WHERE key = 'analysis'

-- name: write_pass
-- Where the pass stands now.
INSERT INTO meta (key, value) VALUES ('analysis', concat_ws(' ', %(analysis)s::integer, %(done)s::bigint, %(end)s::bigint))
ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE meta.value <> excluded.value

-- name: last_chunk
-- The highest id of a chunk; 0 without any.
SELECT coalesce(max(id), 0) FROM chunks

-- name: source_of_chunk
-- What the words of the chunk `chunk` depend on besides its text and headings: a content that has it, best one that begins
-- with it.
SELECT content_id, left(mime_type, 1024) AS mime_type, left(language, 1024) AS language, ordinal = 0 AS is_first,
       left(title, 16384) AS title, left(author, 16384) AS author, left(keywords, 16384) AS keywords
FROM content_chunks JOIN contents ON contents.id = content_id
WHERE chunk_id = chunk.id
ORDER BY ordinal > 0, content_id LIMIT 1

-- name: next_outdated_chunks
-- The next chunks with the words of an earlier version.
SELECT chunk.id, chunk.text, chunk.headings, source.*
FROM (
    SELECT id, {{found_files.chunk_text}} AS text, left(headings, 16384) AS headings FROM chunks
    WHERE id > %(after)s AND analysis < %(analysis)s
    ORDER BY id LIMIT %(limit)s
) AS chunk
LEFT JOIN LATERAL ({{source_of_chunk}}) AS source ON true
ORDER BY chunk.id

-- name: sources_of_chunks
-- The same for given chunks.
SELECT chunk.id, left(chunk.text, 16384), left(chunk.headings, 16384), source.*
FROM chunks AS chunk
LEFT JOIN LATERAL ({{source_of_chunk}}) AS source ON true
WHERE chunk.id = ANY(%(ids)s)

-- name: samples
-- The beginnings of some chunks of each content, spread over it.
SELECT content_id, array_agg(left(text, %(characters)s) ORDER BY ordinal)
FROM unnest(%(ids)s::bigint[]) AS content (id)
CROSS JOIN LATERAL (
    SELECT max(ordinal) + 1 AS chunks FROM content_chunks WHERE content_id = content.id) AS size
JOIN content_chunks ON content_id = content.id
    AND ordinal = ANY(ARRAY(SELECT part * chunks / %(samples)s FROM generate_series(0, %(samples)s - 1) AS part))
JOIN chunks ON chunks.id = chunk_id
GROUP BY content_id

-- name: set_languages
-- The languages of contents, with the contents whose language is another one now. Locked contents are skipped: their
-- chunks get the right words all the same.
UPDATE contents SET language = detected.language
FROM (
    SELECT contents.id, known.language
    FROM unnest(%(ids)s::bigint[], %(languages)s::text[]) AS known (id, language)
    JOIN contents USING (id)
    WHERE contents.language IS DISTINCT FROM known.language
    FOR NO KEY UPDATE OF contents SKIP LOCKED
) AS detected
WHERE contents.id = detected.id
RETURNING contents.id

-- name: write_words
-- The words of chunks, with their weights. A chunk that was deleted meanwhile is left out.
UPDATE chunks SET words = computed.words::tsvector, terms = computed.terms::sparsevec, analysis = %(analysis)s
FROM unnest(%(ids)s::bigint[], %(words)s::text[], %(terms)s::text[]) AS computed (id, words, terms)
WHERE chunks.id = computed.id
