from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from magicfs.tree.inodes import ROOT, InodeTable
from magicfs.tree.virtual import FixedDirectory


def directory(key: bytes) -> FixedDirectory:
    return FixedDirectory(key, {}, born_ns=0)


def test_a_key_is_an_inode_for_ever() -> None:
    table = InodeTable(directory(b"root"))
    first = table.meet(directory(b"a"))
    table.tell(first)
    assert table.meet(directory(b"a")) is first
    assert table.meet(directory(b"b")).ino != first.ino
    table.forget(first.ino, 1)
    again = table.meet(directory(b"a"))
    assert again is not first
    assert again.ino == first.ino


def test_the_root_stays() -> None:
    root = directory(b"root")
    table = InodeTable(root)
    table.forget(ROOT, 10)
    assert table.find(ROOT) is root


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c", b"d"]), st.booleans())))
def test_what_is_told_is_held_until_it_is_forgotten(steps: list[tuple[bytes, bool]]) -> None:
    table = InodeTable(directory(b"root"))
    told: Counter[int] = Counter()
    for key, tells in steps:
        node = table.meet(directory(key))
        if tells:
            table.tell(node)
            told[node.ino] += 1
        elif told[node.ino]:
            table.forget(node.ino, 1)
            told[node.ino] -= 1
    assert len(table) == 1 + sum(count > 0 for count in told.values())
    for number, count in told.items():
        table.forget(number, count)
    assert len(table) == 1
