"""Queries on files that must use an index."""

from magicfs.db.pool import Database
from magicfs.db.queries import load_queries

MANY = """
INSERT INTO files (root_id, path, display, extension, size, mtime_ns, ctime_ns, ino, mode, uid, gid)
SELECT %s, number::text::bytea, number::text, '', 1, 1, 1, number, 33188, 0, 0 FROM generate_series(1, 20000) AS number
"""


def test_the_paths_of_an_inode_come_from_an_index(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO hosts (name) VALUES ('here')")
        [root] = connection.execute(
            "INSERT INTO roots (host_id, path, name, device) SELECT id, '/docs', 'docs', 1 FROM hosts RETURNING id"
        ).fetchall()
        connection.execute(MANY, root)
        connection.execute("ANALYZE files")
        connection.execute("SET LOCAL enable_seqscan = off")
        values = {"root_id": root[0], "inos": [7, 11]}
        plan = connection.execute(f"EXPLAIN {load_queries('files')['paths_of_inodes']}", values).fetchall()
    assert "files_inode" in str(plan)
