-- The queries of the search. `{{name}}` stands for the fragment of that name (`magicfs.db.queries`). The scope is the
-- set of chunks that a search looks at: `file_filters` restricts the files, `has_phrases` the chunks. The conditions
-- are a few parameters, which `magicfs.db.scope` computes once for a search.

-- name: file_tables
-- Fragment: the tables of a file, for `file_filters`. A file that was never read has no content.
files
JOIN roots ON roots.id = files.root_id
JOIN hosts ON hosts.id = roots.host_id
LEFT JOIN contents ON contents.id = files.content_id

-- name: other_file_filters
-- Fragment: the conditions on a file but for excluded words, over `file_tables`. A parameter that is null sets no
-- condition. The extension says the type where the content does not: the file was not read, is empty, or its bytes are
-- of no known type. A path whose name fits a pattern ends so: that is looked at first, because it takes a fraction of the
-- time that the name alone takes.
(%(types)s::text[] IS NULL
 OR files.extension = ANY(%(types)s) OR contents.mime_type = ANY(%(types)s)
 OR split_part(contents.mime_type, '/', 1) = ANY(%(types)s)
 OR regexp_replace(split_part(contents.mime_type, '/', 2), '^x-', '') = ANY(%(types)s)
 OR files.extension = ANY(%(type_extensions)s)
    AND (contents.id IS NULL OR contents.size = 0 OR contents.mime_type = 'application/octet-stream'))
AND (%(extensions)s::text[] IS NULL OR files.extension = ANY(%(extensions)s))
AND (%(folders)s::text[] IS NULL OR '/' || {{folded_root}} || '/' || {{folded_path}} LIKE ANY(%(folders)s)
     OR roots.path || '\x2f'::bytea || files.path LIKE ANY(%(absolute_folders)s::bytea[]))
AND (%(names)s::text[] IS NULL OR {{folded_path}} LIKE ANY(%(name_endings)s)
     AND regexp_replace({{folded_path}}, '^.*/', '') LIKE ANY(%(names)s))
AND (%(hosts)s::text[] IS NULL OR lower(hosts.name) = ANY(%(hosts)s))
AND (%(roots)s::text[] IS NULL OR {{folded_root}} = ANY(%(roots)s))
AND (%(languages)s::text[] IS NULL OR contents.language = ANY(%(languages)s))
AND (%(after_ns)s::bigint IS NULL OR files.mtime_ns >= %(after_ns)s)
AND (%(before_ns)s::bigint IS NULL OR files.mtime_ns < %(before_ns)s)
AND (%(larger)s::bigint IS NULL OR files.size > %(larger)s)
AND (%(smaller)s::bigint IS NULL OR files.size < %(smaller)s)

-- name: folded_path
-- Fragment: the path of a file in the form that filters compare. An older version has not written it.
coalesce(files.folded, lower(files.display))

-- name: folded_root
-- Fragment: the name of a root in the same form.
coalesce(roots.folded, lower(roots.name))

-- name: file_filters
-- Fragment: the conditions on a file, over `file_tables`. Excluded words exclude the whole file; at most one of the
-- three parameters for them is set (`magicfs.db.scope.enumerate_scope`). With the addition, no index serves a list: for
-- each file, it would sort the list. A file without text has no excluded word.
{{other_file_filters}}
AND (%(allowed_contents)s::bigint[] IS NULL OR files.content_id IS NULL OR contents.reason IS NOT NULL
     OR files.content_id + 0 = ANY(%(allowed_contents)s::bigint[]))
AND (%(excluded_contents)s::bigint[] IS NULL OR files.content_id IS NULL
     OR files.content_id + 0 <> ALL(%(excluded_contents)s::bigint[]))
AND (%(excluded)s::tsquery IS NULL OR {{has_no_excluded_word}})

-- name: has_no_excluded_word
-- Fragment: no chunk of the file has an excluded word. `NOT IN` would compare each file with a list of all chunks that
-- have one.
NOT EXISTS (
    SELECT FROM content_chunks AS excluded_places JOIN chunks AS excluded_chunks ON excluded_chunks.id = excluded_places.chunk_id
    WHERE excluded_places.content_id = files.content_id AND excluded_chunks.words @@ %(excluded)s::tsquery)

-- name: has_phrases
-- Fragment: the chunk has every phrase, by the places of its exact words. The index of words serves it.
(%(phrases)s::tsquery IS NULL OR chunks.words @@ %(phrases)s::tsquery)

-- name: name_has_phrases
-- Fragment: the path of the file has every phrase.
(%(phrases)s::tsquery IS NULL OR files.words @@ %(phrases)s::tsquery)

-- name: in_filtered_files
-- Fragment: the chunk is in scope, by the conditions on its files.
{{has_phrases}} AND EXISTS (
    SELECT FROM content_chunks
    JOIN files ON files.content_id = content_chunks.content_id
    JOIN roots ON roots.id = files.root_id
    JOIN hosts ON hosts.id = roots.host_id
    JOIN contents ON contents.id = files.content_id
    WHERE content_chunks.chunk_id = chunks.id AND {{file_filters}})

-- name: in_given_contents
-- Fragment: the chunk is in scope, by the contents of the scope.
{{has_phrases}} AND EXISTS (
    SELECT FROM content_chunks
    WHERE content_chunks.chunk_id = chunks.id AND content_chunks.content_id = ANY(%(contents)s::bigint[]))

-- name: path_matches
-- Fragment: which words of the question a file's path and its own name have.
ARRAY(SELECT word FROM unnest(%(words)s::text[], %(in_path)s::tsquery[]) AS term (word, condition)
      WHERE files.words @@ condition) AS in_path,
ARRAY(SELECT word FROM unnest(%(words)s::text[], %(in_name)s::tsquery[]) AS term (word, condition)
      WHERE files.words @@ condition) AS in_name

-- name: copy_key
-- Fragment: what the copies of one content have in common, and no other file has, over `file_tables`. Empty files are
-- no copies of each other. With `each_copy`, a file is a copy of itself alone.
CASE WHEN %(each_copy)s OR contents.id IS NULL OR contents.size = 0 THEN int8send(files.id) ELSE contents.digest END

-- name: copy_order
-- Fragment: the order in which copies are preferred: a local one, then the newest, then the one with the shortest path.
hosts.name = %(host)s DESC, files.mtime_ns DESC, length(roots.path) + length(files.path), files.id

-- name: file_columns
-- Fragment: the columns of a file's location, over `file_tables`. The place of its text follows: `chunk_columns`.
{{copy_key}}, files.id, hosts.name, roots.name, roots.path, files.path, files.size, files.mtime_ns, files.ctime_ns,
files.ino, roots.device, files.mode, files.uid, files.gid, extract(epoch FROM files.indexed_at), contents.language

-- name: chunk_columns
-- Fragment: the place of a chunk in a file; null and zeros for a file without text.
content_chunks.chunk_id, coalesce(content_chunks.first_line, 0), coalesce(content_chunks.last_line, 0),
content_chunks.page

-- name: stop_words_by_language
-- The languages of the index, English first, each with those of given words that are stop words of it.
SELECT code, ARRAY(
    SELECT word FROM unnest(%(words)s::text[]) AS word WHERE ts_lexize(pg_ts_dict.oid::regdictionary, word) = '{}')
FROM (SELECT 'en' UNION SELECT code FROM languages) AS indexed (code)
LEFT JOIN unnest(%(codes)s::text[], %(stemmers)s::text[]) AS known (code, stemmer) USING (code)
LEFT JOIN pg_ts_dict ON dictname = stemmer AND dictnamespace = 'pg_catalog'::regnamespace
ORDER BY code <> 'en', code

-- name: met_conditions
-- Those of some conditions on words that any chunk meets.
SELECT condition FROM unnest(%(conditions)s::text[]) AS condition
WHERE EXISTS (SELECT FROM chunks WHERE words @@ condition::tsquery)

-- name: document_frequencies
-- The number of chunks that have each word, counted up to a limit.
SELECT word, (SELECT count(*) FROM (SELECT FROM chunks WHERE words @@ condition LIMIT %(limit)s) AS matches)
FROM unnest(%(words)s::text[], %(conditions)s::tsquery[]) AS term (word, condition)

-- name: estimated_frequencies
-- The share of all chunks that have each lexeme, for frequent lexemes, from the statistics of ANALYZE.
SELECT lexeme, frequency
FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS frequent (lexeme, frequency)
WHERE schemaname = current_schema() AND tablename = 'chunks' AND attname = 'words' AND lexeme = ANY(%(lexemes)s)

-- name: average_tokens
-- The average number of tokens of a chunk, over the newest chunks.
SELECT coalesce(avg(tokens), 1) FROM (SELECT tokens FROM chunks ORDER BY id DESC LIMIT 1000) AS newest

-- name: contents_in_scope
-- The contents with text of the files in scope, up to a limit.
SELECT DISTINCT files.content_id
FROM {{file_tables}}
WHERE contents.id IS NOT NULL AND contents.reason IS NULL AND {{other_file_filters}}
LIMIT %(limit)s

-- name: contents_without_excluded_words
-- The contents with text of the files in scope that have no excluded word, up to a limit. One join for all files: a
-- condition that is checked for each file takes seconds.
SELECT DISTINCT files.content_id
FROM {{file_tables}}
WHERE contents.id IS NOT NULL AND contents.reason IS NULL AND {{other_file_filters}} AND {{has_no_excluded_word}}
LIMIT %(limit)s

-- name: contents_with_excluded_words
-- The contents that have an excluded word, up to a limit.
SELECT DISTINCT excluded_places.content_id
FROM chunks AS excluded_chunks JOIN content_chunks AS excluded_places ON excluded_places.chunk_id = excluded_chunks.id
WHERE excluded_chunks.words @@ %(excluded)s::tsquery
LIMIT %(limit)s

-- name: chunks_with_phrases
-- The chunks that have every phrase, up to a limit, for a scope without conditions on files.
SELECT id FROM chunks WHERE {{has_phrases}} LIMIT %(limit)s

-- name: chunks_with_phrases_in_files
-- The chunks in scope, up to a limit, for a scope of too many contents to enumerate them.
SELECT id FROM chunks WHERE {{in_filtered_files}} LIMIT %(limit)s

-- name: chunks_with_phrases_in_contents
-- The chunks in scope, up to a limit, by the contents of the scope.
SELECT id FROM chunks WHERE {{in_given_contents}} LIMIT %(limit)s

-- name: chunks_in_contents
-- The chunks of the scope's contents, up to a limit.
SELECT DISTINCT chunk_id FROM content_chunks WHERE content_id = ANY(%(contents)s::bigint[]) LIMIT %(limit)s

-- name: candidates_by_words
-- The chunks that meet any of several conditions on words, up to a limit for each condition.
SELECT DISTINCT candidates.id
FROM unnest(%(conditions)s::tsquery[]) AS condition,
     LATERAL (SELECT chunks.id FROM chunks WHERE chunks.words @@ condition LIMIT %(limit)s) AS candidates

-- name: candidates_by_words_in_chunks
-- The chunks among given ones that meet any of several conditions on words, up to a limit for each condition.
SELECT DISTINCT candidates.id
FROM unnest(%(conditions)s::tsquery[]) AS condition,
     LATERAL (SELECT chunks.id FROM chunks
              WHERE chunks.words @@ condition AND chunks.id = ANY(%(chunks)s) LIMIT %(limit)s) AS candidates

-- name: candidates_by_words_in_contents
-- The chunks of the scope's contents that meet any of several conditions on words, up to a limit for each condition.
SELECT DISTINCT candidates.id
FROM unnest(%(conditions)s::tsquery[]) AS condition,
     LATERAL (SELECT chunks.id FROM chunks
              WHERE chunks.words @@ condition AND {{in_given_contents}} LIMIT %(limit)s) AS candidates

-- name: candidates_by_words_in_files
-- The chunks of the scope's files that meet any of several conditions on words, up to a limit for each condition. For a
-- scope of too many contents to enumerate them.
SELECT DISTINCT candidates.id
FROM unnest(%(conditions)s::tsquery[]) AS condition,
     LATERAL (SELECT chunks.id FROM chunks
              WHERE chunks.words @@ condition AND {{in_filtered_files}} LIMIT %(limit)s) AS candidates

-- name: rank_by_bm25
-- The BM25 of given chunks, and the words of the question that they have, by their numbers. ts_rank of a single lexeme is
-- the sum of 1/n^2 over its occurrences, divided by the limit of that sum (pi^2/6); its inverse gives the number of
-- occurrences to within a tenth. It is 0 for a chunk without the lexeme; 1 and more for the beginning of several words,
-- which are counted once each. The occurrences of a word are those of its lexemes, times their factors. The ts_rank of
-- all words together is quick, and chooses the few chunks whose BM25 is computed; joining an empty vector unpacks each
-- chunk's words only once.
WITH best AS MATERIALIZED (
    SELECT id, tokens, words || ''::tsvector AS words
    FROM chunks
    WHERE id = ANY(%(chunks)s)
    ORDER BY ts_rank('{1,1,1,1}', words, %(any_word)s::tsquery) DESC, id
    LIMIT %(scored)s
),
counted AS (
    SELECT id, tokens, number, sum(factor * CASE
               WHEN rank < 1 THEN 1 / (1.6449341 * (1.0000001 - rank)) - 0.5 ELSE 1.6449341 * rank END) AS n
    FROM best
    CROSS JOIN unnest(%(numbers)s::smallint[], %(lexemes)s::tsquery[], %(factors)s::float8[])
         AS question (number, lexeme, factor),
    LATERAL (SELECT ts_rank('{1,1,1,1}', words, lexeme) AS rank) AS ranked
    WHERE rank > 0
    GROUP BY id, tokens, number
)
SELECT id,
       sum((%(weights)s::float8[])[number] * n * (%(k1)s + 1)
           / (n + %(k1)s * (1 - %(b)s + %(b)s * tokens / %(average_tokens)s))) AS bm25,
       array_agg(number)
FROM counted
GROUP BY id
ORDER BY bm25 DESC, id
LIMIT %(limit)s

-- name: candidates_by_name
-- The files in scope whose paths meet any of several conditions, up to a limit for each condition, with their first chunk
-- if they have text, and with the words of the question that the path and the name have. The conditions are looked up
-- in their order until there are enough files: each reads all entries of its words from the index.
SELECT {{file_columns}}, {{chunk_columns}}, {{path_matches}}
FROM (
    SELECT DISTINCT id
    FROM (
        SELECT found.id
        FROM unnest(%(conditions)s::tsquery[]) AS condition,
             LATERAL (SELECT files.id FROM {{file_tables}}
                      WHERE files.words @@ condition AND {{name_has_phrases}} AND {{file_filters}}
                      LIMIT %(limit)s) AS found
        LIMIT %(enough)s
    ) AS first
) AS candidates
JOIN files ON files.id = candidates.id
JOIN roots ON roots.id = files.root_id
JOIN hosts ON hosts.id = roots.host_id
LEFT JOIN contents ON contents.id = files.content_id
LEFT JOIN content_chunks ON content_chunks.content_id = files.content_id AND content_chunks.ordinal = 0

-- name: name_matches
-- Which words of the question the paths and names of given files have.
SELECT files.id, {{path_matches}}
FROM files
WHERE files.id = ANY(%(files)s) AND files.words @@ %(any_word)s::tsquery

-- name: is_named_so
-- Whether the path of a file has every phrase.
SELECT EXISTS (SELECT FROM files WHERE files.id = %(file)s AND {{name_has_phrases}})

-- name: chunks_with_phrase
-- Those of given chunks that have the words of one phrase side by side.
SELECT id FROM chunks WHERE id = ANY(%(chunks)s) AND words @@ %(phrase)s::tsquery

-- name: nearest
-- The chunks nearest to a vector. The ORDER BY stands alone and ascending, so that an HNSW index on
-- (vector::halfvec(dimension)) halfvec_ip_ops serves it.
SELECT {model}, chunk_id, -(vector <#> {vector}::halfvec)
FROM {partition}
WHERE vector IS NOT NULL
ORDER BY vector::halfvec({dimension}) <#> {vector}::halfvec({dimension})
LIMIT %(limit)s

-- name: nearest_in_contents
-- The chunks of the scope's contents nearest to a vector, by an iterative index scan or a full scan, whichever Postgres
-- expects to be quicker.
SELECT {model}, chunk_id, -(vector <#> {vector}::halfvec)
FROM {partition} AS embedded
WHERE vector IS NOT NULL
      AND EXISTS (SELECT FROM chunks WHERE chunks.id = embedded.chunk_id AND {{in_given_contents}})
ORDER BY vector::halfvec({dimension}) <#> {vector}::halfvec({dimension})
LIMIT %(limit)s

-- name: nearest_in_files
-- The chunks of the scope's files nearest to a vector, for a scope of too many contents to enumerate them.
SELECT {model}, chunk_id, -(vector <#> {vector}::halfvec)
FROM {partition} AS embedded
WHERE vector IS NOT NULL
      AND EXISTS (SELECT FROM chunks WHERE chunks.id = embedded.chunk_id AND {{in_filtered_files}})
ORDER BY vector::halfvec({dimension}) <#> {vector}::halfvec({dimension})
LIMIT %(limit)s

-- name: similarities
-- The cosines of given chunks to a vector. Without ORDER BY, Postgres uses the primary key and no index of vectors.
SELECT chunk_id, -(vector <#> {vector}::halfvec)
FROM {partition}
WHERE chunk_id = ANY(%(chunks)s) AND vector IS NOT NULL

-- name: model_and_cosine
-- The cosines of given chunks to a vector under a model, as rows beside those of `documents_of_chunks`.
SELECT {model} AS model, chunk_id, -(vector <#> {vector}::halfvec), NULL::text, NULL::text
FROM {partition}
WHERE chunk_id = ANY(%(chunks)s) AND vector IS NOT NULL

-- name: documents_of_chunks
-- The languages and the types of the documents that have given chunks; a language is null where it is not known.
SELECT NULL::integer, chunk_id, NULL::float8, language, mime_type
FROM content_chunks JOIN contents ON contents.id = content_id
WHERE chunk_id = ANY(%(chunks)s)

-- name: chunk_locations
-- The contents in scope that have given chunks, in the order of the chunks, up to a limit for each chunk. Each is one of
-- its files: the copy that is preferred.
SELECT located.*
FROM unnest(%(chunks)s::bigint[]) WITH ORDINALITY AS ranked (chunk_id, position),
LATERAL (
    SELECT DISTINCT ON ({{copy_key}}) {{file_columns}}, {{chunk_columns}}
    FROM content_chunks
    JOIN files ON files.content_id = content_chunks.content_id
    JOIN roots ON roots.id = files.root_id
    JOIN hosts ON hosts.id = roots.host_id
    JOIN contents ON contents.id = files.content_id
    WHERE content_chunks.chunk_id = ranked.chunk_id AND {{file_filters}}
    ORDER BY {{copy_key}}, {{copy_order}}, content_chunks.ordinal
    LIMIT %(limit)s
) AS located
ORDER BY ranked.position

-- name: newest_files
-- The files in scope, the latest modified first, each with its first chunk if it has text. The chunks are looked up for
-- the files within the limit alone.
SELECT {{file_columns}}, {{chunk_columns}}
FROM (
    SELECT files.* FROM {{file_tables}} WHERE {{file_filters}}
    ORDER BY files.mtime_ns DESC, length(roots.path) + length(files.path), files.id
    LIMIT %(limit)s
) AS files
JOIN roots ON roots.id = files.root_id
JOIN hosts ON hosts.id = roots.host_id
LEFT JOIN contents ON contents.id = files.content_id
LEFT JOIN content_chunks ON content_chunks.content_id = files.content_id AND content_chunks.ordinal = 0
ORDER BY files.mtime_ns DESC, length(roots.path) + length(files.path), files.id

-- name: copies
-- The files in scope that have the bytes of given digests, the preferred ones first, up to a limit for each digest.
SELECT located.*
FROM unnest(%(digests)s::bytea[]) AS wanted (digest),
LATERAL (
    SELECT {{file_columns}}, NULL::bigint, 0, 0, NULL::integer
    FROM contents
    JOIN files ON files.content_id = contents.id
    JOIN roots ON roots.id = files.root_id
    JOIN hosts ON hosts.id = roots.host_id
    WHERE contents.digest = wanted.digest AND {{file_filters}}
    ORDER BY {{copy_order}}
    LIMIT %(limit)s
) AS located

-- name: chunk_texts
-- The texts of given chunks.
SELECT id, text FROM chunks WHERE id = ANY(%(chunks)s)

-- name: file_by_id
-- A file, with its first chunk if it has text.
SELECT {{file_columns}}, {{chunk_columns}}
FROM {{file_tables}}
LEFT JOIN content_chunks ON content_chunks.content_id = files.content_id AND content_chunks.ordinal = 0
WHERE files.id = %(file)s

-- name: is_in_scope
-- Whether a file meets the conditions on files.
SELECT EXISTS (SELECT FROM {{file_tables}} WHERE files.id = %(file)s AND {{file_filters}})

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
