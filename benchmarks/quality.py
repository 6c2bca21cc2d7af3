"""The quality of the ranking: judged questions over a folder of texts.

FOLDER has the texts as `docs/<id>.txt`, the questions in `queries.tsv` (id, text) and the judgements in `qrels.tsv`
(question, text, grade). The services of the pipeline index the folder in a Postgres of the benchmark's own. Each
question is then searched three times: by words, by meaning, and by both as users do. Questions are prose: quotes and
dashes in them are no search syntax.

Figures, means over the questions that have a relevant text, among the first hundred results: `ndcg10` (the
grade is the gain, as trec_eval has it), `recall10`, `recall100`, `mrr`.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

# A script imports modules of its own folder without a package.
from _report import parser, report
from _stack import SilentQueue

from magicfs.config import Settings
from magicfs.db.migrate import migrate
from magicfs.db.models import activate_model
from magicfs.db.pool import Database
from magicfs.db.roots import list_roots
from magicfs.domain.chunks import CopyRules
from magicfs.domain.models import IndexedModel, ModelSpec, StoredModel
from magicfs.domain.query import Query
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.ingest.roots import add_root
from magicfs.ingest.scanner import Scanner
from magicfs.models.store import ModelStore
from magicfs.pipeline.embed import EmbedService
from magicfs.pipeline.extract import ExtractService
from magicfs.runtime import postgres
from magicfs.runtime.processes import wait_until
from magicfs.search.compiled_query import compile_query
from magicfs.search.corpus_statistics import StatisticsCache
from magicfs.search.meaning import QuestionVector
from magicfs.search.ranking import SearchRequest, rank_files
from magicfs.text.chunking import TokenChunker
from magicfs.text.extract import FileExtractor, Limits

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
HOST = "benchmark"
DEPTH = 100
MODES = ("lexical", "vector", "hybrid")

Judgements = dict[str, dict[str, int]]
"""Grades by text, by question."""


def read_questions(folder: Path) -> dict[str, str]:
    """The questions by their ids."""
    lines = (folder / "queries.tsv").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines if "\t" in line)


def read_judgements(folder: Path) -> Judgements:
    """The grades; a text with a grade of 0 or less is not relevant."""
    judgements: Judgements = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines():
        if line.strip():
            question, text, grade = line.split("\t")[:3]
            judgements.setdefault(question, {})[text] = int(grade)
    return judgements


def judge(ranked: Sequence[str], grades: Mapping[str, int]) -> dict[str, float]:
    """The figures of one question."""
    relevant = {text for text, grade in grades.items() if grade > 0}
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    ranks = [rank for rank, text in enumerate(ranked, 1) if text in relevant]
    gains = [max(0, grades.get(text, 0)) for text in ranked[:10]]
    return {
        "ndcg10": _discounted(gains) / _discounted(ideal[:10]),
        "recall10": sum(rank <= 10 for rank in ranks) / len(relevant),
        "recall100": sum(rank <= 100 for rank in ranks) / len(relevant),
        "mrr": 1 / ranks[0] if ranks else 0.0,
    }


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


@contextmanager
def own_database(home: Path) -> Iterator[str]:
    """The address of a migrated database on a server of this benchmark."""
    settings = Settings(home=home)
    settings.make_home()
    command = [sys.executable, "-m", "magicfs.runtime.postgres", str(home)]
    with (home / "postgres.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            wait_until(lambda: postgres.answers(settings.run_dir), seconds=60, failed="Postgres does not start")
            with Database(settings.database_dsn, application="benchmark") as database:
                migrate(database)
            yield settings.database_dsn
        finally:
            server.terminate()


def extract(database: Database, docs: Path, model: StoredModel, *, home: Path) -> None:
    """Scan and extract the folder, as the agent and an extract worker do."""
    root = add_root(database, host=HOST, path=docs, home=home)
    with database.transaction() as connection:
        registered = next(row for row in list_roots(connection) if row.root.id == root.id)
    Scanner(database, SilentQueue()).scan(registered)
    settings = Settings(home=home)
    with FileExtractor(limits=Limits()) as extractor:
        service = ExtractService(
            database,
            SilentQueue(),
            extractor=extractor,
            chunker=TokenChunker(model.tokenizer_path, max_tokens=settings.chunk_tokens),
            host=HOST,
            owner="benchmark",
            max_file_bytes=settings.max_file_mb << 20,
            max_embedded_chunks=settings.max_embedded_chunks,
        )
        while service.run_batch():
            pass


def embed(dsn: str, folder: Path, number: int) -> None:
    """Embed all pending chunks, as an embed worker does. Runs in a process of its own."""

    def load(_: ModelSpec) -> FastembedEmbedder:
        return FastembedEmbedder.load(folder)

    with Database(dsn, application=f"benchmark {number}") as database:
        service = EmbedService(database, SilentQueue(), load=load, owner=f"benchmark-{number}")
        while service.run_turn():
            pass


def embed_on_all_cores(dsn: str, folder: Path) -> None:
    """Embed in one process for each core, each with a model of its own."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=embed, args=(dsn, folder, n)) for n in range(os.cpu_count() or 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            raise RuntimeError("an embedding process failed")


def ask(database: Database, model: IndexedModel, embedder: FastembedEmbedder, text: str) -> dict[str, list[str]]:
    """The ranked texts for a question, by mode."""
    query = Query(text=text, question=text)
    vector = QuestionVector(model, embedder.embed_query(text)) if embedder.reads(text) else None
    answers = {}
    with database.transaction() as connection:
        statistics = StatisticsCache().read(connection, model)
        compiled = compile_query(connection, query)
        for mode in MODES:
            request = SearchRequest(
                copy_rules=CopyRules(each_copy=True),
                question=text,
                compiled=replace(compiled, terms=(), question_phrase=None) if mode == "vector" else compiled,
                question_vectors=() if mode == "lexical" or vector is None else (vector,),
                limit=DEPTH,
            )
            hits = rank_files(connection, request, statistics)
            answers[mode] = [os.fsdecode(hit.name).removesuffix(".txt") for hit in hits]
    return answers


def measure(
    folder: Path, database: Database, model: IndexedModel, embedder: FastembedEmbedder
) -> dict[str, dict[str, float]]:
    """The mean figures by mode."""
    judgements = read_judgements(folder)
    judged: dict[str, list[dict[str, float]]] = {mode: [] for mode in MODES}
    for question, text in read_questions(folder).items():
        grades = judgements.get(question, {})
        if not any(grade > 0 for grade in grades.values()):
            continue
        for mode, ranked in ask(database, model, embedder, text).items():
            judged[mode].append(judge(ranked, grades))
    return {
        mode: {name: round(sum(figures[name] for figures in questions) / len(questions), 4) for name in questions[0]}
        for mode, questions in judged.items()
    }


def main() -> None:
    """Index, ask, print."""
    options = parser(__doc__ or "")
    options.add_argument("folder", type=Path, help="folder with docs/, queries.tsv and qrels.tsv")
    options.add_argument("--model", default=MODEL, help="name or folder of the model")
    options.add_argument("--precision", default="int8", choices=("int8", "fp32", "auto"))
    options.add_argument("--models", type=Path, help="an existing model store, so that the model is not prepared again")
    chosen = options.parse_args()
    began = time.monotonic()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mfs-")))
        stored = ModelStore(chosen.models or home / "models").pull(chosen.model, precision=chosen.precision)
        dsn = stack.enter_context(own_database(home))
        database = stack.enter_context(Database(dsn, application="benchmark"))
        with database.transaction() as connection:
            model = activate_model(connection, stored.spec)
        extract(database, (chosen.folder / "docs").resolve(), stored, home=home)
        embed_on_all_cores(dsn, stored.folder)
        with database.transaction() as connection:
            connection.execute("ANALYZE")
            coverage = StatisticsCache().read(connection, model).coverage
        indexed_s = time.monotonic() - began
        figures = measure(chosen.folder, database, model, FastembedEmbedder.load(stored.folder))
    sizes = {
        "folder": chosen.folder.name,
        "model": stored.spec.label,
        "files": coverage.indexed,
        "chunks": coverage.chunks,
        "embedded": coverage.embedded,
        "index_s": round(indexed_s, 1),
        "total_s": round(time.monotonic() - began, 1),
    }
    report("quality", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
