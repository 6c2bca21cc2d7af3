"""What lies inside what, of many paths at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.domain.ids import RootId
from magicfs.ingest.index_snapshot import Memory
from magicfs.ingest.walk import directories_above, outermost

ROOT = RootId(1)
DIRECTORIES = st.sets(st.lists(st.sampled_from([b"a", b"ab", b"b", b"b!"]), max_size=4).map(b"/".join), max_size=12)


@pytest.mark.parametrize(
    ("path", "above"), [(b"", []), (b"a", [b""]), (b"a/b", [b"a", b""]), (b"a/b/c", [b"a/b", b"a", b""])]
)
def test_directories_above_a_path(path: bytes, above: list[bytes]) -> None:
    assert list(directories_above(path)) == above


def lies_in(directory: bytes, other: bytes) -> bool:
    return directory == other or not other or directory.startswith(other + b"/")


@given(DIRECTORIES)
def test_the_outermost_hold_all_and_not_one_another(directories: set[bytes]) -> None:
    assert outermost(directories) == sorted(
        one for one in directories if not any(lies_in(one, other) for other in directories - {one})
    )


@given(DIRECTORIES, DIRECTORIES)
def test_what_is_deleted_is_in_doubt_with_all_below_it(known: set[bytes], gone: set[bytes]) -> None:
    memory = Memory()
    memory.keep(ROOT, dict.fromkeys(known, b"packed"))
    memory.doubt_below(ROOT, gone)
    remembered = memory.recall(ROOT)
    assert remembered is not None
    parents = {path.rpartition(b"/")[0] for path in gone}
    below = {directory for directory in known if any(lies_in(directory, path) for path in gone)}
    assert remembered.doubtful == gone | parents | below
    assert remembered.listings.keys() == known - remembered.doubtful


def test_doubt_of_nothing_is_none() -> None:
    memory = Memory()
    memory.keep(ROOT, {b"": b"packed", b"a": b"packed"})
    memory.doubt_below(ROOT, [])
    remembered = memory.recall(ROOT)
    assert remembered is not None
    assert remembered.doubtful == set()
    assert remembered.listings.keys() == {b"", b"a"}
