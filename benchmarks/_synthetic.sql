-- name: words_index
-- The definition of the index of words. An importer drops it and builds it anew: while it is in place, a million chunks
-- take over 18 minutes.
SELECT pg_get_indexdef('chunks_words'::regclass)

-- name: drop_words_index
DROP INDEX chunks_words

-- name: memory
SET LOCAL maintenance_work_mem = '1GB'

-- name: chunks
-- Stems are the words themselves, so these are the words that `magicfs.text.analysis` would find.
COPY chunks (id, digest, text, tokens, words, terms) FROM STDIN

-- name: embeddings
COPY embeddings (model_id, chunk_id, state, vector) FROM STDIN WITH (FORMAT BINARY)

-- name: last_vector
SELECT chunk_id, vector FROM embeddings WHERE vector IS NOT NULL ORDER BY chunk_id DESC LIMIT 1

-- name: host
INSERT INTO hosts (name) VALUES ('benchmark')

-- name: root
INSERT INTO roots (host_id, path, name, device) SELECT id, '/synthetic', 'synthetic', 1 FROM hosts

-- name: contents
INSERT INTO contents (id, digest, extractor, kind, size, mime_type) OVERRIDING SYSTEM VALUE
SELECT number, decode(md5(number::text), 'hex'), 1, 'text/plain', 4000, 'text/plain'
FROM generate_series(0, %(files)s - 1) AS number

-- name: content_chunks
INSERT INTO content_chunks (content_id, ordinal, chunk_id, first_line, last_line)
SELECT id / %(in_file)s, id %% %(in_file)s, id, 1, 9 FROM chunks

-- name: files
-- Of fifty files in a row one is .rst and ten are .md, whatever their subject. Directories follow subjects. A name has
-- the first word of the text and the last one, which is a word of the subject.
INSERT INTO files (root_id, path, display, folded, words, extension, size, mtime_ns, ctime_ns, ino, mode, uid, gid,
                   state, content_id, indexed_at)
SELECT roots.id, convert_to(directory || file, 'UTF8'), directory || file, directory || file,
       setweight(to_tsvector('simple', translate(file, '_.', '  ')), 'A')
       || to_tsvector('simple', rtrim(directory, '/')), extension, 4000, number * 1000000000, 0, number, 33188, 0, 0,
       'indexed', number, now()
FROM roots, (
    SELECT contents.id AS number, extension, format('part%%s/', contents.id * %(folders)s / %(files)s) AS directory,
           format('%%s_%%s_%%s.%%s', split_part(text, ' ', 1), split_part(text, ' ', -1), contents.id, extension) AS file
    FROM contents JOIN chunks ON chunks.id = contents.id * %(in_file)s,
    LATERAL (SELECT CASE WHEN contents.id %% 50 = 0 THEN 'rst' WHEN contents.id %% 50 < 11 THEN 'md' ELSE 'txt' END
             AS extension) AS kind
) AS named

-- name: vacuum
-- As the server's own daemon does after some minutes.
VACUUM (ANALYZE)
