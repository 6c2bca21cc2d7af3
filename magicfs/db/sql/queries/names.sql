-- The queries of `magicfs.db.corpus.names`.

-- name: take_lock
-- Whether no other transaction writes names anew. Two would do the same work.
SELECT pg_try_advisory_xact_lock(%(lock)s)

-- name: read_pass
-- The pass over all files: the version of their words, the file up to which it went, and the last one that it goes to.
SELECT split_part(value, ' ', 1)::integer, split_part(value, ' ', 2)::bigint, split_part(value, ' ', 3)::bigint
FROM meta WHERE key = 'names'

-- name: write_pass
-- Where the pass stands now.
INSERT INTO meta (key, value) VALUES ('names', concat_ws(' ', %(analysis)s::integer, %(done)s::bigint, %(end)s::bigint))
ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE meta.value <> excluded.value

-- name: last_file
-- The highest id of a file; 0 without any.
SELECT coalesce(max(id), 0) FROM files

-- name: next_files
-- The next files of the pass.
SELECT id, path FROM files WHERE id > %(done)s AND id <= %(end)s ORDER BY id LIMIT %(limit)s

-- name: lock_files
-- Those of some files that no other transaction has locked. They are locked by root and path, as in every statement that
-- locks several files.
SELECT id, path FROM files WHERE id = ANY(%(ids)s) ORDER BY root_id, path FOR NO KEY UPDATE SKIP LOCKED

-- name: write_names
-- The words and the folded form of names of locked files, where they are others, and the file was not renamed meanwhile.
UPDATE files SET extension = outdated.extension, words = outdated.words, folded = outdated.folded
FROM (
    SELECT files.id, name.extension, name.words::tsvector AS words, name.folded
    FROM unnest(%(ids)s::bigint[], %(paths)s::bytea[], %(extensions)s::text[], %(words)s::text[], %(folded)s::text[])
         AS name (id, path, extension, words, folded)
    JOIN files USING (id, path)
    WHERE (files.extension, files.words, files.folded)
          IS DISTINCT FROM (name.extension, name.words::tsvector, name.folded)
) AS outdated
WHERE files.id = outdated.id

-- name: forget_root_names
-- The folded names of roots are to be written anew.
UPDATE roots SET folded = NULL
