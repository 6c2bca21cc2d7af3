-- name: reading_function
-- The function by which this role may read files of the server's machine: Postgres's own, or that of the embedded server,
-- which reads what the kernel says of its machine and no other file; null without one.
SELECT CASE
           WHEN pg_has_role('pg_read_server_files', 'USAGE')
                AND has_function_privilege('pg_read_file(text, bigint, bigint, boolean)', 'EXECUTE')
               THEN 'read_file'
           WHEN to_regprocedure('magicfs_server.kernel_file(text, bigint)') IS NOT NULL THEN 'kernel_file'
       END

-- name: read_file
-- The beginning of a file of the server's machine; null when it is missing.
SELECT pg_read_file(%(path)s, 0, %(bytes)s, true)

-- name: kernel_file
-- The same, of the kernel's files that the function allows; null for another one.
SELECT magicfs_server.kernel_file(%(path)s, %(bytes)s)
