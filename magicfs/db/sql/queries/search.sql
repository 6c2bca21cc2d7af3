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
-- three parameters for them is set (`magicfs.db.scope.enumerate_scope`). A list is hashed once: see `is_in_contents`.
-- A file without text has no excluded word.
{{other_file_filters}}
AND (%(allowed_contents)s::bigint[] IS NULL OR files.content_id IS NULL OR contents.reason IS NOT NULL
     OR files.content_id IN (SELECT unnest(%(allowed_contents)s::bigint[])))
AND (%(excluded_contents)s::bigint[] IS NULL OR files.content_id IS NULL
     OR files.content_id NOT IN (SELECT unnest(%(excluded_contents)s::bigint[])))
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
    SELECT FROM content_chunks WHERE content_chunks.chunk_id = chunks.id AND {{is_in_contents}})

-- name: is_in_contents
-- Fragment: the content is one of the scope. They are hashed once. To plan a comparison with a list of thousands takes
-- longer than all else, because the planner looks each of them up in its statistics. IS TRUE keeps it from turning the
-- condition into a join, for which it would read the list for each chunk.
(content_chunks.content_id IN (SELECT unnest(%(contents)s::bigint[]))) IS TRUE

-- name: all_contents
-- Fragment: the contents of the scope, as an array whose values the planner does not look at.
ARRAY(SELECT unnest(%(contents)s::bigint[]))

-- name: all_chunks
-- Fragment: the chunks of the scope, the same way.
ARRAY(SELECT unnest(%(chunks)s::bigint[]))

-- name: ids
-- How many ids a query finds, and which; null if it reaches its limit.
SELECT count(*), CASE WHEN count(*) < %(limit)s THEN coalesce(array_agg(id), ARRAY[]::bigint[])::text END
FROM ({query}) AS found (id)

-- name: contents_and_chunks
-- How many contents a query finds, and which, and how many chunks they have, and which: null where a limit is reached. A
-- chunk counts for each place that it has. The chunks of more contents than their limit are not looked up.
WITH content AS MATERIALIZED ({query}),
listed AS MATERIALIZED (
    SELECT CASE WHEN count(*) < %(limit)s THEN array_agg(content_id) END AS contents, count(*) AS size FROM content
),
place AS MATERIALIZED (
    SELECT chunk_id FROM content_chunks
    WHERE content_id = ANY((SELECT contents FROM listed WHERE size < %(limit_of_chunks)s)::bigint[])
    LIMIT %(limit_of_chunks)s
)
SELECT size, CASE WHEN size < %(limit)s THEN coalesce(contents, ARRAY[]::bigint[])::text END,
       cardinality(chunks), chunks::text
FROM listed,
     (SELECT CASE WHEN (SELECT size < least(%(limit)s, %(limit_of_chunks)s) FROM listed)
                  AND (SELECT count(*) FROM place) < %(limit_of_chunks)s
             THEN ARRAY(SELECT DISTINCT chunk_id FROM place) END AS chunks OFFSET 0) AS found

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
files.ino, roots.device, files.mode, files.uid, files.gid, date_part('epoch', files.indexed_at), contents.language,
contents.mime_type

-- name: chunk_columns
-- Fragment: the place of a chunk in a file; null and zeros for a file without text.
content_chunks.chunk_id, coalesce(content_chunks.first_line, 0), coalesce(content_chunks.last_line, 0),
content_chunks.page

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
-- The chunks in scope, up to a limit, by the contents of the scope. Where these are few, their chunks are looked at, and
-- not all that have the phrases: so the planner may look at the list.
SELECT id FROM chunks
WHERE {{has_phrases}} AND EXISTS (
    SELECT FROM content_chunks
    WHERE content_chunks.chunk_id = chunks.id AND content_chunks.content_id = ANY(%(contents)s::bigint[]))
LIMIT %(limit)s

-- name: named
-- Part of `measure`: the files whose paths meet any of several conditions, up to a limit for each condition, with their
-- first chunk if they have text. The conditions are looked up in their order until there are enough files: each reads
-- all entries of its words from the index.
named AS MATERIALIZED (
    SELECT candidates.id, content_chunks.chunk_id
    FROM (
        SELECT DISTINCT id
        FROM (
            SELECT found.id
            FROM unnest(%(name_conditions)s::tsquery[]) AS condition,
                 LATERAL ({found} LIMIT %(names_each)s) AS found
            LIMIT %(enough_names)s
        ) AS first
    ) AS candidates
    JOIN files ON files.id = candidates.id
    LEFT JOIN content_chunks ON content_chunks.content_id = files.content_id AND content_chunks.ordinal = 0
)

-- name: files_named
-- Fragment: the files that meet one of these conditions.
SELECT files.id FROM files WHERE files.words @@ condition

-- name: files_named_in_scope
-- Fragment: the same among the files in scope.
SELECT files.id FROM {{file_tables}} WHERE files.words @@ condition AND {{name_has_phrases}} AND {{file_filters}}

-- name: none_named
-- The same for a question without words.
named AS MATERIALIZED (SELECT NULL::bigint AS id, NULL::bigint AS chunk_id WHERE false)

-- name: found_by_words
-- Part of `measure`: the chunks that meet any of several conditions on words, up to a limit for each condition, with their
-- BM25.
found AS MATERIALIZED (
    SELECT DISTINCT candidates.id, bm25
    FROM unnest(%(conditions)s::tsquery[]) AS condition,
         LATERAL (SELECT chunks.id, {bm25} AS bm25
                  FROM chunks WHERE chunks.words @@ condition LIMIT %(chunks_each)s) AS candidates
)

-- name: found_by_words_in_chunks
-- The same among given chunks.
found AS MATERIALIZED (
    SELECT DISTINCT candidates.id, bm25
    FROM unnest(%(conditions)s::tsquery[]) AS condition,
         LATERAL (SELECT chunks.id, {bm25} AS bm25 FROM chunks
                  WHERE chunks.words @@ condition AND (chunks.id IN (SELECT unnest(%(chunks)s::bigint[]))) IS TRUE
                  LIMIT %(chunks_each)s) AS candidates
)

-- name: found_by_words_in_contents
-- The same among the chunks of the scope's contents.
found AS MATERIALIZED (
    SELECT DISTINCT candidates.id, bm25
    FROM unnest(%(conditions)s::tsquery[]) AS condition,
         LATERAL (SELECT chunks.id, {bm25} AS bm25 FROM chunks
                  WHERE chunks.words @@ condition AND {{in_given_contents}} LIMIT %(chunks_each)s) AS candidates
)

-- name: found_by_words_in_files
-- The same among the chunks of the scope's files. For a scope of too many contents to enumerate them.
found AS MATERIALIZED (
    SELECT DISTINCT candidates.id, bm25
    FROM unnest(%(conditions)s::tsquery[]) AS condition,
         LATERAL (SELECT chunks.id, {bm25} AS bm25 FROM chunks
                  WHERE chunks.words @@ condition AND {{in_filtered_files}} LIMIT %(chunks_each)s) AS candidates
)

-- name: found_given
-- The same where all chunks in scope are compared.
found AS MATERIALIZED (
    SELECT id, {bm25} AS bm25 FROM chunks WHERE id = ANY({{all_chunks}})
)

-- name: bm25
-- Fragment: the BM25 of a chunk. One of an older version has no weights yet: there each word counts once.
coalesce(-(chunks.terms <#> %(question)s::sparsevec), (
    SELECT coalesce(sum(weight), 0) FROM unnest(%(in_text)s::tsquery[], %(weights)s::float8[]) AS word (condition, weight)
    WHERE chunks.words @@ condition))

-- name: bm25_of_beginnings
-- Fragment: what beginnings of words, which have no slot, add to it: each counts once.
(SELECT coalesce(sum(weight), 0)
 FROM unnest(%(beginnings)s::tsquery[], %(weights_of_beginnings)s::float8[]) AS word (condition, weight)
 WHERE chunks.terms IS NOT NULL AND chunks.words @@ condition)

-- name: words_had
-- Fragment: the numbers of the words of the question that a chunk without weights has, as bits.
(SELECT coalesce(bit_or(1::bigint << (number - 1)::integer), 0)
 FROM unnest(%(in_text)s::tsquery[]) WITH ORDINALITY AS word (condition, number) WHERE chunks.words @@ condition)

-- name: has_word
-- Fragment: whether a chunk has a word.
(chunks.terms <#> {}::sparsevec < 0)

-- name: has_beginning
-- Fragment: whether a chunk has a word that begins so.
(chunks.words @@ {}::tsquery)

-- name: measured_phrase
-- Fragment: whether a candidate has the phrase. One without a word of it has not, and its text is not read for that.
had > 0 AND had & %(words_of_phrase)s::bigint = %(words_of_phrase)s::bigint AND chunks.words @@ %(phrase)s::tsquery

-- name: near_cosines
-- Part of `measured`: the cosines that a retriever has measured.
UNION ALL SELECT id, NULL, NULL, NULL, NULL{cosines} FROM {near}

-- name: other_cosines
-- Part of `measured`: the cosines of the other candidates and a vector.
UNION ALL SELECT chunk_id, NULL, NULL, NULL, NULL{cosines} FROM {partition}
WHERE model_id = {model} AND vector IS NOT NULL AND chunk_id = ANY(ARRAY(SELECT unnest(ids) FROM brought{except_near}))

-- name: ranked
-- Part of `measure`: the best of the chunks found by words, by BM25.
ranked AS MATERIALIZED (SELECT id, bm25 FROM found WHERE bm25 > 0 ORDER BY bm25 DESC, id LIMIT {limit})

-- name: near
-- Part of `measure`: the chunks nearest to a vector. The ORDER BY stands alone and ascending, so that an HNSW index on
-- (vector::halfvec(dimension)) halfvec_ip_ops serves it.
{near} AS MATERIALIZED (
    SELECT chunk_id AS id, vector::halfvec({dimension}) <#> {vector}::halfvec({dimension}) AS {distance}
    FROM {partition}
    WHERE vector IS NOT NULL
    ORDER BY vector::halfvec({dimension}) <#> {vector}::halfvec({dimension})
    LIMIT {limit}
)

-- name: near_in_contents
-- The same among the chunks of the scope's contents. In a small scope all vectors are compared. Else the index brings
-- vectors until enough of them are in scope, and where that takes too long, because the question is about something else,
-- all are compared after all. By Postgres's statistics, a scope is small if its size squared is less than `compared` times
-- the size of the index: then comparing all takes less time than what the index would bring, which is, for each result, as
-- many vectors as the scope is smaller than the index. The LIMIT keeps Postgres from turning the condition into a join,
-- for which it would sort all vectors.
{found} AS MATERIALIZED (
    SELECT chunk_id AS id, vector <#> {vector}::halfvec AS distance
    FROM {partition} AS embedded
    WHERE vector IS NOT NULL
          AND (SELECT ({{expected_chunks}})^2 > {compared} * greatest(reltuples, 1)
               FROM pg_class WHERE oid = 'content_chunks'::regclass)
          AND (SELECT true FROM content_chunks
               WHERE content_chunks.chunk_id = embedded.chunk_id AND {{is_in_contents}} LIMIT 1)
          AND {{has_phrases_too}}
    ORDER BY vector::halfvec({dimension}) <#> {vector}::halfvec({dimension})
    LIMIT {limit}
),
{near} AS MATERIALIZED (
    SELECT id FROM (
        SELECT id, distance FROM {found} WHERE (SELECT count(*) FROM {found}) = {limit}
        UNION ALL
        SELECT chunk_id, vector <#> {vector}::halfvec
        FROM {partition} AS embedded
        WHERE (SELECT count(*) FROM {found}) < {limit} AND model_id = {model} AND vector IS NOT NULL AND {{has_phrases_too}}
              AND chunk_id = ANY(ARRAY(SELECT chunk_id FROM content_chunks WHERE content_id = ANY({{all_contents}})))
    ) AS compared
    ORDER BY distance, id LIMIT {limit}
)

-- name: expected_chunks
-- Fragment: how many chunks the scope's contents are likely to have.
cardinality(%(contents)s::bigint[]) * greatest(reltuples, 1)
/ (SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'contents'::regclass)

-- name: has_phrases_too
-- Fragment: the chunk of an embedding has every phrase.
(%(phrases)s::tsquery IS NULL
 OR (SELECT chunks.words @@ %(phrases)s::tsquery FROM chunks WHERE chunks.id = embedded.chunk_id))

-- name: near_in_files
-- The same among the chunks of the scope's files, for a scope of too many contents to enumerate them: most vectors that the
-- index brings are in scope.
{near} AS MATERIALIZED (
    SELECT chunk_id AS id
    FROM {partition} AS embedded
    WHERE vector IS NOT NULL
          AND (SELECT true FROM chunks WHERE chunks.id = embedded.chunk_id AND {{in_filtered_files}} LIMIT 1)
    ORDER BY vector::halfvec({dimension}) <#> {vector}::halfvec({dimension})
    LIMIT {limit}
)

-- name: near_in_chunks
-- The same among given chunks, without any index of vectors.
{near} AS MATERIALIZED (
    SELECT id FROM (
        SELECT chunk_id AS id, vector <#> {vector}::halfvec AS distance
        FROM {partition} WHERE model_id = {model} AND chunk_id = ANY({{all_chunks}}) AND vector IS NOT NULL
    ) AS compared
    ORDER BY distance, id LIMIT {limit}
)

-- name: measure
-- The candidates of all retrievers, each measured by its words and by its vectors, whichever retriever brings it. Each table
-- is read once for all of them, by the list of their ids, and what it says of a candidate is put together by its id: to look
-- them up one by one takes half as long again. The best chunks of each content are located before its others, so that no
-- long text takes the places of other ones. One row at least, so that `places`, which is sent at once with this
-- statement, gets the best candidates and the files by name.
WITH {parts},
brought AS MATERIALIZED (
    SELECT ARRAY(SELECT chunk_id FROM named WHERE chunk_id IS NOT NULL {union}) AS ids
),
measured AS MATERIALIZED (
    SELECT id, max(bm25) AS bm25, max(had) AS had, bool_or(has_phrase) AS has_phrase, max(content_id) AS content_id{greatest}
    FROM (
        SELECT id, bm25, had, {phrase} AS has_phrase,
               (SELECT content_id FROM content_chunks WHERE content_chunks.chunk_id = chunks.id LIMIT 1) AS content_id{none}
        FROM (
            SELECT chunks.id, chunks.words, {bm25} AS bm25, {had} AS had
            FROM chunks WHERE chunks.id = ANY((SELECT ids FROM brought)::bigint[]) OFFSET 0
        ) AS chunks
        {cosines}
    ) AS measure
    GROUP BY id HAVING max(had) IS NOT NULL
),
valued AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY content_id ORDER BY rough DESC, id) > {of_content} AS is_crowded
    FROM (SELECT id, content_id, bm25{cosine_names}, {rough} AS rough FROM measured) AS valued
),
located AS (
    (SELECT id, is_crowded, rough FROM valued ORDER BY is_crowded, rough DESC, id LIMIT {located})
    {best}
),
given AS MATERIALIZED (
    SELECT set_config('magicfs.located', (
               SELECT coalesce(array_agg(id ORDER BY is_crowded, rough DESC, id), ARRAY[]::bigint[])::text FROM located), true),
           set_config('magicfs.named', (SELECT coalesce(array_agg(id), ARRAY[]::bigint[])::text FROM named), true)
)
SELECT measured.id, bm25, had, has_phrase, {documents}{cosine_names}
FROM given LEFT JOIN measured ON true

-- name: best_of_retriever
-- Part of `located`: the best candidates by one measure.
UNION (SELECT id, is_crowded, rough FROM valued ORDER BY {measure} DESC NULLS LAST, id LIMIT {limit})

-- name: documents
-- Fragment: the languages and types of the documents that have a chunk; a language is null where it is not known. As text,
-- of which each different one is parsed once.
(SELECT json_agg(json_build_array(language, mime_type))::text
 FROM (SELECT DISTINCT language, mime_type FROM content_chunks JOIN contents ON contents.id = content_id
       WHERE chunk_id = measured.id) AS document)

-- name: places
-- The files that have the best candidates of `measure`, in their order, up to a limit for each, and those that it has
-- found by their names. Each stands for its copies, and comes with the words that its path has, with its copies in their
-- order if it has any, and with the text of its chunk. All are sorted at once: to begin a sort for each of a hundred
-- takes longer than all else.
SELECT {place_names}, position IS NULL,
       CASE WHEN place.words @@ %(any_word)s::tsquery THEN ARRAY(
           SELECT word FROM unnest(%(words)s::text[], %(in_path)s::tsquery[]) AS term (word, condition)
           WHERE place.words @@ condition) END,
       CASE WHEN place.words @@ %(any_word)s::tsquery THEN ARRAY(
           SELECT word FROM unnest(%(words)s::text[], %(in_name)s::tsquery[]) AS term (word, condition)
           WHERE place.words @@ condition) END,
       CASE WHEN (SELECT true FROM contents AS same JOIN files AS other ON other.content_id = same.id
                  WHERE same.digest = place.copy_key AND other.id <> place.file_id LIMIT 1)
            THEN ARRAY({{copies_of_place}}) END,
       chunks.text
FROM (
    SELECT {place_names}, words, position
    FROM (
        SELECT *, row_number() OVER (PARTITION BY position ORDER BY copy_key) AS number
        FROM (
            SELECT DISTINCT ON (position, {{copy_key}}) {{file_columns}}, {{chunk_columns}}, files.words, position
            FROM unnest(current_setting('magicfs.located')::bigint[]) WITH ORDINALITY AS ranked (chunk_id, position)
            JOIN content_chunks ON content_chunks.chunk_id = ranked.chunk_id
            JOIN files ON files.content_id = content_chunks.content_id
            JOIN roots ON roots.id = files.root_id
            JOIN hosts ON hosts.id = roots.host_id
            JOIN contents ON contents.id = files.content_id
            WHERE {filters}
            ORDER BY position, {{copy_key}}, {{copy_order}}, content_chunks.ordinal
        ) AS located ({place_names}, words, position)
    ) AS numbered
    WHERE number <= %(contents_each)s
    UNION ALL
    SELECT {{file_columns}}, {{chunk_columns}}, files.words, NULL
    FROM unnest(current_setting('magicfs.named')::bigint[]) AS wanted (id)
    JOIN files ON files.id = wanted.id
    JOIN roots ON roots.id = files.root_id
    JOIN hosts ON hosts.id = roots.host_id
    LEFT JOIN contents ON contents.id = files.content_id
    LEFT JOIN content_chunks ON content_chunks.content_id = files.content_id AND content_chunks.ordinal = 0
) AS place
LEFT JOIN chunks ON chunks.id = place.chunk_id
ORDER BY position

-- name: copies_of_place
-- Fragment: the files in scope that have the content of a place, in their order: the id of each as eight bytes, its host, a
-- zero byte and its path.
SELECT int8send(files.id) || convert_to(hosts.name, 'UTF8') || '\x00'::bytea || roots.path || '\x2f'::bytea || files.path
FROM contents
JOIN files ON files.content_id = contents.id
JOIN roots ON roots.id = files.root_id
JOIN hosts ON hosts.id = roots.host_id
WHERE contents.digest = place.copy_key AND {filters}
ORDER BY {{copy_order}} LIMIT %(copies_each)s

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
SELECT EXISTS (SELECT FROM files WHERE files.id = %(file)s AND {{name_has_phrases}})

-- name: chunks_with_phrase
-- Those of given chunks that have the words of one phrase side by side.
SELECT id FROM chunks WHERE id = ANY(%(chunks)s) AND words @@ %(phrase)s::tsquery

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
