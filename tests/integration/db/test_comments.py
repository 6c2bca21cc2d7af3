"""The comments of the schema, which say what tables and columns hold."""

from magicfs.db.pool import Database

UNEXPLAINED = """
SELECT relname || coalesce('.' || attname, '')
FROM pg_class
JOIN LATERAL (
    SELECT 0 AS attnum, NULL AS attname
    UNION ALL
    SELECT attnum, attname FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
) AS part ON true
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    AND col_description(pg_class.oid, attnum) IS NULL
    AND NOT (attnum = 0 AND obj_description(pg_class.oid, 'pg_class') IS NOT NULL)
ORDER BY 1
"""


def test_every_table_and_column_says_what_it_holds(database: Database) -> None:
    with database.transaction() as connection:
        assert [name for (name,) in connection.execute(UNEXPLAINED)] == []
        connection.execute("CREATE TABLE new_one (id integer)")
        connection.execute("COMMENT ON TABLE new_one IS 'something'")
        connection.execute("CREATE TABLE other (id integer)")
        connection.execute("COMMENT ON COLUMN other.id IS 'something'")
        assert [name for (name,) in connection.execute(UNEXPLAINED)] == ["new_one.id", "other"]
