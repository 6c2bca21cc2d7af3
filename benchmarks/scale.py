"""The time and the recall of searches in an index of N chunks.

Random text and vectors, both as natural ones are distributed (`_synthetic.py`), are written into the real tables, and
the index of vectors is built as the agent builds it. A fake query embedder returns prepared vectors: times are of the
search alone.

Figures: `build_s`, `build_cpu_s` (of the process that worked longest), `build_all_cpu_s` (of all), `build_mb` and
`size_mb` of the index of vectors; `recall10`, the share of the ten
nearest chunks that the retrieval by meaning finds, against comparing all, and `recall10_filtered`, the same with
filters; `p50_ms`, `p95_ms` of whole searches through the search service, and `p95_filtered_ms` with filters, each also
as time of the processor (`cpu_p50_ms` and so on), which other work on the machine hardly changes. Three filters take
turns: one has a fiftieth of the files, one a fifth of them, and one is a directory whose subjects may not be those of
the question.

With `--state DIR` the index stays in a directory: a later run searches it again, or builds its index of vectors anew
(`--rebuild`), and fills nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from _index import own_database
from _processor import connected, processor_ms, watched_build
from _report import parser, report
from _synthetic import CHUNKS_IN_FILE, FOLDERS, Synthetic, fill, read
from numpy.typing import NDArray
from psycopg import sql

from magicfs.db.pool import Database
from magicfs.db.search.candidate_query import CandidateQuery, ModelVector
from magicfs.db.search.candidates import measure_chunks
from magicfs.db.search.scope_enumeration import enumerate_scope
from magicfs.db.vectors.vector_index import MIN_INDEXED_ROWS, IndexAction, maintain_index
from magicfs.domain.models import ModelSpec
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.runtime import postgres
from magicfs.search.compiled_query import prepare_query
from magicfs.search.request import limits_for
from magicfs.search.service import MAX_ENUMERATED_CHUNKS, SearchService
from magicfs.search.syntax import parse

RESULTS = 50
DEADLINE_SECONDS = 60.0
WARM_UP = 20
FILTERS = ("ext:rst", "ext:md", "in:part0")
INDEX = (
    "SELECT pg_relation_size(indexrelid) / 1e6, idx_scan FROM pg_stat_user_indexes "
    "WHERE indexrelname = 'embeddings_' || %(model)s || '_vectors'"
)
DROP_INDEX = "DROP INDEX IF EXISTS embeddings_{}_vectors"
SEED = 1


@dataclass(frozen=True, slots=True)
class PreparedVectors:
    """A query embedder that returns prepared vectors."""

    vectors: Mapping[str, NDArray[np.float32]]

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[EmbeddedQuestion]:
        """The vector of a prepared question."""
        del kept, deadline_s
        return [EmbeddedQuestion(self.vectors[text]) for _ in specs]


@dataclass(frozen=True, slots=True)
class SyntheticSearch:
    """A question, its filters, and its vector."""

    text: str
    filters: str
    vector: NDArray[np.float32]

    @property
    def typed(self) -> str:
        """The text that somebody types."""
        return f"{self.text} {self.filters}".strip()


def allowed(made: Synthetic, filters: str) -> NDArray[np.bool_]:
    """Which chunks meet a filter, by the rule that made the files."""
    file_of = np.arange(len(made.vectors)) // CHUNKS_IN_FILE
    if filters == "ext:rst":
        return np.asarray(file_of % 50 == 0)
    if filters == "ext:md":
        return (file_of % 50 > 0) & (file_of % 50 < 11)
    if filters == "in:part0":
        return np.asarray(file_of * FOLDERS // int(file_of[-1] + 1) == 0)
    return np.ones(len(made.vectors), dtype=np.bool_)


def recall(database: Database, made: Synthetic, searches: Sequence[SyntheticSearch], *, count: int = 10) -> float:
    """The share of the nearest chunks that the retrieval by meaning finds."""
    hits = 0
    for filters in {search.filters for search in searches}:
        same_filters = [search for search in searches if search.filters == filters]
        vectors = np.stack([search.vector for search in same_filters])
        exact = made.exact(vectors, allowed(made, filters), count=count)
        for search, right in zip(same_filters, exact, strict=True):
            with database.transaction() as connection:
                scope = prepare_query(connection, parse(search.typed))[0].scope
                scope = enumerate_scope(connection, scope, limit=MAX_ENUMERATED_CHUNKS, index_chunks=len(made.vectors))
                query = CandidateQuery(vectors=[ModelVector(made.model, search.vector)])
                measured = measure_chunks(connection, scope, query, limits=limits_for(RESULTS))
            cosines = {one.chunk_id: cosine for one in measured for cosine in one.cosines if cosine is not None}
            nearest = sorted(cosines, key=lambda chunk: -cosines[chunk])
            hits += len(set(nearest[:count]) & right)
    return hits / (count * len(searches))


@dataclass(frozen=True, slots=True)
class Times:
    """The milliseconds of searches."""

    passed: list[float]
    used: list[float]
    """Of the processor, here and in the database."""


def times_of(service: SearchService, searches: Sequence[SyntheticSearch], pids: list[int]) -> Times:
    """The times of whole searches. `pids` are the processes of the service's connections."""
    times = Times([], [])
    for search in searches:
        used_before, began = processor_ms(pids), time.perf_counter()
        service.search(search.typed, deadline_s=DEADLINE_SECONDS)
        times.passed.append((time.perf_counter() - began) * 1000)
        times.used.append(processor_ms(pids) - used_before)
    return times


def build(database: Database, dsn: str, *, chunks: int) -> dict[str, float]:
    """Build the index of vectors as the agent does. Returns the figures, none where a kept index has one."""
    began = time.perf_counter()
    # The index is measured even with fewer chunks than MIN_INDEXED_ROWS.
    with watched_build(dsn) as used:
        action = maintain_index(database, min_rows=min(MIN_INDEXED_ROWS, chunks // 2))
    if action is not IndexAction.BUILD:
        return {}
    seconds = time.perf_counter() - began
    print(f"built by {len(used.processor_ms)} processes", file=sys.stderr)
    return {
        "build_s": seconds,
        "build_cpu_s": used.longest_s,
        "build_all_cpu_s": used.all_s,
        "build_mb": used.memory_mb,
    }


def drop_index(database: Database, made: Synthetic) -> None:
    """Drop the index of vectors of a kept index."""
    with database.transaction() as connection:
        connection.execute(sql.SQL(DROP_INDEX).format(sql.SQL(str(made.model.id))))


def index_facts(database: Database, made: Synthetic) -> tuple[float, int]:
    """Size of the index of vectors in MB, and how often a search has used it."""
    with database.transaction() as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        [(size, scans)] = connection.execute(INDEX, {"model": made.model.id}).fetchall()
    return float(size), int(scans)


def measure(database: Database, dsn: str, made: Synthetic, *, queries_each: int) -> dict[str, float]:
    """The figures of searches."""
    random = np.random.default_rng(7)
    questions = dict(made.question(random) for _ in range(queries_each + WARM_UP))
    plain = [SyntheticSearch(text, "", vector) for text, vector in questions.items()]
    filtered = [
        SyntheticSearch(search.text, FILTERS[number % len(FILTERS)], search.vector)
        for number, search in enumerate(plain)
    ]
    service = SearchService(database, PreparedVectors(questions), default_limit=RESULTS)
    figures = {"recall10": recall(database, made, plain[WARM_UP:])}
    figures["recall10_filtered"] = recall(database, made, filtered[WARM_UP:])
    times_of(service, [*plain[:WARM_UP], *filtered[:WARM_UP]], [])
    pids = connected(dsn)
    plain_times = times_of(service, plain[WARM_UP:], pids)
    filtered_times = times_of(service, filtered[WARM_UP:], pids)
    for prefix, all_ms, filtered_ms in (
        ("", plain_times.passed, filtered_times.passed),
        ("cpu_", plain_times.used, filtered_times.used),
    ):
        figures[f"{prefix}p50_ms"] = statistics.median(all_ms)
        figures[f"{prefix}p95_ms"] = statistics.quantiles(all_ms, n=20)[-1]
        figures[f"{prefix}p95_filtered_ms"] = statistics.quantiles(filtered_ms, n=20)[-1]
    print_by_filter(filtered[WARM_UP:], filtered_times)
    return figures


def print_by_filter(searches: Sequence[SyntheticSearch], times: Times) -> None:
    """Print the times of each filter on standard error."""
    for filters in FILTERS:
        of_filter = [number for number, search in enumerate(searches) if search.filters == filters]
        for name, all_ms in (("passed", times.passed), ("of the processor", times.used)):
            ms = [all_ms[number] for number in of_filter]
            print(f"{filters}: median {statistics.median(ms):.1f} ms, worst {max(ms):.1f} ms {name}", file=sys.stderr)


def main() -> None:
    """Fill, build, measure, print."""
    options = parser(__doc__ or "")
    options.add_argument("chunks", metavar="N", type=int, nargs="?", default=200_000, help="chunks in the index")
    options.add_argument("--dimension", type=int, default=384, help="of the vectors")
    options.add_argument("--queries", type=int, default=300, help="searches for each figure")
    options.add_argument("--state", metavar="DIR", type=Path, help="keep the index there; its path must be short")
    options.add_argument("--rebuild", action="store_true", help="build the index of vectors anew")
    chosen = options.parse_args()
    if chosen.chunks < 1000 or chosen.queries < 10:
        options.error("figures mean nothing below 1,000 chunks or 10 queries")
    with ExitStack() as stack:
        home = chosen.state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mfs-")))
        dsn = stack.enter_context(own_database(home.resolve()))
        database = stack.enter_context(Database(dsn, application="benchmark"))
        began = time.perf_counter()
        numbers = {"chunks": chosen.chunks, "dimension": chosen.dimension, "seed": SEED}
        try:
            made = read(database, **numbers) or fill(database, **numbers)
            # The role of all sessions may not do that.
            with psycopg.connect(postgres.admin_dsn(home.resolve() / "run"), autocommit=True) as superuser:
                superuser.execute("CHECKPOINT")
        except ValueError as error:
            options.error(f"{home}: {error}")
        filled_s = time.perf_counter() - began
        if chosen.rebuild:
            drop_index(database, made)
        figures = build(database, dsn, chunks=chosen.chunks)
        figures["size_mb"], scans_before = index_facts(database, made)
        figures |= measure(database, dsn, made, queries_each=chosen.queries)
        scans = index_facts(database, made)[1] - scans_before
        # With fewer chunks, where MagicFS builds no index, comparing all of them may be as cheap.
        assert scans or chosen.chunks < MIN_INDEXED_ROWS, "no search has used the index of vectors"
    sizes = {
        "chunks": chosen.chunks,
        "dimension": chosen.dimension,
        "queries": chosen.queries,
        "fill_s": round(filled_s, 1),
        "index_scans": scans,
    }
    report("scale", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
