-- name: search_facts
-- What a search needs before anything else, in one row: whether the index has changed since another search, the models
-- that it uses, the languages of the index with the stop words of the question, the conditions that any chunk meets, the
-- words of the question with the number of chunks that have them, what the whole index holds (if that is counted), and
-- about how many chunks there are. Postgres's statistics are read where nobody has copied the words that they know yet.
WITH frequent AS MATERIALIZED (
    SELECT lexeme, share AS frequency FROM frequent_words WHERE lexeme = ANY(%(lexemes)s)
    UNION ALL
    SELECT lexeme, frequency
    FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS frequent (lexeme, frequency)
    WHERE schemaname = current_schema() AND tablename = 'chunks' AND attname = 'words' AND lexeme = ANY(%(lexemes)s)
          AND NOT EXISTS (SELECT FROM frequent_words)
),
estimated AS MATERIALIZED (
    SELECT number, 1 - exp(sum(ln(greatest(1 - frequency, 1e-9)))) AS share
    FROM unnest(%(lexemes)s::text[], %(numbers)s::smallint[]) AS form (lexeme, number) JOIN frequent USING (lexeme)
    GROUP BY number
),
known AS MATERIALIZED (
    SELECT number, condition::tsquery AS condition, coalesce(share, 0) AS share,
           coalesce(share, 0) * (SELECT reltuples FROM pg_class WHERE oid = 'chunks'::regclass) >= %(frequent)s AS frequent
    FROM unnest(%(conditions)s::text[]) WITH ORDINALITY AS word (condition, number) LEFT JOIN estimated USING (number)
)
SELECT
    (SELECT max(version) FROM schema_migrations),
    ({marker}),
    (SELECT json_agg(found) FROM ({models}) AS found),
    (SELECT json_agg(json_build_array(code, words)) FROM ({stop_words}) AS found (code, words)),
    ARRAY({met}),
    (SELECT json_agg(json_build_array(share, CASE WHEN NOT frequent THEN (
         SELECT count(*) FROM (SELECT FROM chunks WHERE chunks.words @@ known.condition LIMIT %(limit)s) AS found) END)
     ORDER BY number) FROM known),
    ({coverage}),
    (SELECT reltuples FROM pg_class WHERE oid = 'chunks'::regclass),
    (SELECT row_to_json(found) FROM ({progress}) AS found (version, done, total)),
    (SELECT json_agg(found) FROM ({troubled_roots}) AS found),
    as_of.*
FROM ({as_of}) AS as_of

-- name: stop_words_by_language
-- The languages of the index, English first, each with those of given words that are stop words of it.
SELECT code, ARRAY(
    SELECT word FROM unnest(%(words)s::text[]) AS word WHERE ts_lexize(pg_ts_dict.oid::regdictionary, word) = %(empty)s)
FROM (SELECT 'en' UNION SELECT code FROM languages) AS indexed (code)
LEFT JOIN unnest(%(codes)s::text[], %(stemmers)s::text[]) AS known (code, stemmer) USING (code)
LEFT JOIN pg_ts_dict ON dictname = stemmer AND dictnamespace = 'pg_catalog'::regnamespace
ORDER BY code <> 'en', code

-- name: met_conditions
-- Those of some conditions on words that any chunk meets.
SELECT condition FROM unnest(%(met)s::text[]) AS condition
WHERE EXISTS (SELECT FROM chunks WHERE words @@ condition::tsquery)
