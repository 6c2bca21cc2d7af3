-- name: lock_contents_of_chunks
-- The contents that have one of the chunks, locked so that no other transaction cuts a chunk of them anew meanwhile.
SELECT id FROM contents
WHERE id IN (SELECT content_id FROM content_chunks WHERE chunk_id = ANY(%(cut_ids)s))
ORDER BY id FOR NO KEY UPDATE

-- name: move_places
-- Numbers of the places behind chunks that are cut, with room for the pieces. They are negative until `number_places`,
-- because no two places of a content may ever have one number.
UPDATE content_chunks SET ordinal = -1 - moved.ordinal - moved.shift
FROM (
    SELECT content_id, ordinal, sum(coalesce(cut.pieces, 1) - 1) OVER (
        PARTITION BY content_id ORDER BY ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS shift
    FROM content_chunks
    LEFT JOIN unnest(%(cut_ids)s::bigint[], %(pieces)s::integer[]) AS cut (chunk_id, pieces) USING (chunk_id)
    WHERE content_id = ANY(%(content_ids)s)
) AS moved
WHERE moved.shift > 0 AND (content_chunks.content_id, content_chunks.ordinal) = (moved.content_id, moved.ordinal)

-- name: number_places
-- The new numbers of the moved places.
UPDATE content_chunks SET ordinal = -1 - ordinal WHERE content_id = ANY(%(content_ids)s) AND ordinal < 0

-- name: place_pieces
-- The places of all pieces but the first of each chunk. Lines of a piece count from 1 in its chunk.
INSERT INTO content_chunks (content_id, ordinal, chunk_id, first_line, last_line, page)
SELECT content_id, ordinal + number, chunks.id, place.first_line + piece.first_line - 1,
       least(place.first_line + piece.last_line - 1, place.last_line), page
FROM unnest(%(piece_of)s::bigint[], %(numbers)s::integer[], %(digests)s::bytea[], %(first_lines)s::integer[],
            %(last_lines)s::integer[]) AS piece (cut_id, number, digest, first_line, last_line)
JOIN content_chunks place ON place.chunk_id = cut_id AND content_id = ANY(%(content_ids)s)
JOIN chunks USING (digest)
WHERE number > 0

-- name: replace_by_first_piece
-- The first piece of each chunk, in the place of the chunk.
UPDATE content_chunks place
SET chunk_id = chunks.id, last_line = least(place.first_line + piece.last_line - 1, place.last_line)
FROM unnest(%(piece_of)s::bigint[], %(numbers)s::integer[], %(digests)s::bytea[], %(last_lines)s::integer[])
     AS piece (cut_id, number, digest, last_line)
JOIN chunks USING (digest)
WHERE number = 0 AND place.chunk_id = cut_id AND content_id = ANY(%(content_ids)s)

-- name: enqueue_pieces
-- A row for each piece under each model whose vectors are made, as that of its chunk: with its priority, and unread if it is
-- by the language of its documents. Under the multilingual model a piece is a second vector unless the chunk waits with a
-- higher priority, or the active model does not read it.
INSERT INTO embeddings (model_id, chunk_id, state, reason, priority)
SELECT model_id, chunk_id, (CASE WHEN waits THEN 'pending' ELSE 'unread' END)::embedding_state,
       CASE WHEN NOT waits THEN 'language' END, priority
FROM (
    SELECT m.id AS model_id, chunks.id AS chunk_id,
           bool_or(own.state IS DISTINCT FROM 'unread' OR own.reason IS DISTINCT FROM 'language') AS waits,
           max(CASE WHEN own.state = 'pending' THEN own.priority
                    WHEN m.state = 'renewing' THEN -1
                    WHEN m.state = 'multilingual' AND first.state IS DISTINCT FROM 'unread' THEN -1
                    ELSE 0 END) AS priority
    FROM unnest(%(piece_of)s::bigint[], %(digests)s::bytea[]) AS piece (cut_id, digest)
    JOIN chunks USING (digest) CROSS JOIN models m
    LEFT JOIN embeddings own ON (own.model_id, own.chunk_id) = (m.id, piece.cut_id)
    LEFT JOIN embeddings first
        ON (first.model_id, first.chunk_id) = ((SELECT id FROM models WHERE state = 'active'), piece.cut_id)
    WHERE m.state IN ('active', 'building', 'multilingual', 'renewing')
    GROUP BY 1, 2
) AS queued
ORDER BY 1, 2
ON CONFLICT (model_id, chunk_id) DO NOTHING
