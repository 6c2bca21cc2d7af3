-- name: may_read_files
-- Whether this role may read files of the server's machine.
SELECT pg_has_role('pg_read_server_files', 'USAGE')
       AND has_function_privilege('pg_read_file(text, bigint, bigint, boolean)', 'EXECUTE')

-- name: read_file
-- The beginning of a file of the server's machine; null when it is missing.
SELECT pg_read_file(%(path)s, 0, %(bytes)s, true)
