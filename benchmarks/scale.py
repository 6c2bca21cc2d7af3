"""The time and the recall of searches in an index of N chunks.

Random text and clustered random vectors (see `_synthetic.py`) are written into the real tables, and the index of
vectors is built as the agent builds it. A fake query embedder returns prepared vectors: times are of the search alone.

Figures: `build_s` and `size_mb` of the index of vectors; `recall10`, the share of the ten nearest chunks that the
retrieval by meaning finds, against comparing all, and `recall10_filtered`, the same with filters; `p50_ms`, `p95_ms` of
whole searches through the search service, and `p95_filtered_ms` with filters. Three filters take turns: one has a
fiftieth of the files, one a fifth of them, and one is a directory whose subjects may not be those of the question.
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
from _index import own_database
from _report import parser, report
from _synthetic import CHUNKS_IN_FILE, FOLDERS, Synthetic, fill
from numpy.typing import NDArray

from magicfs.db.candidates import measure_chunks
from magicfs.db.pool import Database
from magicfs.db.scope import enumerate_scope
from magicfs.db.vector_index import MIN_INDEXED_ROWS, IndexAction, maintain_index
from magicfs.db.wanted import ModelVector, Wanted
from magicfs.domain.models import ModelSpec
from magicfs.search.compiled_query import compile_query
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


@dataclass(frozen=True, slots=True)
class PreparedVectors:
    """A query embedder that returns prepared vectors."""

    vectors: Mapping[str, NDArray[np.float32]]

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[NDArray[np.float32]]:
        """The vector of a prepared question."""
        del kept, deadline_s
        return [self.vectors[text] for _ in specs]


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
                scope = compile_query(connection, parse(search.typed)).scope
                scope = enumerate_scope(connection, scope, limit=MAX_ENUMERATED_CHUNKS)
                wanted = Wanted(vectors=[ModelVector(made.model, search.vector)])
                measured = measure_chunks(connection, scope, wanted, limits=limits_for(RESULTS))
            cosines = {one.chunk.chunk_id: one.chunk.cosines[made.model.id] for one in measured}
            nearest = sorted(cosines, key=lambda chunk: -cosines[chunk])
            hits += len(set(nearest[:count]) & right)
    return hits / (count * len(searches))


def times_ms(service: SearchService, searches: Sequence[SyntheticSearch]) -> list[float]:
    """The milliseconds of whole searches."""
    taken = []
    for search in searches:
        began = time.perf_counter()
        service.search(search.typed, deadline_s=DEADLINE_SECONDS)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def build(database: Database, *, chunks: int) -> float:
    """Build the index of vectors as the agent does, and return the seconds that it took."""
    began = time.perf_counter()
    # The index is measured even with fewer chunks than MIN_INDEXED_ROWS.
    assert maintain_index(database, min_rows=min(MIN_INDEXED_ROWS, chunks // 2)) is IndexAction.BUILD
    return time.perf_counter() - began


def index_facts(database: Database, made: Synthetic) -> tuple[float, int]:
    """Size of the index of vectors in MB, and how often a search has used it."""
    with database.transaction() as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        [(size, scans)] = connection.execute(INDEX, {"model": made.model.id}).fetchall()
    return float(size), int(scans)


def measure(database: Database, made: Synthetic, *, queries_each: int, build_s: float) -> dict[str, float]:
    """All figures."""
    random = np.random.default_rng(7)
    questions = dict(made.question(random) for _ in range(queries_each + WARM_UP))
    plain = [SyntheticSearch(text, "", vector) for text, vector in questions.items()]
    filtered = [
        SyntheticSearch(search.text, FILTERS[number % len(FILTERS)], search.vector)
        for number, search in enumerate(plain)
    ]
    service = SearchService(database, PreparedVectors(questions), default_limit=RESULTS)
    figures = {"build_s": build_s, "size_mb": index_facts(database, made)[0]}
    figures["recall10"] = recall(database, made, plain[WARM_UP:])
    figures["recall10_filtered"] = recall(database, made, filtered[WARM_UP:])
    times_ms(service, [*plain[:WARM_UP], *filtered[:WARM_UP]])
    plain_ms = times_ms(service, plain[WARM_UP:])
    filtered_ms = times_ms(service, filtered[WARM_UP:])
    figures |= {"p50_ms": statistics.median(plain_ms), "p95_ms": statistics.quantiles(plain_ms, n=20)[-1]}
    figures["p95_filtered_ms"] = statistics.quantiles(filtered_ms, n=20)[-1]
    print_by_filter(filtered[WARM_UP:], filtered_ms)
    return figures


def print_by_filter(searches: Sequence[SyntheticSearch], taken_ms: Sequence[float]) -> None:
    """Print the times of each filter on standard error."""
    for filters in FILTERS:
        mine = [ms for search, ms in zip(searches, taken_ms, strict=True) if search.filters == filters]
        print(f"{filters}: median {statistics.median(mine):.1f} ms, worst {max(mine):.1f} ms", file=sys.stderr)


def main() -> None:
    """Fill, build, measure, print."""
    options = parser(__doc__ or "")
    options.add_argument("chunks", metavar="N", type=int, nargs="?", default=200_000, help="chunks in the index")
    options.add_argument("--dimension", type=int, default=384, help="of the vectors")
    options.add_argument("--queries", type=int, default=300, help="searches for each figure")
    chosen = options.parse_args()
    if chosen.chunks < 1000 or chosen.queries < 10:
        options.error("figures mean nothing below 1,000 chunks or 10 queries")
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mfs-")))
        database = stack.enter_context(Database(stack.enter_context(own_database(home)), application="benchmark"))
        began = time.perf_counter()
        made = fill(database, chunks=chosen.chunks, dimension=chosen.dimension, seed=1)
        filled_s = time.perf_counter() - began
        build_s = build(database, chunks=chosen.chunks)
        figures = measure(database, made, queries_each=chosen.queries, build_s=build_s)
        scans = index_facts(database, made)[1]
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
