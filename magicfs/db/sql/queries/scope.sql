-- The scope of a search: the files and chunks that it looks at. `file_filters` restricts the files, `has_phrases` the
-- chunks. The conditions are a few parameters, which `magicfs.db.search.scope` computes once for a search.

-- name: file_tables
-- Fragment: the tables of a file, for `file_filters`. A file that was never read has no content. Each file has a root and
-- a host: of outer joins, Postgres leaves out those of which no condition needs anything.
files
LEFT JOIN roots ON roots.id = files.root_id
LEFT JOIN hosts ON hosts.id = roots.host_id
LEFT JOIN contents ON contents.id = files.content_id

-- name: other_file_filters
-- Fragment: the conditions on a file but for excluded words, over `file_tables`. A parameter that is null sets no
-- condition. An exclusion keeps a file of which it is not known whether it meets the filter, as of an unknown language.
{{keeps_file}} AND ({{excludes_file}}) IS NOT TRUE
AND (%(within)s::bytea IS NULL OR hosts.name = %(within_host)s
     AND (roots.path || '\x2f'::bytea || files.path = %(within)s
          OR roots.path || '\x2f'::bytea || files.path LIKE %(below)s::bytea))
AND (%(after_ns)s::bigint IS NULL OR files.mtime_ns >= %(after_ns)s)
AND (%(before_ns)s::bigint IS NULL OR files.mtime_ns < %(before_ns)s)
AND (%(larger)s::bigint IS NULL OR files.size > %(larger)s)
AND (%(smaller)s::bigint IS NULL OR files.size < %(smaller)s)

-- name: keeps_file
-- Fragment: a file meets each filter.
(%(types)s::text[] IS NULL OR {{is_of_type}})
AND (%(extensions)s::text[] IS NULL OR {{has_extension}})
AND (%(folders)s::text[] IS NULL OR {{is_in_folder}})
AND (%(names)s::text[] IS NULL OR {{has_name}})
AND (%(hosts)s::text[] IS NULL OR {{is_of_host}})
AND (%(roots)s::text[] IS NULL OR {{is_in_root}})
AND (%(languages)s::text[] IS NULL OR {{is_in_language}})
AND (%(times)s::int8multirange IS NULL OR {{is_of_time}})
AND (%(sizes)s::int8multirange IS NULL OR {{is_of_size}})

-- name: excludes_file
-- Fragment: a file meets one of the filters that leave files out. Their parameters are those of `keeps_file`, each with
-- `not_` before its name.
%(not_types)s::text[] IS NOT NULL AND ({{not_:is_of_type}})
OR %(not_extensions)s::text[] IS NOT NULL AND ({{not_:has_extension}})
OR %(not_folders)s::text[] IS NOT NULL AND ({{not_:is_in_folder}})
OR %(not_names)s::text[] IS NOT NULL AND ({{not_:has_name}})
OR %(not_hosts)s::text[] IS NOT NULL AND ({{not_:is_of_host}})
OR %(not_roots)s::text[] IS NOT NULL AND ({{not_:is_in_root}})
OR %(not_languages)s::text[] IS NOT NULL AND ({{not_:is_in_language}})
OR %(not_times)s::int8multirange IS NOT NULL AND ({{not_:is_of_time}})
OR %(not_sizes)s::int8multirange IS NOT NULL AND ({{not_:is_of_size}})

-- name: is_of_type
-- Fragment: a file is of one of the types. The extension says it where the content does not: the file was not read, is
-- empty, or its bytes are of no known type.
files.extension = ANY(%(types)s) OR contents.mime_type = ANY(%(types)s)
OR split_part(contents.mime_type, '/', 1) = ANY(%(types)s)
OR regexp_replace(split_part(contents.mime_type, '/', 2), '^x-', '') = ANY(%(types)s)
OR files.extension = ANY(%(type_extensions)s)
   AND (contents.id IS NULL OR contents.size = 0 OR contents.mime_type = 'application/octet-stream')

-- name: has_extension
-- Fragment: a file has one of the extensions.
files.extension = ANY(%(extensions)s)

-- name: is_in_folder
-- Fragment: a file is below one of the directories, or is what one of the paths names.
'/' || {{folded_root}} || '/' || {{folded_path}} || '/' LIKE ANY(%(folders)s)
OR roots.path || '\x2f'::bytea || files.path || '\x2f'::bytea LIKE ANY(%(absolute_folders)s::bytea[])

-- name: has_name
-- Fragment: the name of a file fits one of the patterns. A path whose name fits a pattern ends so: that is looked at
-- first, because it takes a fraction of the time that the name alone takes. Or the words of the name, which have the
-- weight A, are those of a filter.
{{folded_path}} LIKE ANY(%(name_endings)s) AND regexp_replace({{folded_path}}, '^.*/', '') LIKE ANY(%(names)s)
OR files.words @@ %(name_words)s::tsquery AND ts_filter(files.words, ARRAY['a'::"char"]) @@ %(name_words)s::tsquery

-- name: is_of_host
-- Fragment: a file is of one of the hosts.
lower(hosts.name) = ANY(%(hosts)s)

-- name: is_in_root
-- Fragment: a file is in one of the roots.
{{folded_root}} = ANY(%(roots)s)

-- name: is_in_language
-- Fragment: the text of a file is in one of the languages.
contents.language = ANY(%(languages)s)

-- name: is_of_time
-- Fragment: a file was modified in one of the periods.
files.mtime_ns <@ %(times)s::int8multirange

-- name: is_of_size
-- Fragment: a file has a size of one of the ranges.
files.size <@ %(sizes)s::int8multirange

-- name: folded_path
-- Fragment: the path of a file in the form that filters compare. An older version has not written it.
coalesce(files.folded, lower(files.display))

-- name: folded_root
-- Fragment: the name of a root in the same form.
coalesce(roots.folded, lower(roots.name))

-- name: file_filters
-- Fragment: the conditions on a file, over `file_tables`. Excluded words exclude the whole file; at most one of the
-- three parameters for them is set (`magicfs.db.search.scope.enumerate_scope`). A list is hashed once: see `is_in_contents`.
-- A file without text has no excluded word.
{{listed_file_filters}} AND (%(excluded)s::tsquery IS NULL OR {{has_no_excluded_word}})

-- name: listed_file_filters
-- Fragment: the same but for the chunks with excluded words, which are not read.
{{other_file_filters}}
AND (%(allowed_contents)s::bigint[] IS NULL OR files.content_id IS NULL OR contents.reason IS NOT NULL
     OR files.content_id IN (SELECT unnest(%(allowed_contents)s::bigint[])))
AND (%(excluded_contents)s::bigint[] IS NULL OR files.content_id IS NULL
     OR files.content_id NOT IN (SELECT unnest(%(excluded_contents)s::bigint[])))

-- name: has_no_excluded_word
-- Fragment: no chunk of the file has an excluded word. `NOT IN` would compare each file with a list of all chunks that
-- have one.
NOT EXISTS (
    SELECT FROM content_chunks AS excluded_places JOIN chunks AS excluded_chunks ON excluded_chunks.id = excluded_places.chunk_id
    WHERE excluded_places.content_id = files.content_id AND excluded_chunks.words @@ %(excluded)s::tsquery)

-- name: has_no_excluded_word_alone
-- Fragment: the same, by the chunks of the file alone, however many files are looked at: of NOT EXISTS, Postgres may make a
-- list of all contents with an excluded word.
(SELECT true FROM content_chunks AS excluded_places JOIN chunks AS excluded_chunks ON excluded_chunks.id = excluded_places.chunk_id
 WHERE excluded_places.content_id = files.content_id AND excluded_chunks.words @@ %(excluded)s::tsquery LIMIT 1) IS NULL

-- name: has_phrases
-- Fragment: the chunk has every phrase, by the places of its exact words. The index of words serves it.
(%(phrases)s::tsquery IS NULL OR chunks.words @@ %(phrases)s::tsquery)

-- name: name_has_phrases
-- Fragment: the path of the file has every phrase.
(%(phrases)s::tsquery IS NULL OR files.words @@ %(phrases)s::tsquery)

-- name: in_filtered_files
-- Fragment: the chunk is in scope, by the conditions on its files. With EXISTS, Postgres may join all chunks in scope first,
-- if it takes their list for short enough to hash it.
{{has_phrases}} AND (
    SELECT true FROM content_chunks, {{file_tables}}
    WHERE content_chunks.chunk_id = chunks.id AND files.content_id = content_chunks.content_id AND {{file_filters}}
    LIMIT 1)

-- name: in_given_contents
-- Fragment: the chunk is in scope, by the contents of the scope.
{{has_phrases}} AND EXISTS (
    SELECT FROM content_chunks WHERE content_chunks.chunk_id = chunks.id AND {{is_in_contents}})

-- name: is_in_contents
-- Fragment: the content is one of the scope. They are hashed once. Planning a comparison with a list of thousands takes
-- longer than all else, because the planner looks each of them up in its statistics. IS TRUE keeps it from turning the
-- condition into a join, for which it would read the list for each chunk.
(content_chunks.content_id IN (SELECT unnest(%(contents)s::bigint[]))) IS TRUE

-- name: in_given_chunks
-- Fragment: the chunk is one of the scope, the same way.
(chunks.id IN (SELECT unnest(%(chunks)s::bigint[]))) IS TRUE

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

-- name: sampled_contents
-- By a sample of all contents: the share of those with text that are in scope, the share of those that have excluded words,
-- in scope or not, and about how many there are. Their ids are spread evenly, by the fractions of multiples of the golden
-- ratio, which are in step with no order in which files were added. Those of deleted contents count for nothing.
SELECT coalesce(avg((meets_filters AND NOT is_excluded)::integer), 0)::float8,
       coalesce(avg(is_excluded::integer), 0)::float8,
       (SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'contents'::regclass)::float8
FROM (
    SELECT reason IS NULL AND (
               SELECT true FROM {{file_tables}}
               WHERE files.content_id = sampled.id AND {{other_file_filters}} LIMIT 1) IS TRUE AS meets_filters,
           %(excluded)s::tsquery IS NOT NULL AND (
               SELECT NOT {{has_no_excluded_word}} FROM (SELECT sampled.id) AS files (content_id)) AS is_excluded
    FROM contents AS sampled
    WHERE id = ANY(ARRAY(
        SELECT first + ((last - first) * (step - floor(step)))::bigint
        FROM (SELECT min(id), max(id) FROM contents) AS ids (first, last),
             (SELECT number * 0.6180339887498949::float8 FROM generate_series(1, %(sampled)s) AS number) AS steps (step)))
    OFFSET 0
) AS sample

-- name: newest_without_excluded_words
-- How many of the newest files that meet the other conditions have no excluded word, up to the number of results.
SELECT count(*) FROM (
    SELECT FROM (
        SELECT files.content_id FROM {{file_tables}} WHERE {{listed_file_filters}}
        ORDER BY files.mtime_ns DESC LIMIT %(newest)s
    ) AS files
    WHERE {{has_no_excluded_word_alone}} LIMIT %(results)s
) AS found

-- name: contents_and_chunks
-- How many contents a query finds, and which, and how many chunks they have, and which: null where a limit is reached. A
-- chunk counts for each place that it has. The chunks of more contents than their limit are not looked up.
WITH content AS MATERIALIZED ({query}),
listed AS MATERIALIZED (
    SELECT CASE WHEN count(*) < %(limit)s THEN array_agg(content_id) FILTER (WHERE content_id IS NOT NULL) END AS contents,
           count(*) AS size
    FROM content
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

-- name: contents_in_scope
-- The contents with text of the files in scope, up to a limit.
SELECT DISTINCT files.content_id
FROM {{file_tables}}
WHERE {{may_have_text}} AND {{may_be_in_directory}} AND {{other_file_filters}}
LIMIT %(limit)s

-- name: may_have_text
-- Fragment: a file has text. Where nobody counts them, contents without text do no harm: no chunk is in them. That a file
-- has no content yet is not a condition here: Postgres would check it first, and read whole rows for that.
(%(even_without_text)s OR contents.id IS NOT NULL AND contents.reason IS NULL)

-- name: may_be_in_directory
-- Fragment: a file may be below one of some directories, or be what one of their paths names. So says the last name of each
-- path, which is among the names of the file's directories, for which there is an index, or is its own name, and then its
-- extension is one of these. Not where that name may be in the path of a root.
(%(last_names)s::text[] IS NULL
 OR CASE WHEN octet_length(files.folded) <= 2600
              THEN string_to_array(left(files.folded, -strpos(reverse(files.folded), '/')), '/')
         ELSE ARRAY['/'] END && (%(last_names)s::text[] || ARRAY['/'])
 OR files.extension = ANY(%(last_extensions)s::text[]))

-- name: is_directory_in_root
-- Whether the last name of the path of one of some directories may be that of a root, or the root lies in the directory.
SELECT count(*) > 0 FROM roots
WHERE string_to_array({{folded_root}}, '/') && %(last_names)s::text[]
      OR roots.path || '\x2f'::bytea LIKE ANY(%(paths_of_folders)s::bytea[])

-- name: contents_without_excluded_words
-- The contents with text of the files in scope that have no excluded word, up to a limit. One join for all files: a
-- condition that is checked for each file takes seconds.
SELECT DISTINCT files.content_id
FROM {{file_tables}}
WHERE {{may_have_text}} AND {{may_be_in_directory}} AND {{other_file_filters}} AND {{has_no_excluded_word}}
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
