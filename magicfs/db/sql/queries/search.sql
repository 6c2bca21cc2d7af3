-- name: in_scope
-- Part of other queries: which files take part, as conditions on files, contents, roots and hosts. A parameter that
-- is null sets no condition. Contents with an unwanted word are few or found at once through the index of words.
files.content_id IS NOT NULL
AND (%(types)s::text[] IS NULL
     OR files.extension = ANY(%(types)s) OR contents.mime_type = ANY(%(types)s)
     OR split_part(contents.mime_type, '/', 1) = ANY(%(types)s)
     OR regexp_replace(split_part(contents.mime_type, '/', 2), '^x-', '') = ANY(%(types)s))
AND (%(extensions)s::text[] IS NULL OR files.extension = ANY(%(extensions)s))
AND (%(folders)s::text[] IS NULL OR '/' || roots.name || '/' || files.display ILIKE ANY(%(folders)s)
     OR roots.path || '\x2f'::bytea || files.path LIKE ANY(%(absolute)s::bytea[]))
AND (%(names)s::text[] IS NULL OR regexp_replace(files.display, '^.*/', '') ILIKE ANY(%(names)s))
AND (%(hosts)s::text[] IS NULL OR lower(hosts.name) = ANY(%(hosts)s))
AND (%(roots)s::text[] IS NULL OR lower(roots.name) = ANY(%(roots)s))
AND (%(after_ns)s::bigint IS NULL OR files.mtime_ns >= %(after_ns)s)
AND (%(before_ns)s::bigint IS NULL OR files.mtime_ns < %(before_ns)s)
AND (%(larger)s::bigint IS NULL OR files.size > %(larger)s)
AND (%(smaller)s::bigint IS NULL OR files.size < %(smaller)s)
AND (%(unwanted)s::tsquery IS NULL OR files.content_id NOT IN (
    SELECT places.content_id FROM content_chunks AS places JOIN chunks ON chunks.id = places.chunk_id
    WHERE chunks.words @@ %(unwanted)s::tsquery))

-- name: has_phrases
-- Part of other queries: the chunk has the words of every phrase side by side, which the index of words tells.
(%(phrase_words)s::tsquery IS NULL OR chunks.words @@ %(phrase_words)s::tsquery)

-- name: exact_phrases
-- Part of other queries: the chunk holds every phrase to the letter, as words by their stems do not tell. Folding
-- white space is dear, so it is done only where a phrase may cross a line.
(%(phrases)s::text[] IS NULL OR (
    SELECT bool_and(strpos(magicfs_plain(chunks.text), phrase) > 0
                    OR strpos(phrase, ' ') > 0 AND strpos(magicfs_exact(chunks.text), phrase) > 0)
    FROM unnest(%(phrases)s::text[]) AS phrase))

-- name: understand
-- The words of a question and how often it says each, and the conditions for phrases and for what is not wanted.
SELECT
    ARRAY(SELECT lexeme FROM unnest(magicfs_question(%(question)s))),
    ARRAY(SELECT cardinality(positions) FROM unnest(magicfs_question(%(question)s))),
    magicfs_phrase(%(question)s)::text,
    (SELECT string_agg(magicfs_phrase(phrase)::text, ' & ') FROM unnest(%(phrases)s::text[]) AS phrase),
    ARRAY(SELECT magicfs_exact(phrase) FROM unnest(%(phrases)s::text[]) AS phrase),
    (SELECT string_agg('(' || magicfs_phrase(unwanted)::text || ')', ' | ')
     FROM unnest(%(unwanted)s::text[]) AS unwanted)

-- name: count_words
-- In how many chunks each lexeme stands, counted up to a limit.
SELECT lexeme, (
    SELECT count(*) FROM (
        SELECT FROM chunks WHERE words @@ magicfs_any(ARRAY[lexeme]) LIMIT %(limit)s) AS found)
FROM unnest(%(lexemes)s::text[]) AS lexeme

-- name: estimate_words
-- In what share of the chunks a frequent lexeme stands, as ANALYZE has found it.
SELECT lexeme, frequency
FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS known (lexeme, frequency)
WHERE schemaname = current_schema() AND tablename = 'chunks' AND attname = 'words' AND lexeme = ANY(%(lexemes)s)

-- name: usual_length
-- The usual number of tokens in a chunk.
SELECT coalesce(avg(tokens), 1) FROM (SELECT tokens FROM chunks ORDER BY id DESC LIMIT 1000) AS latest

-- name: scope_contents
-- The contents of the files that filters leave, up to a limit.
SELECT DISTINCT files.content_id
FROM files
JOIN roots ON roots.id = files.root_id
JOIN hosts ON hosts.id = roots.host_id
JOIN contents ON contents.id = files.content_id
WHERE {in_scope}
LIMIT %(limit)s

-- name: small_scope_by_contents
-- The chunks that phrases leave of given contents, if they are not too many.
SELECT DISTINCT content_chunks.chunk_id
FROM content_chunks
JOIN chunks ON chunks.id = content_chunks.chunk_id
WHERE content_chunks.content_id = ANY(%(contents)s::bigint[]) AND {has_phrases} AND {exact_phrases}
LIMIT %(limit)s

-- name: small_scope
-- The chunks that filters and phrases leave, if they are not too many.
SELECT DISTINCT content_chunks.chunk_id
FROM files
JOIN roots ON roots.id = files.root_id
JOIN hosts ON hosts.id = roots.host_id
JOIN contents ON contents.id = files.content_id
JOIN content_chunks ON content_chunks.content_id = files.content_id
JOIN chunks ON chunks.id = content_chunks.chunk_id
WHERE {in_scope} AND {has_phrases} AND {exact_phrases}
LIMIT %(limit)s

-- name: wide_scope
-- Part of other queries: the chunk belongs to a file that takes part. Phrases are checked to the letter later.
{has_phrases} AND EXISTS (
    SELECT FROM content_chunks
    JOIN files ON files.content_id = content_chunks.content_id
    JOIN roots ON roots.id = files.root_id
    JOIN hosts ON hosts.id = roots.host_id
    JOIN contents ON contents.id = files.content_id
    WHERE content_chunks.chunk_id = chunks.id AND {in_scope})

-- name: among_contents
-- Part of other queries: the same where the contents of those files are known.
{has_phrases} AND EXISTS (
    SELECT FROM content_chunks
    WHERE content_chunks.chunk_id = chunks.id AND content_chunks.content_id = ANY(%(contents)s::bigint[]))

-- name: pick_everywhere
-- Chunks that answer each of several conditions on words, up to a limit each.
SELECT DISTINCT picked.id
FROM unnest(%(conditions)s::tsquery[]) AS condition,
     LATERAL (SELECT chunks.id FROM chunks WHERE chunks.words @@ condition LIMIT %(limit)s) AS picked

-- name: pick_in_small_scope
-- The same among given chunks.
SELECT DISTINCT picked.id
FROM unnest(%(conditions)s::tsquery[]) AS condition,
     LATERAL (SELECT chunks.id FROM chunks
              WHERE chunks.words @@ condition AND chunks.id = ANY(%(chunks)s) LIMIT %(limit)s) AS picked

-- name: pick_in_wide_scope
-- The same where filters leave much.
SELECT DISTINCT picked.id
FROM unnest(%(conditions)s::tsquery[]) AS condition,
     LATERAL (SELECT chunks.id FROM chunks WHERE chunks.words @@ condition AND {wide_scope} LIMIT %(limit)s) AS picked

-- name: rank_words
-- BM25 of given chunks, and the words of the question that they have. ts_rank of a single lexeme is
-- the sum of 1/n^2 over its occurrences, divided by the limit of that sum (pi^2/6); turned round, it gives the
-- number of occurrences to within a tenth. It is 0 for a chunk without the lexeme. Taking all lexemes together first
-- is quick, and leaves few to be looked at one by one; joining an empty vector unpacks each chunk's words only once.
WITH likely AS MATERIALIZED (
    SELECT id, tokens, words || ''::tsvector AS words
    FROM chunks
    WHERE id = ANY(%(chunks)s)
    ORDER BY ts_rank('{1,1,1,1}', words, magicfs_any(%(lexemes)s)) DESC, id
    LIMIT %(likely)s
)
SELECT likely.id, sum(weight * n * (%(k1)s + 1) / (n + %(k1)s * (1 - %(b)s + %(b)s * tokens / %(usual_tokens)s))) AS score,
       array_agg(lexeme)
FROM likely
CROSS JOIN unnest(%(lexemes)s::text[], %(terms)s::tsquery[], %(weights)s::float8[]) AS question (lexeme, term, weight),
LATERAL (SELECT ts_rank('{1,1,1,1}', words, term) AS rank) AS ranked,
LATERAL (SELECT 1 / (1.6449341 * (1.0000001 - rank)) - 0.5 AS n) AS counted
WHERE rank > 0
GROUP BY likely.id
ORDER BY score DESC, likely.id
LIMIT %(limit)s

-- name: pick_by_name
-- Files in scope whose paths have words of the question, with their first chunk and the words that the path and the
-- name have. Those that have all words come before the limit is reached.
SELECT picked.id, content_chunks.chunk_id, picked.in_path, picked.in_name
FROM (
    (SELECT files.id, files.content_id, {matched_names}
     WHERE magicfs_words(files.display) @@ %(every)s::tsquery AND {in_scope} LIMIT %(limit)s)
    UNION
    (SELECT files.id, files.content_id, {matched_names}
     WHERE magicfs_words(files.display) @@ %(any)s::tsquery AND {in_scope} LIMIT %(limit)s)
) AS picked
JOIN content_chunks ON content_chunks.content_id = picked.content_id AND content_chunks.ordinal = 0

-- name: matched_names
-- Part of other queries: the words of the question that a file's path and its name have, and the tables for a scope.
ARRAY(SELECT unnest(tsvector_to_array(magicfs_words(files.display)))
      INTERSECT SELECT unnest(%(lexemes)s::text[])) AS in_path,
ARRAY(SELECT unnest(tsvector_to_array(magicfs_words(regexp_replace(files.display, '^.*/', ''))))
      INTERSECT SELECT unnest(%(lexemes)s::text[])) AS in_name
FROM files
JOIN roots ON roots.id = files.root_id
JOIN hosts ON hosts.id = roots.host_id
JOIN contents ON contents.id = files.content_id

-- name: names
-- The words of the question that the paths and names of given files have.
SELECT files.id, {matched_names}
WHERE files.id = ANY(%(files)s) AND magicfs_words(files.display) @@ %(any)s::tsquery

-- name: exactly
-- Those of the given chunks that hold every phrase to the letter.
SELECT id FROM chunks WHERE id = ANY(%(chunks)s) AND {exact_phrases}

-- name: verbatim
-- Those of the given chunks that have the whole question word by word.
SELECT id FROM chunks WHERE id = ANY(%(chunks)s) AND words @@ %(phrase)s::tsquery

-- name: nearest
-- The chunks nearest to a vector. The ORDER BY stands alone and ascending, so that an HNSW index serves it, which is
-- one on (vector::halfvec(dimension)) halfvec_ip_ops.
SELECT chunk_id, -(vector <#> %(vector)s::halfvec)
FROM {partition}
WHERE vector IS NOT NULL
ORDER BY vector::halfvec({dimension}) <#> %(vector)s::halfvec({dimension})
LIMIT %(limit)s

-- name: nearest_in_wide_scope
-- The same where filters leave much: an iterative index scan, or a scan, whichever is expected to be quicker.
SELECT chunk_id, -(vector <#> %(vector)s::halfvec)
FROM {partition} AS near
WHERE vector IS NOT NULL AND EXISTS (SELECT FROM chunks WHERE chunks.id = near.chunk_id AND {wide_scope})
ORDER BY vector::halfvec({dimension}) <#> %(vector)s::halfvec({dimension})
LIMIT %(limit)s

-- name: similarities
-- How near given chunks are to a vector. Nothing but the primary key may serve this one.
SELECT chunk_id, -(vector <#> %(vector)s::halfvec)
FROM {partition}
WHERE chunk_id = ANY(%(chunks)s) AND vector IS NOT NULL

-- name: places
-- The files that have given chunks, in the order of the chunks; of each chunk no more than can be shown.
SELECT ranked.position, found.*
FROM unnest(%(chunks)s::bigint[]) WITH ORDINALITY AS ranked (chunk_id, position),
LATERAL (
    SELECT DISTINCT ON (files.id)
        ranked.chunk_id, files.id, hosts.name, roots.name, roots.path, files.path, files.size, files.mtime_ns,
        files.ctime_ns, files.ino, roots.device, files.mode, files.uid, files.gid,
        content_chunks.first_line, content_chunks.last_line, content_chunks.page,
        extract(epoch FROM files.indexed_at)
    FROM content_chunks
    JOIN files ON files.content_id = content_chunks.content_id
    JOIN roots ON roots.id = files.root_id
    JOIN hosts ON hosts.id = roots.host_id
    JOIN contents ON contents.id = files.content_id
    WHERE content_chunks.chunk_id = ranked.chunk_id AND {in_scope}
    ORDER BY files.id, content_chunks.ordinal
    LIMIT %(limit)s
) AS found
ORDER BY ranked.position

-- name: newest
-- The files that filters leave, newest first, with their first chunk (null where a file has no text).
SELECT 0, content_chunks.chunk_id, files.id, hosts.name, roots.name, roots.path, files.path, files.size,
       files.mtime_ns, files.ctime_ns, files.ino, roots.device, files.mode, files.uid, files.gid,
       content_chunks.first_line, content_chunks.last_line, content_chunks.page,
       extract(epoch FROM files.indexed_at)
FROM files
JOIN roots ON roots.id = files.root_id
JOIN hosts ON hosts.id = roots.host_id
JOIN contents ON contents.id = files.content_id
JOIN content_chunks ON content_chunks.content_id = files.content_id AND content_chunks.ordinal = 0
WHERE {in_scope}
ORDER BY files.mtime_ns DESC, files.id
LIMIT %(limit)s

-- name: texts
-- The texts of given chunks.
SELECT id, text FROM chunks WHERE id = ANY(%(chunks)s)
