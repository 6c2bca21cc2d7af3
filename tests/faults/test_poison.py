"""A text that kills its worker is isolated and quarantined; everything else is indexed."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.db.corpus.failures import iterate_failures, retry_failures
from tests.faults.word_files import write_files
from tests.plugins.stack import Stack


@pytest.mark.parametrize("poison", ["SEGFAULT", "HANG", "MEMORY"])
def test_a_chunk_that_kills_its_worker_is_quarantined(stack: Stack, tmp_path: Path, poison: str) -> None:
    docs = tmp_path / "docs"
    write_files(docs, count=12, words=60)
    (docs / "poison.txt").write_text(f"An innocent beginning with the word {poison} in it.\n")
    stack.add_root(docs)
    stack.start_agent()
    stack.start_worker("extract")
    stack.start_worker("embed", sabotage="tests.faults.sabotage.model")
    stack.wait(lambda: stack.rows("SELECT count(*) FROM files WHERE state = 'indexed'")[0][0] == 13, what="reading")
    stack.wait(lambda: stack.waiting() == 0, seconds=300, what="an end of the work")
    states = stack.rows("SELECT state, count(*) FROM embeddings GROUP BY 1 ORDER BY 1")
    assert dict(states)["failed"] == 1, "only the chunk with the poison"
    with stack.database.transaction() as connection:
        [failure] = list(iterate_failures(connection))
        assert (failure.path, failure.reason) == (b"poison.txt", "crashed")

    stack.processes["embed-1"].terminate()
    stack.processes["embed-1"].wait(60)
    with stack.database.transaction() as connection:
        retry_failures(connection)
    stack.start_worker("embed")
    stack.wait(stack.settled, what="another try with a sound model")
    assert stack.rows("SELECT count(*) FROM embeddings WHERE state <> 'done'") == [(0,)]
