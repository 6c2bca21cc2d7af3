"""How many statements and round trips a search takes, as libpq writes them to the server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import pq

from magicfs.db.pool import Database
from magicfs.domain.deadline import Deadline
from magicfs.fuse.database_index import DatabaseIndex
from magicfs.search import corpus_statistics
from magicfs.search.service import SearchService
from magicfs.tree.results.result_cache import ResultCache
from tests.integration.search.corpus import ChosenVectors, Corpus, unit


@pytest.fixture(autouse=True)
def _counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the index has is counted for the first search only, however much later the next one comes."""
    monkeypatch.setattr(corpus_statistics, "LIFETIME_FACTOR", 1e9)
    monkeypatch.setattr(corpus_statistics, "MAX_LIFETIME_SECONDS", 3600.0)


MESSAGE = re.compile(r"^([FB])\t\d+\t(\w+)", re.MULTILINE)
"""A message to the server, or from it."""
WAITING = ("Sync", "Flush", "Query")
"""The messages that the server answers at once."""


@dataclass
class Traffic:
    """How much was sent to the server."""

    statements: int = 0
    round_trips: int = 0


@contextmanager
def recorded(path: Path) -> Iterator[Traffic]:
    """What any connection sends to the server inside the block."""
    traced: list[psycopg.Connection[object]] = []
    wait = psycopg.Connection.wait
    traffic = Traffic()
    with path.open("wb") as file, pytest.MonkeyPatch.context() as patch:

        def trace_and_wait(self: psycopg.Connection[object], *arguments: Any, **options: Any) -> Any:
            if self not in traced:
                traced.append(self)
                self.pgconn.trace(file.fileno())
                self.pgconn.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
            return wait(self, *arguments, **options)

        patch.setattr(psycopg.Connection, "wait", trace_and_wait)
        yield traffic
        for connection in traced:
            connection.pgconn.untrace()
    messages = MESSAGE.findall(path.read_text(errors="replace"))
    sent = [name for side, name in messages if side == "F"]
    traffic.statements = sum(name in {"Execute", "Query"} for name in sent)
    # What asks for answers right after something that does waits for the same ones, and nobody waits where a statement
    # follows at once. That psycopg prepares a statement, once for each connection, does not count.
    traffic.round_trips = sum(
        name in WAITING and before not in {*WAITING, "Parse"} and (side, after) != ("F", "Bind")
        for before, name, (side, after) in zip(["", *sent], sent, _following(messages), strict=False)
    )


def _following(messages: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What comes behind each message to the server."""
    for (side, _), after in pairwise([*messages, ("", "")]):
        if side == "F":
            yield after


@pytest.fixture
def searched(database: Database, service: SearchService, vectors: ChosenVectors) -> Callable[[str], None]:
    corpus = Corpus(database)
    for number in range(20):
        corpus.add(b"%d.txt" % number, f"invoice of the year {number}", vectors=[unit(1, number, 0)])
    vectors.vectors["invoice of the year"] = unit(1, 0, 0)

    def search(text: str) -> None:
        assert service.search(text, deadline_s=30).hits

    return search


def test_a_search_takes_four_statements_in_two_round_trips(searched: Callable[[str], None], tmp_path: Path) -> None:
    searched("invoice of the year")
    for number in range(8):
        with recorded(tmp_path / f"trace{number}") as traffic:
            searched("invoice of the year")
        assert traffic.statements <= 4, traffic
        assert traffic.round_trips <= 2, traffic


def test_a_cold_listing_takes_no_more(
    database: Database, service: SearchService, searched: Callable[[str], None], tmp_path: Path
) -> None:
    index = DatabaseIndex(database)
    cache = ResultCache(service, index.change_marker, search_seconds=30)
    searched("invoice of the year")
    with recorded(tmp_path / "trace") as traffic:
        assert cache.get(b"invoice of the year").hits
    assert traffic.statements <= 4, traffic
    assert traffic.round_trips <= 2, traffic
    assert cache.get(b"invoice of the year").change_marker == index.change_marker(Deadline(30))


@pytest.mark.parametrize(
    ("filters", "statements"), [("ext:txt", 9), ("ext:txt before:2100", 9), ("ext:txt -letter", 10)]
)
def test_a_filter_takes_one_statement_more(
    searched: Callable[[str], None], tmp_path: Path, filters: str, statements: int
) -> None:
    """The files in scope and their chunks are found at once. Whether statements are planned once changes twice.

    The memory for an excluded word is set in the same round trip.
    """
    searched(f"invoice of the year {filters}")
    with recorded(tmp_path / "trace") as traffic:
        searched(f"invoice of the year {filters}")
    assert traffic.statements <= statements, traffic
    assert traffic.round_trips <= 5, traffic


def test_to_check_a_cached_result_takes_one_round_trip(database: Database, tmp_path: Path) -> None:
    index = DatabaseIndex(database)
    index.change_marker(Deadline(30))
    with recorded(tmp_path / "trace") as traffic:
        index.change_marker(Deadline(30))
    assert (traffic.statements, traffic.round_trips) == (1, 1)


PLANS = """
SELECT count(*)::integer, sum(generic_plans)::integer, sum(custom_plans)::integer
FROM pg_prepared_statements WHERE statement NOT LIKE 'SELECT set_config(%'
"""


def test_the_statements_of_a_search_are_planned_once(database_url: str, vectors: ChosenVectors) -> None:
    with Database(database_url, application="test", size=1) as one:
        service = SearchService(one, vectors, host="box", default_limit=50)
        corpus = Corpus(one)
        corpus.add(b"a.txt", "invoice of the year", vectors=[unit(1, 0, 0)])
        vectors.vectors["invoice of the year"] = unit(1, 0, 0)

        def prepared() -> tuple[int, int, int]:
            found: list[tuple[int, int, int]] = one.read(
                lambda connection: connection.execute(PLANS, prepare=False).fetchall(), Deadline(30)
            )
            return found[0]

        for _ in range(2):
            # The second one does not count what the index has.
            service.search("invoice of the year", deadline_s=30)
        before = prepared()
        for _ in range(3):
            service.search("invoice of the year", deadline_s=30)
        after = prepared()
        assert after[0] == before[0], "the text of a statement changes"
        assert (after[1] - before[1], after[2] - before[2]) >= (9, 0)
        service.search("red green blue white black", deadline_s=30)
        before = prepared()
        service.search("red green blue white black brown", deadline_s=30)
        assert prepared()[0] == before[0], "each number of words has a text of its own"
        service.search('invoice of the year "invoice"', deadline_s=30)
        assert one.read(lambda connection: connection.execute("SHOW plan_cache_mode").fetchall(), Deadline(30)) == [
            ("auto",)
        ]
