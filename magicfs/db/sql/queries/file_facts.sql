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

-- name: read_file_facts
-- One file with what the index has of its text: its words (^ begins a stem), the chunks by their vectors of the models
-- that searches use, and how many files have the same bytes, with the paths of some.
SELECT f.id, f.state, CASE WHEN f.state = 'named' THEN c.reason ELSE f.reason END AS reason,
       CASE WHEN f.state = 'named' THEN coalesce(c.detail, f.detail) ELSE f.detail END AS detail,
       CASE WHEN c.reason IS NULL THEN c.detail END AS recognised_by, f.attempts, f.leased_by, f.size, f.mtime_ns,
       extract(epoch FROM f.indexed_at)::float8 AS indexed_at, c.mime_type, c.kind, c.title, c.language,
       (SELECT left(text, %(beginning)s) FROM content_chunks p JOIN chunks ON chunks.id = p.chunk_id
        WHERE p.content_id = f.content_id AND p.ordinal = 0) AS beginning,
       (SELECT count(DISTINCT lexeme)
        FROM content_chunks p JOIN chunks ON chunks.id = p.chunk_id CROSS JOIN unnest(chunks.words)
        WHERE p.content_id = f.content_id AND NOT starts_with(lexeme, '^')) AS words,
       counted.*, m.name AS active_model, n.name AS multilingual_model,
       m.languages = '{}' OR c.language IS NULL OR c.language = ANY (m.languages) AS is_read_by_active,
       coalesce(c.cut_bytes, 0) AS cut_bytes, coalesce(c.unread_pages, 0) AS unread_pages,
       coalesce(c.pending_pages, 0) AS pending_pages,
       c.unread_detail, c.unread_parts, coalesce(c.ocr = 'none', false) AS waits_for_ocr,
       coalesce(c.encoded_characters, 0) AS encoded_characters,
       (SELECT count(*) FROM contents o JOIN files other ON other.content_id = o.id
        WHERE o.digest = c.digest AND o.size > 0 AND other.id <> f.id) AS copies,
       ARRAY(SELECT r.path || '\x2f'::bytea || other.path
             FROM contents o JOIN files other ON other.content_id = o.id JOIN roots r ON r.id = other.root_id
             WHERE o.digest = c.digest AND o.size > 0 AND other.id <> f.id
             ORDER BY 1 LIMIT %(copies)s) AS some_copies
FROM files f LEFT JOIN contents c ON c.id = f.content_id
LEFT JOIN models m ON m.state = 'active' LEFT JOIN models n ON n.state = 'multilingual'
CROSS JOIN LATERAL (
    SELECT count(*) AS chunks,
           count(*) FILTER (WHERE has_vector) AS embedded,
           count(*) FILTER (WHERE NOT has_vector AND is_pending) AS waiting,
           count(*) FILTER (WHERE NOT has_vector AND NOT is_pending AND NOT has_failed AND is_unread) AS unread,
           count(*) FILTER (WHERE NOT has_vector AND NOT is_pending AND has_failed) AS refused,
           count(*) FILTER (WHERE m.id IS NOT NULL AND active IS NULL AND multilingual IS NULL) AS words_only,
           count(*) FILTER (WHERE active = 'done') AS active_vectors,
           count(*) FILTER (WHERE multilingual = 'done') AS multilingual_vectors,
           count(*) FILTER (WHERE is_second) AS second_vectors
    FROM (
        SELECT a.state AS active, b.state AS multilingual, b.state = 'pending' AND b.priority < 0 AS is_second,
               'done' IN (coalesce(a.state, 'failed'), coalesce(b.state, 'failed')) AS has_vector,
               'pending' IN (coalesce(a.state, 'done'), coalesce(b.state, 'done')) AS is_pending,
               'failed' IN (coalesce(a.state, 'done'), coalesce(b.state, 'done')) AS has_failed,
               'unread' IN (coalesce(a.state, 'done'), coalesce(b.state, 'done')) AS is_unread
        FROM content_chunks p
        LEFT JOIN embeddings a ON a.model_id = m.id AND a.chunk_id = p.chunk_id
        LEFT JOIN embeddings b ON b.model_id = n.id AND b.chunk_id = p.chunk_id
        WHERE p.content_id = f.content_id
    ) AS rows
) AS counted
WHERE f.root_id = %(root_id)s AND f.path = %(path)s

-- name: token_signs
SELECT chunk_id, token_signs FROM embeddings
WHERE model_id = %(model_id)s AND chunk_id = ANY(%(chunks)s) AND token_signs IS NOT NULL
