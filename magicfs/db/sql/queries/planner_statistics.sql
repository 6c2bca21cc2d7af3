-- name: outgrown_tables
-- Our tables of which more than a twentieth has changed since their statistics were made. Views of Postgres count changes
-- a second late.
SELECT quote_ident(schemaname) || '.' || quote_ident(relname) FROM pg_stat_user_tables
WHERE schemaname = current_schema() AND n_mod_since_analyze > 500 + n_live_tup / 20
ORDER BY relname
