"""How long a search takes: listing `search/<query>` of the mount.

A cold listing is of a question that was never asked before. After each cold listing, the query embedder embeds another
question of the same kind, and the time is taken in which the database executes the statements of its search, without
the work that a search does meanwhile. The sum of the two medians is the least that a cold search takes, one after the
other.

Figures: `ratio_cold_p50` = cold p50 / (embedding p50 + SQL p50); `ratio_busy_p95` = cold p95 while a bulk import
keeps the workers busy / idle cold p95; `warm_extra_ms` = the median listing of a query that was asked before, less the
median listing of a plain directory with as many entries; and the times `cold_p50_ms`, `cold_p95_ms`, `embed_p50_ms`,
`sql_p50_ms`.
"""

from __future__ import annotations

import os
import random
import statistics
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from _report import parser, report
from _stack import Stack, stack
from freshness import start_bulk_import
from indexing import write_corpus
from numpy.typing import NDArray
from psycopg.pq import TransactionStatus

from magicfs.db.connection import PooledConnection
from magicfs.db.vectors.models import active_model
from magicfs.domain.models import ModelSpec
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.embedding.query_client import QueryEmbedder
from magicfs.models.store import ModelStore
from magicfs.search.hits import Proximities
from magicfs.search.near_texts import NearTexts
from magicfs.search.service import SearchService

DEADLINE_SECONDS = 30.0
LETTERS_IN_WORD = range(4, 12)


@dataclass(slots=True)
class WaitingTime:
    """Adds up the time in which the database has statements of this process to execute."""

    seconds: float = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Add what is waited inside the block, and what is done there between two answers.

        What a search does with texts between them is left out: that may take longer than the statement.
        """
        wait = PooledConnection.wait
        left_at: float | None = None

        def timed(connection: PooledConnection, *arguments: Any, **options: Any) -> Any:
            nonlocal left_at
            began = time.perf_counter() if left_at is None else left_at
            try:
                return wait(connection, *arguments, **options)
            finally:
                ended = time.perf_counter()
                self.seconds += ended - began
                is_executing = connection.pgconn.transaction_status == TransactionStatus.ACTIVE
                left_at = ended if is_executing else None

        with (
            mock.patch.object(PooledConnection, "wait", timed),
            mock.patch.object(NearTexts, "compare"),
            mock.patch.object(Proximities, "look_ahead"),
        ):
            yield


@dataclass(slots=True)
class PreparedVectors:
    """A query embedder that returns vectors embedded before."""

    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[EmbeddedQuestion]:
        """The vector of a prepared question."""
        del kept, deadline_s
        return [EmbeddedQuestion(self.vectors[text]) for _ in specs]


class TimedSteps:
    """The steps of a search, timed one by one."""

    def __init__(self, running: Stack) -> None:
        settings = running.settings
        with running.database.transaction() as connection:
            model = active_model(connection)
        assert model is not None
        self._spec = model.spec
        self._mount = running.mount
        store = ModelStore(settings.model_dir)
        self._embedder = QueryEmbedder(
            settings.embedder_socket, lambda spec: store.find(spec.name, spec.precision).folder, may_start=False
        )
        self._prepared = PreparedVectors()
        self._service = SearchService(running.database, self._prepared, default_limit=settings.search_limit)

    def listing_ms(self, question: str) -> float:
        """The time to list the directory of a question."""
        return milliseconds(lambda: os.listdir(self._mount / "search" / question))

    def embedding_ms(self, question: str) -> float:
        """The time to embed a question, whose vector `sql_ms` needs."""
        began = time.perf_counter()
        self._prepared.vectors[question] = self._embedder.embed(question, spec=self._spec, deadline_s=DEADLINE_SECONDS)
        return (time.perf_counter() - began) * 1000

    def sql_ms(self, question: str) -> float:
        """The time of the statements of a search whose question was embedded."""
        waiting = WaitingTime()
        with waiting.counted():
            self._service.search(question, deadline_s=DEADLINE_SECONDS)
        return waiting.seconds * 1000


def milliseconds(action: Callable[[], object]) -> float:
    """The time of an action."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def questions(seed: int) -> Iterator[str]:
    """Questions of two to five words that are close together in the corpus's sources; none comes twice."""
    randomness = random.Random(seed)
    sources = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    asked: set[str] = set()
    while True:
        text = randomness.choice(sources).read_text(encoding="utf-8", errors="replace")
        start = randomness.randrange(max(1, len(text) - 400))
        words = [word for word in text[start : start + 400].split() if word.isalpha() and len(word) in LETTERS_IN_WORD]
        question = " ".join(randomness.sample(words, min(len(words), randomness.randint(2, 5))))
        if question and question not in asked:
            asked.add(question)
            yield question


def idle(steps: TimedSteps, fresh: Iterator[str], *, count: int) -> Mapping[str, list[float]]:
    """The milliseconds of cold listings, of embeddings and of SQL, each measured in turn."""
    taken: dict[str, list[float]] = {"cold": [], "embed": [], "sql": []}
    for _ in range(count):
        taken["cold"].append(steps.listing_ms(next(fresh)))
        other = next(fresh)
        taken["embed"].append(steps.embedding_ms(other))
        taken["sql"].append(steps.sql_ms(other))
    return taken


def warm_extra_ms(running: Stack, question: str, *, count: int) -> float:
    """The median listing of cached results less the median listing of a plain directory."""
    results = running.mount / "search" / question
    plain = running.folder / "plain"
    plain.mkdir()
    for name in os.listdir(results):
        (plain / name).touch()
    warm, direct = [], []
    for _ in range(count):
        warm.append(milliseconds(lambda: os.listdir(results)))
        direct.append(milliseconds(lambda: os.listdir(plain)))
    return statistics.median(warm) - statistics.median(direct)


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def measure(running: Stack, *, count: int, bulk_files: int) -> tuple[dict[str, float], int]:
    """All figures, and the number of files of the bulk import that are pending at the end."""
    steps = TimedSteps(running)
    fresh = questions(seed=11)
    idle(steps, fresh, count=max(3, count // 10))
    taken = idle(steps, fresh, count=count)
    cold, embed, sql = (statistics.median(taken[name]) for name in ("cold", "embed", "sql"))
    extra = warm_extra_ms(running, next(fresh), count=count)
    start_bulk_import(running, files=bulk_files)
    busy = [steps.listing_ms(next(fresh)) for _ in range(count)]
    left = running.pending()
    figures = {
        "ratio_cold_p50": cold / (embed + sql),
        "ratio_busy_p95": p95(busy) / p95(taken["cold"]),
        "warm_extra_ms": extra,
        "cold_p50_ms": cold,
        "cold_p95_ms": p95(taken["cold"]),
        "embed_p50_ms": embed,
        "sql_p50_ms": sql,
    }
    return figures, left


def main() -> None:
    """Index, measure, print."""
    options = parser(__doc__ or "")
    options.add_argument("--searches", type=int, default=200, help="searches for each figure")
    options.add_argument("--files", type=int, default=600, help="files in the index, some eight chunks each")
    options.add_argument("--bulk-files", type=int, default=1500, help="files of the bulk import")
    chosen = options.parse_args()
    with stack("--workers", str(os.cpu_count()), mounted=True) as running:
        corpus = running.folder / "corpus"
        write_corpus(corpus, files=chosen.files, characters=5000, seed=1)
        running.run("roots", "add", str(corpus))
        indexed = "SELECT count(*) FROM files WHERE state = 'indexed'"
        running.wait(
            lambda: running.rows(indexed)[0][0] == chosen.files and running.pending() == 0, seconds=1200, pause=0.2
        )
        chunks = running.embedded()
        figures, left = measure(running, count=chosen.searches, bulk_files=chosen.bulk_files)
    sizes = {
        "searches": chosen.searches,
        "files": chosen.files,
        "chunks": chunks,
        "bulk_files": chosen.bulk_files,
        "bulk_left_at_end": left,
    }
    report("search_latency", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
