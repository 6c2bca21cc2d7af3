-- Facts about given files and chunks: their names, their words, and where their text stands.

-- name: name_matches
-- Which words of the question the paths and names of given files have.
SELECT files.id,
       ARRAY(SELECT word FROM unnest(%(words)s::text[], %(in_path)s::tsquery[]) AS term (word, condition)
             WHERE files.words @@ condition) AS in_path,
       ARRAY(SELECT word FROM unnest(%(words)s::text[], %(in_name)s::tsquery[]) AS term (word, condition)
             WHERE files.words @@ condition) AS in_name
FROM files
WHERE files.id = ANY(%(files)s) AND files.words @@ %(any_word)s::tsquery

-- name: is_named_so
-- Whether the path of a file has every phrase.
SELECT EXISTS (SELECT FROM files WHERE files.id = %(file)s AND {{scope.name_has_phrases}})

-- name: chunks_with_phrase
-- Those of given chunks that have the words of one phrase side by side.
SELECT id FROM chunks WHERE id = ANY(%(chunks)s) AND words @@ %(phrase)s::tsquery

-- name: chunk_texts
-- The texts of given chunks.
SELECT id, {{found_files.chunk_text}} FROM chunks WHERE id = ANY(%(chunks)s)

-- name: is_in_scope
-- Whether a file meets the conditions on files.
SELECT EXISTS (SELECT FROM {{scope.file_tables}} WHERE files.id = %(file)s AND {{scope.file_filters}})

-- name: chunks_of_file
-- The chunks of a file.
SELECT DISTINCT chunk_id FROM content_chunks JOIN files USING (content_id) WHERE files.id = %(file)s

-- name: place_in_file
-- The first place of a chunk in a file.
SELECT first_line, last_line, page FROM content_chunks JOIN files USING (content_id)
WHERE files.id = %(file)s AND chunk_id = %(chunk)s ORDER BY ordinal LIMIT 1

-- name: lexemes_in_chunk
-- Those of some lexemes, each the text of a `tsquery`, that a chunk has.
SELECT lexeme FROM unnest(%(lexemes)s::text[]) AS lexeme, chunks
WHERE chunks.id = %(chunk)s AND chunks.words @@ lexeme::tsquery

-- name: vector_state
-- The state of a chunk under a model.
SELECT state FROM embeddings WHERE model_id = %(model)s AND chunk_id = %(chunk)s

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
