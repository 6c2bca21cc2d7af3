from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.tree.inodes.inodes import ROOT_INO, InodeTable
from magicfs.tree.virtual import StaticDirectory


def directory(key: bytes) -> StaticDirectory:
    return StaticDirectory(key, {}, mounted_at_ns=0)


def test_the_same_key_always_has_the_same_inode_number() -> None:
    table = InodeTable(directory(b"root"))
    first = table.get_or_assign(directory(b"a"))
    table.add_lookup(first)
    assert table.get_or_assign(directory(b"a")) is first
    assert table.get_or_assign(directory(b"b")).ino != first.ino
    table.forget(first.ino, 1)
    second = table.get_or_assign(directory(b"a"))
    assert second is not first
    assert second.ino == first.ino


def test_the_root_is_never_forgotten() -> None:
    root = directory(b"root")
    table = InodeTable(root)
    table.forget(ROOT_INO, 10)
    assert table.find(ROOT_INO) is root


def test_two_things_whose_numbers_would_be_the_same_have_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(InodeTable, "number_of", staticmethod(lambda key, seed: 1 << 40))
    table = InodeTable(directory(b"root"))
    nodes = [table.get_or_assign(directory(b"a"))]
    table.add_lookup(nodes[0])
    nodes.append(table.get_or_assign(directory(b"b")))
    table.add_lookup(nodes[1])
    assert nodes[0].ino != nodes[1].ino
    assert [table.find(node.ino) for node in nodes] == nodes
    assert [table.get_or_assign(directory(key)) for key in (b"a", b"b")] == nodes


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c", b"d"]), st.booleans())))
def test_a_node_is_held_while_its_lookup_count_is_positive(steps: list[tuple[bytes, bool]]) -> None:
    table = InodeTable(directory(b"root"))
    lookups: Counter[int] = Counter()
    for key, is_lookup in steps:
        node = table.get_or_assign(directory(key))
        if is_lookup:
            table.add_lookup(node)
            lookups[node.ino] += 1
        elif lookups[node.ino]:
            table.forget(node.ino, 1)
            lookups[node.ino] -= 1
    assert len(table) == 1 + sum(count > 0 for count in lookups.values())
    for ino, count in lookups.items():
        table.forget(ino, count)
    assert len(table) == 1
