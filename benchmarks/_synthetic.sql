-- name: stage
-- What the generator makes, before it goes where it belongs. A chunk's number is its id.
CREATE TEMPORARY TABLE staging (number bigint, text text, terms text, vector halfvec)

-- name: copy
COPY staging FROM STDIN WITH (FORMAT BINARY)

-- name: chunks
-- Stems are the words themselves, so `simple` gives the words that `magicfs.text.analysis` would.
INSERT INTO chunks (id, digest, text, tokens, words, terms) OVERRIDING SYSTEM VALUE
SELECT number, decode(md5(number::text), 'hex'), text, 90, to_tsvector('simple', text), terms::sparsevec FROM staging

-- name: embeddings
INSERT INTO embeddings (model_id, chunk_id, state, vector)
SELECT %(model)s, number, 'done', vector FROM staging

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
-- Of fifty files in a row one is .rst and ten are .md, whatever their subject. Directories follow subjects.
INSERT INTO files (root_id, path, display, extension, size, mtime_ns, ctime_ns, ino, mode, uid, gid,
                   state, content_id, indexed_at)
SELECT roots.id, display::bytea, display, extension, 4000, number * 1000000000, 0, number, 33188, 0, 0,
       'indexed', number, now()
FROM roots, (
    SELECT id AS number, extension, format('part%%s/note%%s.%%s', id * %(folders)s / %(files)s, id, extension) AS display
    FROM contents, LATERAL (
        SELECT CASE WHEN id %% 50 = 0 THEN 'rst' WHEN id %% 50 < 11 THEN 'md' ELSE 'txt' END AS extension) AS kind
) AS named

-- name: analyze
ANALYZE
