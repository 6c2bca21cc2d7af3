"""Reads the table of cases, `cases.tsv`: what is asked of the files of each case, and what must come out.

The sentences of the column `expected` are written in a few forms, each of which is a pattern here. A sentence of a
form that no pattern knows fails the test that reads it, so that no expectation is passed over.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.environment import collection

AMONG_FIRST = 3


@dataclass(frozen=True)
class Case:
    """A line of the table."""

    id: str
    kind: str
    action: str
    expected: str


@dataclass(frozen=True)
class AmongFirst:
    """The file is among the first results, and its words answer the query."""

    query: str
    file: str
    lexical: float


@dataclass(frozen=True)
class FoundAlone:
    """The file is the only result."""

    query: str
    file: str


@dataclass(frozen=True)
class Found:
    """The file is, or is not, one of the results."""

    query: str
    file: str
    is_found: bool


@dataclass(frozen=True)
class ScoresLess:
    """The file is no result, or one with a lower score."""

    query: str
    file: str
    score: float


@dataclass(frozen=True)
class Better:
    """One file has a higher score than another."""

    query: str
    file: str
    other: str


@dataclass(frozen=True)
class ListedFirst:
    """The mount lists the file first."""

    query: str
    file: str


@dataclass(frozen=True)
class ListedAsItIs:
    """The mount lists the file under its own name, with its own bytes."""

    query: str
    file: str


@dataclass(frozen=True)
class FewChunks:
    """The only file of the case has fewer chunks."""

    number: int


@dataclass(frozen=True)
class Procedure:
    """What a test does step by step; `what` says what must come out."""

    what: str


Check = AmongFirst | FoundAlone | Found | ScoresLess | Better | ListedFirst | ListedAsItIs | FewChunks | Procedure

_FORMS: list[tuple[str, Callable[..., Check]]] = [
    (r"`(.+)`: (.+) among the first 3, `lexical` ([\d.]+) or more", lambda q, f, n: AmongFirst(q, f, float(n))),
    (r"`(.+)`: finds (.+) and nothing else", FoundAlone),
    (r"`(.+)`: (.+) is among the results", lambda q, f: Found(q, f, is_found=True)),
    (r"`(.+)`: (.+) is not among the results", lambda q, f: Found(q, f, is_found=False)),
    (r"`(.+)`: (.+) is not shown, or scores less than ([\d.]+)", lambda q, f, n: ScoresLess(q, f, float(n))),
    (r"`(.+)`: (.+) has a higher score than (.+)", Better),
    (r"`ls search/(.+)` answers and (.+) is first", ListedFirst),
    (r"`(.+)`: lists (.+) under its own name, and it reads like the real one", ListedAsItIs),
    (r"fewer than (\d+) chunks", lambda n: FewChunks(int(n))),
    (r"`.+`: (.+ is found, or `magicfs doctor` says that only a part of it is indexed)", Procedure),
    (r"(the copy and its directory can be changed and removed by their owner)", Procedure),
    (r"(within 10 s none of the deleted files is listed)", Procedure),
]
_FIRST_FORM = re.compile(r"`ls search/(?!QUERY`)|`[^`]+`: |the copy and its directory|within 10 s none")


def folder() -> Path:
    """The folder with `cases.tsv` and `files/`; it may be absent."""
    return collection("cases")


def read_cases(folder: Path) -> list[Case]:
    """The cases of the table in `folder`, in order; none where it is absent."""
    table = folder / "cases.tsv"
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [Case(row["id"], row["kind"], row["action or query"], row["expected"]) for row in rows]


def checks_of(case: Case) -> list[Check]:
    """What must come out of a case. Raises `AssertionError` for a sentence of no known form."""
    first = _FIRST_FORM.search(case.expected)
    assert first, f"{case.id}: no expectation in {case.expected!r}"
    return [_check(case, sentence) for sentence in case.expected[first.start() :].split("; ")]


def _check(case: Case, sentence: str) -> Check:
    for pattern, make in _FORMS:
        match = re.fullmatch(pattern, sentence)
        if match:
            return make(*match.groups())
    raise AssertionError(f"{case.id}: no form for {sentence!r}")
