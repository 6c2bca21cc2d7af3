"""The quality of the ranking: judged questions over folders of texts.

A FOLDER has the texts as `docs/<id>.txt`, the questions in `queries.tsv` (id, text) and the judgements in `qrels.tsv`
(question, text, grade). The services of the pipeline index it in a Postgres of the benchmark's own, by the models that
an index has: MiniLM, and beside it the multilingual one. Each question is then searched by words, by the vectors of
each model and of both, and by everything as users do. Questions are prose: quotes and dashes in them are no search
syntax.

Several folders are indexed together, as a mixture, and each one's questions are judged by its own texts. With
`--ask FOLDER`, which may be repeated, the questions and judgements are those of other folders, whose texts have the
same ids in other languages.

Figures, means over the questions that have a relevant text, among the first hundred results: `ndcg10` (the
grade is the gain, as trec_eval has it), `recall10`, `recall100`, `mrr`.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

# A script imports modules of its own folder without a package.
from _report import parser, report
from _stack import SilentQueue
from numpy.typing import NDArray

from magicfs.config import Settings
from magicfs.db.migrate import migrate
from magicfs.db.models import activate_model, searched_models, start_multilingual
from magicfs.db.pool import Database
from magicfs.db.roots import list_roots
from magicfs.db.status import models_with_backlog
from magicfs.domain.chunks import CopyRules
from magicfs.domain.models import IndexedModel, ModelSpec, StoredModel
from magicfs.domain.query import Query
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.errors import LanguageUnread, MagicFSError
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
from magicfs.search.question_vectors import embed_question, model_outage
from magicfs.search.ranking import SearchRequest, rank_files
from magicfs.text.chunking import TokenChunker
from magicfs.text.extract import FileExtractor, Limits
from magicfs.text.question_language import question_languages

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MULTILINGUAL = "intfloat/multilingual-e5-small"
NO_MODEL = "none"
HOST = "benchmark"
DEPTH = 100

Judgements = dict[str, dict[str, int]]
"""Grades by text, by question."""
Figures = dict[str, dict[str, float]]
"""The mean figures by mode."""


@dataclass(frozen=True, slots=True)
class Models:
    """The models of the index, and what embeds questions by them."""

    indexed: Sequence[IndexedModel]
    embedders: Mapping[ModelSpec, FastembedEmbedder]

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[NDArray[np.float32] | MagicFSError]:
        """The vector of a question under each model, or why there is none: a `QuestionVectorSource`."""
        del kept, deadline_s
        outcomes: list[NDArray[np.float32] | MagicFSError] = []
        for spec in specs:
            try:
                outcomes.append(self._embedder(spec).embed_query(text))
            except LanguageUnread as error:
                outcomes.append(error)
        return outcomes

    def _embedder(self, spec: ModelSpec) -> FastembedEmbedder:
        return next(embedder for known, embedder in self.embedders.items() if known.is_model(spec))


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


def embed(dsn: str, folders: Mapping[str, Path], number: int, *, second: bool) -> None:
    """Embed all pending chunks as a worker does, with `second` the second vectors too. Runs in a process of its own."""

    def load(spec: ModelSpec) -> FastembedEmbedder:
        return FastembedEmbedder.load(folders[spec.name])

    with Database(dsn, application=f"benchmark {number}") as database:
        service = EmbedService(database, SilentQueue(), load=load, owner=f"benchmark-{number}")
        while (second or waits_for_first_vectors(database)) and service.run_turn():
            pass


def waits_for_first_vectors(database: Database) -> bool:
    """Whether a chunk waits for the vector by which it is to be found first."""
    with database.transaction() as connection:
        return bool(models_with_backlog(connection))


def embed_on_all_cores(dsn: str, folders: Mapping[str, Path], *, processes: int, second: bool) -> None:
    """Embed in several processes, each with a model of its own."""
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=embed, args=(dsn, folders, n), kwargs={"second": second}) for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            raise RuntimeError("an embedding process failed")


def modes(vectors: Sequence[QuestionVector]) -> dict[str, Sequence[QuestionVector]]:
    """The vectors of a question by mode. A model alone is a mode if it is one of several."""
    several = {"multilingual" if vector.is_second else "active": [vector] for vector in vectors if len(vectors) > 1}
    return {"lexical": (), **several, "vector": vectors, "hybrid": vectors}


def ask(database: Database, models: Models, text: str) -> dict[str, list[str]]:
    """The ranked texts for a question, by mode: their paths without the ending."""
    query = Query(text=text, question=text)
    languages = question_languages(text)
    vectors, _ = embed_question(models, text, models.indexed, languages, deadline_s=math.inf, outage=model_outage())
    answers = {}
    with database.transaction() as connection:
        statistics = StatisticsCache().read(connection, models.indexed[0])
        compiled = compile_query(connection, query)
        wordless = replace(compiled, terms=(), question_phrase=None)
        for mode, used in modes(vectors).items():
            request = SearchRequest(
                copy_rules=CopyRules(each_copy=True),
                question=text,
                compiled=compiled if mode in {"lexical", "hybrid"} else wordless,
                question_vectors=used,
                languages=languages,
                limit=DEPTH,
            )
            hits = rank_files(connection, request, statistics)
            answers[mode] = [os.fsdecode(hit.path).removesuffix(".txt") for hit in hits]
    return answers


def measure(folder: Path, database: Database, models: Models, *, below: str) -> Figures:
    """The figures of a folder's questions; its texts are in the directory `below` of the root."""
    judgements = read_judgements(folder)
    judged: dict[str, list[dict[str, float]]] = {}
    for question, text in read_questions(folder).items():
        grades = {f"{below}{name}": grade for name, grade in judgements.get(question, {}).items()}
        if not any(grade > 0 for grade in grades.values()):
            continue
        for mode, ranked in ask(database, models, text).items():
            judged.setdefault(mode, []).append(judge(ranked, grades))
    # A model that reads a few of the questions alone, by their words, is no mode of its own.
    least = len(judged["lexical"]) / 2
    return {
        mode: {name: round(sum(figures[name] for figures in questions) / len(questions), 4) for name in questions[0]}
        for mode, questions in judged.items()
        if len(questions) >= least
    }


def texts_of(folders: Sequence[Path], mixture: Path) -> Path:
    """The directory to index: the texts of one folder, or those of several below a directory for each."""
    if len(folders) == 1:
        return (folders[0] / "docs").resolve()
    for folder in folders:
        shutil.copytree(folder / "docs", mixture / folder.name)
    return mixture


def prepare(store: ModelStore, names: Sequence[str], database: Database, *, precision: str) -> list[StoredModel]:
    """Prepare the models and give them to the index, the active one first."""
    stored = [store.pull(name, precision=precision) for name in names]
    with database.transaction() as connection:
        activate_model(connection, stored[0].spec)
        for second in stored[1:]:
            start_multilingual(connection, second.spec)
    return stored


def main() -> None:
    """Index, ask, print."""
    options = parser(__doc__ or "")
    options.add_argument("folders", nargs="+", type=Path, help="with docs/, queries.tsv and qrels.tsv")
    options.add_argument("--ask", type=Path, action="append", help="a folder whose questions are asked instead")
    options.add_argument("--model", default=MODEL, help="name or folder of the active model")
    options.add_argument("--multilingual", default=MULTILINGUAL, help="that of the model beside it, or `none`")
    options.add_argument("--no-second-vectors", action="store_true", help="ask before texts have a second vector")
    options.add_argument("--precision", default="int8", choices=("int8", "fp32", "auto"))
    options.add_argument("--models", type=Path, help="an existing model store, so that no model is prepared again")
    options.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="processes that embed")
    chosen = options.parse_args()
    folders: list[Path] = chosen.folders
    names = [chosen.model, *([] if chosen.multilingual == NO_MODEL else [chosen.multilingual])]
    began = time.monotonic()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mfs-")))
        dsn = stack.enter_context(own_database(home))
        database = stack.enter_context(Database(dsn, application="benchmark"))
        stored = prepare(ModelStore(chosen.models or home / "models"), names, database, precision=chosen.precision)
        mixture = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mixture-")))
        extract(database, texts_of(folders, mixture), stored[0], home=home)
        places = {model.spec.name: model.folder for model in stored}
        embed_on_all_cores(dsn, places, processes=chosen.processes, second=not chosen.no_second_vectors)
        with database.transaction() as connection:
            connection.execute("ANALYZE")
            indexed = searched_models(connection)
            coverage = StatisticsCache().read(connection, indexed[0]).coverage
        indexed_s = time.monotonic() - began
        models = Models(indexed, {model.spec: FastembedEmbedder.load(model.folder) for model in stored})
        figures: Figures = {}
        for asked in chosen.ask or folders:
            below = f"{asked.name}/" if len(folders) > 1 else ""
            measured = measure(asked, database, models, below=below)
            label = f" {asked.name}" if len(chosen.ask or folders) > 1 else ""
            figures |= {f"{mode}{label}": values for mode, values in measured.items()}
    sizes = {
        "folder": " + ".join(folder.name for folder in folders),
        "asked": " + ".join(asked.name for asked in chosen.ask or folders),
        "model": " + ".join(model.spec.label for model in stored),
        "files": coverage.indexed,
        "chunks": coverage.chunks,
        "embedded": coverage.embedded,
        "index_s": round(indexed_s, 1),
        "total_s": round(time.monotonic() - began, 1),
    }
    report("quality", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
