-- name: missing_indexes
-- The indexes that are declared on `embeddings` and that some of its partitions lack, one row for each such partition: the
-- index, the partition, a name for the partition's index, its definition after the table, and whether the partition's index
-- is built and lacks only its place.
SELECT declared.relname, partition.relname, wanted.name, wanted.definition, EXISTS (
    SELECT FROM pg_index AS built
    WHERE built.indexrelid = to_regclass(quote_ident(wanted.name)) AND built.indisvalid
      AND substring(pg_get_indexdef(built.indexrelid) FROM ' (USING .*)$') = wanted.definition)
FROM pg_index AS index
JOIN pg_class AS declared ON declared.oid = index.indexrelid
JOIN pg_inherits AS child ON child.inhparent = index.indrelid
JOIN pg_class AS partition ON partition.oid = child.inhrelid
CROSS JOIN LATERAL (
    SELECT replace(declared.relname, 'embeddings', partition.relname) AS name,
           substring(pg_get_indexdef(index.indexrelid) FROM ' (USING .*)$') AS definition
) AS wanted
WHERE index.indrelid = to_regclass('embeddings') AND NOT index.indisvalid AND NOT EXISTS (
    SELECT FROM pg_inherits AS attached JOIN pg_index AS own ON own.indexrelid = attached.inhrelid
    WHERE attached.inhparent = index.indexrelid AND own.indrelid = partition.oid)
ORDER BY 1, 2
