from __future__ import annotations

import stat
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.tree.identities import FileIdentity
from magicfs.tree.inodes.inodes import ROOT_INO, InodeTable, NoOtherLookups
from magicfs.tree.locations import FileLocation
from magicfs.tree.real.files import RealFile
from magicfs.tree.virtual import StaticDirectory
from tests.unit.tree.lookups import known


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


def test_a_file_and_a_deleted_one_that_had_its_inode_number_stay_two(table: InodeTable) -> None:
    """The deleted one is still open. The number of an inode may take all 64 bits."""

    def seen(born_ns: int) -> RealFile:
        identity = FileIdentity(stat.S_IFREG, 7, 2**63 + 5, born_ns)
        return RealFile(FileLocation(host="here", root=b"/docs", path=b"a.txt"), identity=identity)

    nodes = {born_ns: known(table, seen(born_ns)) for born_ns in (1, 2)}
    assert nodes[1].ino != nodes[2].ino
    for _ in range(2):
        for born_ns, node in nodes.items():
            assert table.get_or_assign(seen(born_ns)) is node
    assert table.forget(nodes[1].ino, 1)
    assert table.get_or_assign(seen(2)) is nodes[2]
    assert table.get_or_assign(seen(1)) is not nodes[1]


def test_a_file_stays_known_when_a_deleted_one_with_its_number_goes(
    table: InodeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InodeTable, "number_of", staticmethod(lambda key, seed: 1 << 40))

    def seen(born_ns: int) -> RealFile:
        identity = FileIdentity(stat.S_IFREG, 7, 5, born_ns)
        return RealFile(FileLocation(host="here", root=b"/docs", path=b"a.txt"), identity=identity)

    deleted, file = known(table, seen(1)), known(table, seen(2))
    assert table.forget(deleted.ino, 1)
    assert table.get_or_assign(seen(2)) is file


class Claims(NoOtherLookups):
    """Counts claims by number."""

    def __init__(self) -> None:
        self.held: Counter[int] = Counter()

    def claim(self, ino: int) -> None:
        self.held[ino] += 1

    def release(self, ino: int) -> None:
        self.held[ino] -= 1


def test_look_ups_of_a_node_are_answered_here_as_long_as_it_is_an_object() -> None:
    table = InodeTable(directory(b"root"))
    claims = table.other_lookups = Claims()
    nodes = [known(table, directory(key)) for key in (b"a", b"b")]
    known(table, directory(b"a"))
    assert +claims.held == {node.ino: 1 for node in nodes}
    assert table.forget(nodes[0].ino, 2)
    assert +claims.held == {nodes[1].ino: 1}


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
