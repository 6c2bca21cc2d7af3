-- The queries of passages: where the chunks that answer stand in their files, and what they say.

-- name: places_of_chunks
-- The places of given chunks in given files, in the order of the text.
SELECT files.id, content_chunks.chunk_id, content_chunks.ordinal, content_chunks.first_line, content_chunks.last_line,
       content_chunks.page
FROM files JOIN content_chunks ON content_chunks.content_id = files.content_id
WHERE files.id = ANY(%(files)s) AND content_chunks.chunk_id = ANY(%(chunks)s)
ORDER BY files.id, content_chunks.ordinal

-- name: first_places
-- The place of the first chunk of given files.
SELECT files.id, content_chunks.chunk_id, content_chunks.ordinal, content_chunks.first_line, content_chunks.last_line,
       content_chunks.page
FROM files JOIN content_chunks ON content_chunks.content_id = files.content_id AND content_chunks.ordinal = 0
WHERE files.id = ANY(%(files)s)

-- name: texts_and_tokens
-- The texts of given chunks, and their numbers of tokens.
SELECT id, {{found_files.chunk_text}}, tokens FROM chunks WHERE id = ANY(%(chunks)s)
