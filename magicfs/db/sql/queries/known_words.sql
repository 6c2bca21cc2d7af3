-- Which words the index has.

-- name: count_chunks
-- How many chunks and how many names meet each condition, up to a limit.
SELECT (SELECT count(*) FROM (SELECT FROM chunks WHERE chunks.words @@ condition::tsquery LIMIT %(limit)s) AS found),
       (SELECT count(*) FROM (SELECT FROM files WHERE files.words @@ condition::tsquery LIMIT %(limit)s) AS found)
FROM unnest(%(conditions)s::text[]) WITH ORDINALITY AS word (condition, number)
ORDER BY number
