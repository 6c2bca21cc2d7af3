-- name: database_owner
-- The role that owns a database; no row when there is no such database.
SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %(database)s

-- name: has_role
-- Whether the server has a role.
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %(role)s)

-- name: create_database
CREATE DATABASE {database}

-- name: plain_search_path
-- Nothing that others have made is found by its bare name.
SET search_path = pg_catalog, pg_temp

-- name: create_owner
CREATE ROLE {owner} LOGIN

-- name: create_extension
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public

-- name: own_database
ALTER DATABASE {database} OWNER TO {owner}

-- name: statements_of_ownership
-- A statement for each thing of the index that the superuser owns, but for what is part of an extension or of a table.
SELECT format('ALTER %%s %%s OWNER TO %%I', kind, name, %(owner)s::text)
FROM (
    SELECT oid, 'pg_class'::regclass AS class, relowner AS owner, relnamespace AS namespace,
           CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind, oid::regclass::text AS name
    FROM pg_class WHERE relkind IN ('r', 'p', 'S', 'v')
    UNION ALL
    SELECT oid, 'pg_type'::regclass, typowner, typnamespace, 'TYPE', oid::regtype::text
    FROM pg_type WHERE typtype IN ('e', 'd', 'r')
    UNION ALL
    SELECT oid, 'pg_proc'::regclass, proowner, pronamespace, 'ROUTINE', oid::regprocedure::text FROM pg_proc
    UNION ALL
    SELECT oid, 'pg_ts_config'::regclass, cfgowner, cfgnamespace, 'TEXT SEARCH CONFIGURATION', oid::regconfig::text
    FROM pg_ts_config
    UNION ALL
    SELECT oid, 'pg_ts_dict'::regclass, dictowner, dictnamespace, 'TEXT SEARCH DICTIONARY', oid::regdictionary::text
    FROM pg_ts_dict
) AS thing
WHERE namespace = 'public'::regnamespace
      AND owner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
      AND NOT EXISTS (
          SELECT FROM pg_depend
          WHERE classid = thing.class AND objid = thing.oid AND deptype IN ('a', 'e', 'i') AND objsubid = 0
                AND (deptype = 'e' OR kind = 'SEQUENCE')
      )

-- name: create_server_schema
CREATE SCHEMA IF NOT EXISTS magicfs_server

-- name: create_kernel_file
-- What the kernel says of the memory and the cores of the server's machine, which the owner of the index may not read.
CREATE OR REPLACE FUNCTION magicfs_server.kernel_file(path text, bytes bigint) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_read_file(path, 0, bytes, true)
    WHERE path ~ '^/(proc/meminfo|proc/self/cgroup|sys/devices/system/cpu/online|sys/fs/cgroup/([^/]+/)*memory\.max)$'
          AND strpos(path, '..') = 0
$$

-- name: open_server_schema
GRANT USAGE ON SCHEMA magicfs_server TO PUBLIC
