"""How searches do on an index of N chunks.

Random text and clustered random vectors (see `_synthetic.py`) go into the real tables; the index of vectors is built
as the pipeline keeps it. A fake query embedder answers at once, so times are those of the search alone.

Figures: `build_s` and `size_mb` of the index of vectors; `recall10`, the share of the ten nearest chunks that the
vector lane finds, against comparing all, and `recall10_filtered`, the same under filters; `p50_ms`, `p95_ms` of
whole searches through the search service, and `p95_filtered_ms` under filters. Filters come in turn: one that leaves a
fiftieth of the files, one that leaves a fifth of them, and a directory whose subjects the question may not be about.
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
from _report import parser, report
from _synthetic import CHUNKS_IN_FILE, FOLDERS, Synthetic, fill
from numpy.typing import NDArray
from quality import own_database

from magicfs.db import search as queries
from magicfs.db.pool import Database
from magicfs.db.scope import narrow, understand
from magicfs.db.vector_index import MIN_INDEXED_ROWS, IndexAction, maintain_index
from magicfs.domain.models import ModelSpec
from magicfs.search.service import SMALL_SCOPE, SearchService
from magicfs.search.syntax import parse

CANDIDATES = 200
"""What the vector lane is asked for in a search of fifty results."""
DEADLINE_SECONDS = 60.0
WARM_UP = 20
FILTERS = ("ext:rst", "ext:md", "in:part0")
INDEX = (
    "SELECT pg_relation_size(indexrelid) / 1e6, idx_scan FROM pg_stat_user_indexes "
    "WHERE indexrelname = 'embeddings_' || %(model)s || '_vectors'"
)


@dataclass(frozen=True, slots=True)
class KnownVectors:
    """A query embedder that knows the answers."""

    vectors: Mapping[str, NDArray[np.float32]]

    def embed(self, text: str, *, spec: ModelSpec, deadline_s: float) -> NDArray[np.float32]:
        """The vector of a question that was prepared."""
        del spec, deadline_s
        return self.vectors[text]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what to say of it."""

    text: str
    filters: str
    vector: NDArray[np.float32]

    @property
    def typed(self) -> str:
        """As somebody types it."""
        return f"{self.text} {self.filters}".strip()


def allowed(made: Synthetic, filters: str) -> NDArray[np.bool_]:
    """Which chunks a filter leaves, by the rule that made the files."""
    file_of = np.arange(len(made.vectors)) // CHUNKS_IN_FILE
    if filters == "ext:rst":
        return file_of % 50 == 0
    if filters == "ext:md":
        return (file_of % 50 > 0) & (file_of % 50 < 11)
    if filters == "in:part0":
        return file_of * FOLDERS // int(file_of[-1] + 1) == 0
    return np.ones(len(made.vectors), dtype=np.bool_)


def recall(database: Database, made: Synthetic, asked: Sequence[Asked], *, count: int = 10) -> float:
    """The share of the nearest chunks that the vector lane finds."""
    found = 0
    for filters in {one.filters for one in asked}:
        alike = [one for one in asked if one.filters == filters]
        vectors = np.stack([one.vector for one in alike])
        exact = made.exact(vectors, allowed(made, filters), count=count)
        for one, wanted in zip(alike, exact, strict=True):
            with database.transaction() as connection:
                scope = understand(connection, parse(one.typed)).scope
                scope = narrow(connection, scope, limit=SMALL_SCOPE)
                near = queries.nearest(connection, scope, one.vector, model=made.model.id, limit=CANDIDATES)
            found += len({chunk for chunk, _ in near[:count]} & wanted)
    return found / (count * len(asked))


def times_ms(service: SearchService, asked: Sequence[Asked]) -> list[float]:
    """What whole searches take."""
    taken = []
    for one in asked:
        began = time.perf_counter()
        service.search(one.typed, deadline_s=DEADLINE_SECONDS)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def build(database: Database, *, chunks: int) -> float:
    """Build the index of vectors as the agent does; seconds."""
    began = time.perf_counter()
    # Fewer chunks than an index is worth having for are measured with one all the same.
    assert maintain_index(database, worth=min(MIN_INDEXED_ROWS, chunks // 2)) is IndexAction.BUILD
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
    plain = [Asked(text, "", vector) for text, vector in questions.items()]
    filtered = [Asked(one.text, FILTERS[number % len(FILTERS)], one.vector) for number, one in enumerate(plain)]
    service = SearchService(database, KnownVectors(questions), default_limit=50)
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


def print_by_filter(asked: Sequence[Asked], taken_ms: Sequence[float]) -> None:
    """Say on standard error which filter costs what."""
    for filters in FILTERS:
        mine = [ms for one, ms in zip(asked, taken_ms, strict=True) if one.filters == filters]
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
        assert scans, "no search has used the index of vectors"
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
