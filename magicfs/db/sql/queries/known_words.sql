-- Which words the index has.

-- name: count_chunks
-- How many chunks and how many names meet each condition, up to a limit.
SELECT (SELECT count(*) FROM (SELECT FROM chunks WHERE chunks.words @@ condition::tsquery LIMIT %(limit)s) AS found),
       (SELECT count(*) FROM (SELECT FROM files WHERE files.words @@ condition::tsquery LIMIT %(limit)s) AS found)
FROM unnest(%(conditions)s::text[]) WITH ORDINALITY AS word (condition, number)
ORDER BY number

-- name: frequent_words
-- Those of some words that at least so many chunks have, as far as Postgres's statistics know: the count of one that
-- most chunks have reads its whole list in the index.
SELECT lexeme FROM frequent_words
WHERE lexeme = ANY(%(words)s::text[])
  AND share * (SELECT reltuples FROM pg_class WHERE oid = 'chunks'::regclass) >= %(least)s

-- name: words_like
-- The lexemes of some chunks and files that meet any condition: those that are among the given ones, or begin as they do.
-- The condition comes from a row, so that Postgres uses the index: it takes one of many words for one that most rows meet.
SELECT DISTINCT lexeme
FROM unnest(%(conditions)s::text[]) AS word (condition)
CROSS JOIN LATERAL (
    (SELECT words FROM chunks WHERE chunks.words @@ condition::tsquery LIMIT %(limit)s)
    UNION ALL
    (SELECT words FROM files WHERE files.words @@ condition::tsquery LIMIT %(limit)s)
) AS found
CROSS JOIN LATERAL unnest(tsvector_to_array(found.words)) AS lexeme
WHERE lexeme ^@ %(first)s::text OR lexeme = ANY(%(words)s::text[])
