"""One row that another host has written does not fill the memory of who searches, however large it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from magicfs.db.cluster.roots import list_roots
from magicfs.db.pool import Database
from magicfs.db.search.file_text import find_text, read_chunks
from magicfs.db.status import read_status
from magicfs.search.service import SearchService
from tests.integration.search.corpus import Corpus

HUGE_BYTES = 100 << 20
MUCH_BYTES = 30 << 20

UNIQUE = """
SELECT conname, conrelid::regclass::text FROM pg_constraint
WHERE contype = 'u' AND conrelid IN ('files'::regclass, 'roots'::regclass)
"""

HUGE_ROWS = {
    "a text": "UPDATE chunks SET text = text || repeat(' tax invoices', %(bytes)s / 13)",
    "a path": "UPDATE files SET path = path || convert_to(repeat('x', %(bytes)s), 'UTF8')",
    "a type": "UPDATE contents SET mime_type = repeat('x', %(bytes)s)",
    "the path of a root": "UPDATE roots SET path = path || convert_to(repeat('x', %(bytes)s), 'UTF8')",
    "the name of a root": "UPDATE roots SET name = repeat('x', %(bytes)s)",
}


def most_memory(work: Callable[[], object]) -> int:
    """The most memory, in bytes, that this process takes for some work beyond what it has before."""

    def value(name: str) -> int:
        found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024

    Path("/proc/self/clear_refs").write_text("5")
    before = value("VmRSS")
    work()
    return value("VmHWM") - before


@pytest.mark.parametrize("row", HUGE_ROWS)
def test_a_huge_row_is_read_in_part(corpus: Corpus, service: SearchService, database: Database, row: str) -> None:
    corpus.add(b"a.txt", "the tax invoice of May")

    def read_state_and_text() -> None:
        with database.transaction() as connection:
            list_roots(connection)
            read_status(connection)
            text = find_text(connection, b"/data/a.txt", host=None, preferred="box")
            if text is not None:
                assert text.content is not None
                read_chunks(connection, text.content, first_line=1, last_line=100, page=None, limit=100)

    works = [
        lambda: service.search("tax invoice", deadline_s=60),
        lambda: service.passages("tax invoice", deadline_s=60),
        lambda: service.search("ext:txt", deadline_s=60),
        read_state_and_text,
    ]
    for work in works:
        work()
    with database.transaction() as connection:
        for name, table in connection.execute(UNIQUE).fetchall():
            # Whoever writes to the index owns its tables.
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE")
        connection.execute(HUGE_ROWS[row], {"bytes": HUGE_BYTES})
    took = [most_memory(work) >> 20 for work in works]
    assert max(took) < MUCH_BYTES >> 20, took
