-- The pages and pictures of contents that are read some at a time, and what an earlier reading has of them.

-- name: page_texts
-- What was read of the pages of a content while others are pending.
SELECT page, text, is_recognised, failure FROM page_texts WHERE content_id = %(id)s

-- name: insert_page_texts
-- What was read of more pages, or of more pictures, which have digests.
INSERT INTO page_texts (content_id, page, text, is_recognised, failure, picture, ocr)
SELECT %(id)s, page, text, is_recognised, failure, picture, CASE WHEN picture IS NOT NULL THEN %(ocr)s END
FROM unnest(%(pages)s::integer[], %(texts)s::text[], %(recognised)s::boolean[], %(failures)s::text[],
            %(pictures)s::bytea[])
     AS read (page, text, is_recognised, failure, picture)
ON CONFLICT (content_id, page) DO NOTHING

-- name: delete_page_texts
-- What was read of the pages of a content that has no pending ones.
DELETE FROM page_texts WHERE content_id = %(id)s

-- name: picture_texts
-- What was read of pictures in any content, by their digests: of each, what the given OCR has read, or else another one.
-- Of a logo that thousands of documents have, one row is looked at.
SELECT wanted.picture, found.text, found.is_recognised, found.is_by_ocr
FROM unnest(%(pictures)s::bytea[]) AS wanted (picture)
CROSS JOIN LATERAL (
    (SELECT text, is_recognised, true AS is_by_ocr FROM page_texts
     WHERE picture = wanted.picture AND ocr = %(ocr)s AND failure IS NULL LIMIT 1)
    UNION ALL
    (SELECT text, is_recognised, false FROM page_texts
     WHERE picture = wanted.picture AND failure IS NULL LIMIT 1)
    ORDER BY is_by_ocr DESC LIMIT 1
) AS found

-- name: earlier_chunks
-- The chunks of some pages, or of all, in the content that was stored last of the same bytes, with what that says of the
-- whole document. A chunk without a page is that of a picture.
SELECT chunks.text, chunks.tokens, place.first_line, place.last_line, place.page, chunks.context, chunks.headings,
       chunks.words::text, chunks.analysis, last.language, last.title, last.author, last.keywords
FROM (
    SELECT id, language, title, author, keywords FROM contents WHERE digest = %(digest)s AND kind = %(kind)s ORDER BY id DESC LIMIT 1
) AS last
JOIN content_chunks place ON place.content_id = last.id
JOIN chunks ON chunks.id = place.chunk_id
WHERE %(all)s OR coalesce(place.page, 0) = ANY(%(pages)s::integer[])
ORDER BY place.ordinal

-- name: recognised_before
-- The chunks of the pages in the content that was stored last of the same bytes, and what that says of its recognition, if
-- the given OCR has read it, and a reader that recognised pages as the present one does.
SELECT last.detail, place.page, chunks.text
FROM (
    SELECT id, extractor, ocr, detail FROM contents
    WHERE digest = %(digest)s AND kind = %(kind)s AND reason IS NULL ORDER BY id DESC LIMIT 1
) AS last
JOIN content_chunks place ON place.content_id = last.id
JOIN chunks ON chunks.id = place.chunk_id
WHERE last.ocr = %(ocr)s AND last.extractor BETWEEN %(since)s AND %(until)s AND place.page IS NOT NULL
ORDER BY place.ordinal
