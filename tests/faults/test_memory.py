"""What a worker takes while it reads files of 50 MB: their bytes, and the text that is kept, once each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.plugins.growth import peaks
from tests.plugins.stack import Stack

MIB = 1 << 20
FILE_BYTES = 50 * MIB
WORKER_MIB = 230


def repeated(make: Callable[[int], str], *, size: int = FILE_BYTES, head: str = "", end: str = "") -> Iterator[str]:
    """Blocks of a text of `size` bytes: `make` gives each of its pieces, by their number."""
    yield head
    length = len(head) + len(end)
    number = 0
    while length < size:
        block = "".join(make(number + offset) for offset in range(1000))
        yield block
        number, length = number + 1000, length + len(block.encode())
    yield end


FILES: dict[str, Callable[[], Iterator[str]]] = {
    "line.txt": lambda: repeated(lambda number: f"word{number} "),
    "sign.txt": lambda: repeated(lambda number: f"word{number} ", head="A beetle \U0001f41e begins. "),
    "service.log": lambda: repeated(
        lambda number: f"2026-11-27 01:15:{number % 60:02} INFO request {number} took 3 ms\n"
    ),
    "table.csv": lambda: repeated(lambda number: f"{number},name {number % 977},{number * 7919 % 10007},2026-11-27\n"),
    "escaped.json": lambda: repeated(
        lambda number: f'{{"id": {number}, "name": "Gr\\u00fc\\u00dfe an {number}"}},', head="[", end="{}]"
    ),
    "page.html": lambda: repeated(
        lambda number: f"<p>Paragraph {number} of a long page.</p>\n", head="<html><body>", end="</body></html>"
    ),
}

QUICK = {"sign.txt", "escaped.json"}


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in FILES]
)
def test_a_worker_that_reads_a_large_file_takes_little_memory(stack: Stack, tmp_path: Path, name: str) -> None:
    stack.forks = False
    docs = tmp_path / "docs"
    docs.mkdir()
    with (docs / name).open("w") as file:
        file.writelines(FILES[name]())
    # The text that is kept takes ten times its size while it is cut into chunks, and most of the time.
    stack.environment["MAGICFS_MAX_TEXT_MB"] = "1"
    stack.add_root(docs)
    with peaks(stack) as largest:
        stack.start_agent()
        stack.start_worker("extract")
        done = "SELECT state FROM files WHERE state NOT IN ('pending')"
        stack.wait(lambda: stack.rows(done) != [], seconds=400, what=f"an end of {name}")
    # The parser of web pages may need more memory than one file may use; it is a process of its own.
    outcomes = [("indexed", None), ("failed", "bomb")] if name == "page.html" else [("indexed", None)]
    assert stack.rows("SELECT state, reason FROM files")[0] in outcomes
    assert largest["extract-1"] // MIB <= WORKER_MIB, {part: size // MIB for part, size in largest.items()}
