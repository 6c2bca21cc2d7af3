-- The queries that find the files nearest in meaning to a file. `{partition}` is the table with the vectors of a model.

-- name: spread_vectors
-- The vectors of chunks that are spread evenly over each of some contents, about `each` of a content at most. Of a content
-- with very many chunks, few have a vector: more are looked up. OFFSET 0 has each looked up by its number.
SELECT wanted.id, places.chunk_id, halfvec_send(embedded.vector)
FROM unnest(%(contents)s::bigint[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT max(ordinal) + 1 AS size, least(max(ordinal) + 1, %(each)s * (1 + max(ordinal) / %(embedded)s)) AS looked_up
    FROM content_chunks WHERE content_id = wanted.id
) AS counted
CROSS JOIN LATERAL (SELECT (number::bigint * size / looked_up)::integer FROM generate_series(0, looked_up - 1) AS number)
    AS chosen (ordinal)
CROSS JOIN LATERAL (
    SELECT chunk_id FROM content_chunks WHERE content_id = wanted.id AND content_chunks.ordinal = chosen.ordinal OFFSET 0
) AS places
JOIN {partition} AS embedded ON embedded.model_id = {model} AND embedded.chunk_id = places.chunk_id
WHERE embedded.vector IS NOT NULL

-- name: vectors_of_chunks
-- The vectors of given chunks.
SELECT chunk_id, halfvec_send(vector) FROM {partition}
WHERE model_id = {model} AND chunk_id = ANY(%(chunks)s) AND vector IS NOT NULL

-- name: near_probes
-- The chunks nearest to each of some vectors, other than the file's own, each with its greatest cosine. The ORDER BY is that of `near` in
-- candidate_sql.sql, so that the index of vectors serves it.
SELECT near.chunk_id, max(near.cosine)
FROM unnest(%(probes)s::halfvec[]) AS probe (vector),
LATERAL (
    SELECT chunk_id, -(vector::halfvec({dimension}) <#> probe.vector::halfvec({dimension})) AS cosine FROM {partition}
    WHERE vector IS NOT NULL AND chunk_id <> ALL(%(own)s::bigint[])
    ORDER BY vector::halfvec({dimension}) <#> probe.vector::halfvec({dimension})
    LIMIT %(limit)s
) AS near
GROUP BY near.chunk_id

-- name: contents_of_chunks
-- The contents that have some chunks, with those that each has: a number of each chunk at most, and not one content.
SELECT content_id, array_agg(id) FROM unnest(%(chunks)s::bigint[]) AS chunk (id),
LATERAL (SELECT DISTINCT content_id FROM content_chunks WHERE chunk_id = chunk.id LIMIT %(each)s) AS found
WHERE content_id <> %(content)s GROUP BY content_id

-- name: sample_contents
-- Contents with text, spread evenly over all, the same as long as these are: their digests decide.
SELECT id FROM contents WHERE reason IS NULL AND id <> %(content)s ORDER BY digest LIMIT %(limit)s

-- name: languages_of_contents
-- The language of each of some contents; empty where it is not known.
SELECT id, coalesce(language, '') FROM contents WHERE id = ANY(%(contents)s)

-- name: files_of_contents
-- The files of some contents, one for each, in their order, each with the place of one of its chunks, and the content.
SELECT {{found_files.file_columns}}, {{found_files.chunk_columns}}, wanted.content_id
FROM unnest(%(contents)s::bigint[], %(chunks)s::bigint[]) WITH ORDINALITY AS wanted (content_id, chunk_id, position)
CROSS JOIN LATERAL (
    SELECT files.* FROM files JOIN roots ON roots.id = files.root_id JOIN hosts ON hosts.id = roots.host_id
    WHERE files.content_id = wanted.content_id
    ORDER BY {{found_files.copy_order}} LIMIT 1
) AS files
JOIN roots ON roots.id = files.root_id
JOIN hosts ON hosts.id = roots.host_id
JOIN contents ON contents.id = files.content_id
CROSS JOIN LATERAL (
    SELECT chunk_id, first_line, last_line, page FROM content_chunks
    WHERE content_id = wanted.content_id AND chunk_id = wanted.chunk_id ORDER BY ordinal LIMIT 1
) AS content_chunks
ORDER BY position

-- name: states_of_chunks
-- How many chunks of a content there are, and how many in each state under a model; null for those without a row.
SELECT embedded.state, count(DISTINCT places.chunk_id)
FROM content_chunks AS places
LEFT JOIN {partition} AS embedded ON embedded.model_id = {model} AND embedded.chunk_id = places.chunk_id
WHERE places.content_id = %(content)s
GROUP BY embedded.state

-- name: waits_for_second_vectors
-- A row if a chunk waits for its second vector. Reads the index embeddings_backlog from its end.
SELECT FROM {partition} AS embedded
WHERE embedded.model_id = {model} AND embedded.state = 'pending' AND embedded.priority < 0
LIMIT 1
