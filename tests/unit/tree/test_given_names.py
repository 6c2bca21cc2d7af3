"""The names that were given to results: which others programs may have made of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import pytest

from magicfs.domain.results import Hit
from magicfs.tree.results.given_names import ResultNameCache
from tests.fakes.hits import make_hit

LONG = b"01_0.90_" + b"n" * 243 + b".txt"


class Counted(OrderedDict[Any, Any]):
    """Counts how many of its entries are looked at one after the other."""

    walked = 0

    def __iter__(self) -> Iterator[Any]:
        for key in super().__iter__():
            self.walked += 1
            yield key


def hit(name: str = "a.txt") -> Hit:
    return make_hit(path=name.encode())


@pytest.mark.parametrize(
    ("known", "name", "is_derived"),
    [
        (b"01_0.90_a.txt", b"01_0.90_a.txt~", True),
        (b"01_0.90_a.txt", b"01_0.90_a.txt.bak", True),
        (b"01_0.90_a.txt", b"01_0.90_a.txt", False),
        (b"01_0.90_a.txt", b"01_0.90_a.tx", False),
        (b"01_0.90_a.txt", b"01_0.90_b.txt~", False),
        (LONG, LONG[:249] + b".vsctm", True),
        (LONG, LONG[:200] + b"~", True),
        (LONG, LONG[:199] + b"~", False),
        (LONG, LONG, False),
        (b"n" * 200, b"n" * 200 + b"~", True),
        (b"n" * 201, b"n" * 200, True),
    ],
)
def test_names_that_programs_make_of_a_result(known: bytes, name: bytes, is_derived: bool) -> None:
    names = ResultNameCache()
    names.add(b"q", {known: hit()})
    assert names.is_derived(b"q", name) == is_derived
    assert not names.is_derived(b"another", name)


def test_a_name_that_was_dropped_has_none_made_of_it() -> None:
    names = ResultNameCache(max_names=1)
    names.add(b"q", {LONG: hit()})
    names.add(b"q", {LONG: hit()})
    names.add(b"q", {b"01_0.90_b.txt": hit("b.txt")})
    assert not names.is_derived(b"q", LONG[:210])
    assert names.is_derived(b"q", b"01_0.90_b.txt~")


def test_a_file_that_was_moved_has_its_name_and_another_one_does_not() -> None:
    names, name = ResultNameCache(), b"01_0.90_a.txt"
    names.add(b"q", {name: hit("new/a.txt")})
    moved = make_hit(path=b"done/a.txt", file_id=hit("new/a.txt").file_id)
    assert names.add(b"q", {name: moved}) == {name: moved}
    assert names.get(b"q", name) == moved
    assert list(names.add(b"q", {name: hit("new/a.txt")})) == [name]
    assert list(names.add(b"q", {name: hit("other/a.txt")})) == [b"01_0.90_a (2).txt"]


def test_no_name_is_looked_at_but_the_beginnings_of_one() -> None:
    """The event loop waits for the lock."""
    names = ResultNameCache()
    names.add(b"q", {b"%04d_0.90_a.txt" % number: hit(f"{number}/a.txt") for number in range(1000)})
    counted = names._hits = Counted(names._hits)
    assert names.is_derived(b"q", b"0500_0.90_a.txt~")
    assert not names.is_derived(b"q", b"0500_0.91_a.txt~")
    assert counted.walked == 0
