-- The parts of the statements that gather and measure the candidates of a search. `magicfs.db.search.candidate_sql` puts
-- them together.

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
SELECT files.id FROM {{scope.file_tables}}
WHERE files.words @@ condition AND {{scope.name_has_phrases}} AND {{scope.file_filters}}

-- name: none_named
-- The same for a question without words.
named AS MATERIALIZED (SELECT NULL::bigint AS id, NULL::bigint AS chunk_id WHERE false)

-- name: found_by_words
-- Part of `measure`: the chunks that meet any of several conditions on words, up to a limit for each condition, with their
-- BM25. The conditions are looked up in their order until there are enough chunks: each reads all entries of its words from
-- the index. `in_scope` is a condition on `chunks`.
found AS MATERIALIZED (
    SELECT DISTINCT id, bm25
    FROM (SELECT candidates.id, bm25
          FROM unnest(%(conditions)s::tsquery[]) AS condition,
               LATERAL (SELECT chunks.id, {bm25} AS bm25 FROM chunks
                        WHERE chunks.words @@ condition AND {in_scope} LIMIT %(chunks_each)s) AS candidates
          LIMIT %(enough_chunks)s) AS first
)

-- name: found_given
-- The same where all chunks in scope are compared.
found AS MATERIALIZED (
    SELECT id, {bm25} AS bm25 FROM chunks WHERE id = ANY({{scope.all_chunks}})
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
-- vectors until enough of them are in scope. By Postgres's statistics, a scope is small if its size squared is less than
-- `compared` times the size of the index: then comparing all takes less time than what the index would bring, which is, for
-- each result, as many vectors as the scope is smaller than the index. The LIMITs keep Postgres from turning the
-- conditions into joins, for which it would sort all vectors.
-- All are compared after all if the question is about something else than the scope: then the index brings too few of it,
-- or those that it comes across far from the question, which are not the nearest. It finds nearly all of what is near,
-- so what it brings at once must have a quarter of the results, or half of the scope's share.
{found} AS MATERIALIZED (
    SELECT chunk_id AS id, distance, place
    FROM (
        SELECT chunk_id, distance, row_number() OVER () AS place
        FROM (
            SELECT chunk_id, vector <#> {vector}::halfvec AS distance
            FROM {partition}
            WHERE vector IS NOT NULL
                  AND (SELECT ({{expected_chunks}})^2 > {compared} * greatest(reltuples, 1)
                       FROM pg_class WHERE oid = 'content_chunks'::regclass)
            ORDER BY vector::halfvec({dimension}) <#> {vector}::halfvec({dimension})
            LIMIT {brought}
        ) AS nearest
    ) AS embedded
    WHERE (SELECT true FROM content_chunks
           WHERE content_chunks.chunk_id = embedded.chunk_id AND {{scope.is_in_contents}} LIMIT 1)
          AND {{has_phrases_too}}
    LIMIT {limit}
),
{trusted} AS MATERIALIZED (
    SELECT count(*) = {limit}
           AND count(*) FILTER (WHERE place <= {at_once}) >= least({limit} / 4, {at_once} * ({{share_of_contents}}) / 2) AS are
    FROM {found}
),
{near} AS MATERIALIZED (
    SELECT id FROM (
        SELECT id, distance FROM {found} WHERE (SELECT are FROM {trusted})
        UNION ALL
        SELECT chunk_id, vector <#> {vector}::halfvec
        FROM {partition} AS embedded
        WHERE NOT (SELECT are FROM {trusted}) AND model_id = {model} AND vector IS NOT NULL AND {{has_phrases_too}}
              AND chunk_id = ANY(ARRAY(SELECT chunk_id FROM content_chunks WHERE content_id = ANY({{scope.all_contents}})))
    ) AS compared
    ORDER BY distance, id LIMIT {limit}
)

-- name: expected_chunks
-- Fragment: how many chunks the scope's contents are likely to have.
({{share_of_contents}}) * greatest(reltuples, 1)

-- name: share_of_contents
-- Fragment: the scope's share of all contents.
cardinality(%(contents)s::bigint[]) / (SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'contents'::regclass)

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
          AND (SELECT true FROM chunks WHERE chunks.id = embedded.chunk_id AND {{scope.in_filtered_files}} LIMIT 1)
    ORDER BY vector::halfvec({dimension}) <#> {vector}::halfvec({dimension})
    LIMIT {limit}
)

-- name: near_in_chunks
-- The same among given chunks, without any index of vectors.
{near} AS MATERIALIZED (
    SELECT id FROM (
        SELECT chunk_id AS id, vector <#> {vector}::halfvec AS distance
        FROM {partition} WHERE model_id = {model} AND chunk_id = ANY({{scope.all_chunks}}) AND vector IS NOT NULL
    ) AS compared
    ORDER BY distance, id LIMIT {limit}
)

-- name: measure
-- The candidates of all retrievers, each measured by its words and by its vectors, whichever retriever brings it. Each table
-- is read once for all of them, by the list of their ids, and what it says of a candidate is put together by its id: to look
-- them up one by one takes half as long again. The best chunks of each content are located before its others, so that no
-- long text takes the places of other ones. One row at least, so that `places`, which is sent at once with this
-- statement, gets the best candidates and the files by name. The texts of the best candidates come as rows of their own,
-- behind all others, that of the best chunk of each content first: the program works with them while `places` is executed.
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
    SELECT *, number > {of_content} AS is_crowded
    FROM (SELECT *, row_number() OVER (PARTITION BY content_id ORDER BY rough DESC, id) AS number
          FROM (SELECT id, content_id, bm25{cosine_names}, {rough} AS rough FROM measured) AS valued) AS numbered
),
located AS (
    (SELECT id, number, is_crowded, rough FROM valued ORDER BY is_crowded, rough DESC, id LIMIT {located})
    {best}
),
given AS MATERIALIZED (
    SELECT set_config('magicfs.located', (
               SELECT coalesce(array_agg(id ORDER BY is_crowded, rough DESC, id), ARRAY[]::bigint[])::text FROM located), true),
           set_config('magicfs.named', (SELECT coalesce(array_agg(id), ARRAY[]::bigint[])::text FROM named), true)
)
SELECT measured.id, bm25, had, has_phrase, {documents}, NULL::text{cosine_names}
FROM given LEFT JOIN measured ON true
UNION ALL
SELECT best.id, NULL, NULL, NULL, NULL, {{found_files.chunk_text}}{none}
FROM (SELECT id FROM located ORDER BY number, rough DESC, id) AS best JOIN chunks ON chunks.id = best.id

-- name: best_of_retriever
-- Part of `located`: the best candidates by one measure.
UNION (SELECT id, number, is_crowded, rough FROM valued ORDER BY {measure} DESC NULLS LAST, id LIMIT {limit})

-- name: documents
-- Fragment: the languages and types of the documents that have a chunk, of a hundred at most; a language is null where it
-- is not known. As text, of which each different one is parsed once.
(SELECT json_agg(json_build_array(language, mime_type))::text
 FROM (SELECT DISTINCT left(language, 1024) AS language, left(mime_type, 1024) AS mime_type
       FROM (SELECT content_id FROM content_chunks WHERE chunk_id = measured.id LIMIT 100) AS place
       JOIN contents ON contents.id = content_id) AS document)

-- name: places
-- The files that have the best candidates of `measure`, in their order, up to a limit for each, and those that it has
-- found by their names. Each stands for its copies, and comes with the words that its path has, with its copies in their
-- order if it has any, and with the text of its chunk if its name brings it: `measure` has brought the others. A content
-- may have thousands of files: they are read once and sorted at once, whether many chunks of it are located or many of
-- the files have the name, and only then one of them is looked at as a whole. Thousands of contents may share a chunk,
-- such as the head of a licence, or the versions of a document: as many are read as may be shown, the latest ones, and
-- each chunk has one of them before any has a second one; so have those that are read as many of the chunks as there is
-- room for. What is known of a content is put together by its id: a join would compare each with each, because plans may
-- only look rows up one by one.
WITH first AS MATERIALIZED (
    SELECT chunk.id AS chunk_id, position, content_id, ordinal
    FROM unnest(current_setting('magicfs.located')::bigint[]) WITH ORDINALITY AS chunk (id, position),
         LATERAL (SELECT content_id, ordinal, row_number() OVER () AS number
                  FROM (SELECT content_id, min(ordinal) AS ordinal FROM content_chunks
                        WHERE content_chunks.chunk_id = chunk.id
                        GROUP BY content_id ORDER BY content_id DESC OFFSET 0) AS content_chunks
                  WHERE {in_scope} LIMIT %(contents_each)s) AS place
    ORDER BY number, position LIMIT %(places)s
),
located AS MATERIALIZED (
    SELECT position, content_id, ordinal FROM first
    UNION
    SELECT position, content_id, ordinal
    FROM (SELECT chunk_id, position FROM first GROUP BY chunk_id, position HAVING count(*) > 1) AS shared,
         LATERAL (SELECT content_id, min(ordinal) AS ordinal FROM content_chunks
                  WHERE chunk_id = shared.chunk_id AND content_id = ANY(ARRAY(SELECT DISTINCT content_id FROM first))
                  GROUP BY content_id) AS place
),
content AS MATERIALIZED (
    SELECT DISTINCT digest FROM contents
    WHERE size > 0 AND id = ANY(ARRAY(
        SELECT content_id FROM located
        UNION ALL
        SELECT content_id FROM files
        WHERE id = ANY(current_setting('magicfs.named')::bigint[]) AND content_id IS NOT NULL AND NOT %(each_copy)s))
),
copy AS MATERIALIZED (
    SELECT files.id, files.content_id, {{found_files.copy_key}} AS copy_key, hosts.name AS host, roots.path AS root_path,
           files.path,
           row_number() OVER (PARTITION BY {{found_files.copy_key}} ORDER BY {{found_files.copy_order}}) AS number
    FROM content
    JOIN contents ON contents.digest = content.digest
    JOIN files ON files.content_id = contents.id
    {{root_of_file}}
    WHERE {filters}
),
preferred AS MATERIALIZED (
    SELECT content_id, copy_key, best[1] AS number, best[2] AS id
    FROM (SELECT content_id, copy_key, min(ARRAY[number, id]) AS best,
                 row_number() OVER (PARTITION BY content_id ORDER BY copy_key) AS place
          FROM copy GROUP BY content_id, copy_key) AS each
    WHERE place <= %(contents_each)s
),
known AS MATERIALIZED (
    SELECT content_id,
           array_agg(position) FILTER (WHERE position IS NOT NULL) AS positions,
           array_agg(ordinal) FILTER (WHERE position IS NOT NULL) AS ordinals,
           array_agg(copy_key) FILTER (WHERE position IS NULL) AS copy_keys,
           array_agg(number) FILTER (WHERE position IS NULL) AS numbers,
           array_agg(id) FILTER (WHERE position IS NULL) AS files
    FROM (SELECT content_id, position, ordinal, NULL::bytea AS copy_key, NULL::bigint AS number, NULL::bigint AS id
          FROM located
          UNION ALL
          SELECT content_id, NULL, NULL, copy_key, number, id FROM preferred) AS one
    GROUP BY content_id
),
copies AS MATERIALIZED (
    SELECT copy_key, array_agg({{packed_copy}} ORDER BY number) AS packed
    FROM copy WHERE number <= %(copies_each)s
    GROUP BY copy_key HAVING count(*) > 1
)
SELECT {place_names}, position IS NULL,
       CASE WHEN has_word THEN ARRAY(
           SELECT word FROM unnest(%(words)s::text[], %(in_path)s::tsquery[]) AS term (word, condition)
           WHERE place.words @@ condition) END,
       CASE WHEN has_word THEN ARRAY(
           SELECT word FROM unnest(%(words)s::text[], %(in_name)s::tsquery[]) AS term (word, condition)
           WHERE place.words @@ condition) END,
       (SELECT packed FROM copies WHERE copies.copy_key = place.copy_key),
       {{found_files.chunk_text}}
FROM (
    SELECT {{found_files.file_columns}}, {{found_files.chunk_columns}}, files.words, position,
           files.words @@ %(any_word)s::tsquery
    FROM (
        SELECT *, row_number() OVER (PARTITION BY copy_key ORDER BY position) AS number
        FROM (
            SELECT DISTINCT ON (position, copy_key) position, copy_key, file_id, content_id, ordinal
            FROM known,
                 unnest(positions, ordinals) AS place (position, ordinal),
                 unnest(copy_keys, numbers, files) AS file (copy_key, number, file_id)
            ORDER BY position, copy_key, number, file_id, ordinal
        ) AS distinct_contents
        ORDER BY number, position LIMIT %(places)s
    ) AS numbered
    JOIN files ON files.id = file_id
    {{root_of_file}}
    JOIN contents ON contents.id = files.content_id
    JOIN content_chunks ON content_chunks.content_id = numbered.content_id AND content_chunks.ordinal = numbered.ordinal
    UNION ALL
    SELECT {{found_files.file_columns}}, {{found_files.chunk_columns}}, files.words, NULL,
           files.words @@ %(any_word)s::tsquery
    FROM unnest(current_setting('magicfs.named')::bigint[]) AS wanted (id)
    JOIN files ON files.id = wanted.id
    {{root_of_file}}
    LEFT JOIN contents ON contents.id = files.content_id
    LEFT JOIN content_chunks ON content_chunks.content_id = files.content_id AND content_chunks.ordinal = 0
) AS place ({place_names}, words, position, has_word)
LEFT JOIN chunks ON chunks.id = CASE WHEN position IS NULL THEN place.chunk_id END
ORDER BY position, mtime_ns DESC, file_id

-- name: root_of_file
-- Fragment: the root of a file with its host. Both are looked up together, once for all files of a root.
JOIN LATERAL (
    SELECT roots.name, roots.folded, roots.path, roots.state, roots.device, hosts.name AS host
    FROM roots JOIN hosts ON hosts.id = roots.host_id WHERE roots.id = files.root_id OFFSET 0
) AS roots ON true
CROSS JOIN LATERAL (SELECT roots.host AS name) AS hosts

-- name: has_file
-- Fragment: a content has a file.
EXISTS (SELECT FROM files WHERE files.content_id = content_chunks.content_id)

-- name: has_file_in_scope
-- Fragment: a content has a file in scope.
EXISTS (SELECT FROM {{scope.file_tables}}
        WHERE files.content_id = content_chunks.content_id AND {{scope.file_filters}})

-- name: packed_copy
-- Fragment: a row of `copy`: the id of the file as eight bytes, its host, a zero byte and its path.
int8send(id) || convert_to(left(host, 1024), 'UTF8') || '\x00'::bytea
|| substring(root_path, 1, 4096) || '\x2f'::bytea || substring(path, 1, 4096)
