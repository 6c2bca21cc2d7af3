"""The quality of the ranking: judged questions over folders of texts.

A FOLDER has the texts as `docs/<id>.txt`, the questions in `queries.tsv` (id, text) and the judgements in `qrels.tsv`
(question, text, grade). The services of the pipeline index it in a Postgres of the benchmark's own, by the models that
an index has: MiniLM, and beside it the multilingual one. Each question is then searched by words, by the vectors of
each model and of both, and by everything as users do. Questions are prose: quotes and dashes in them are no search
syntax.

Several folders are indexed together, as a mixture, and each one's questions are judged by its own texts. With
`--ask FOLDER`, which may be repeated, the questions and judgements are those of other folders, whose texts have the
same ids in other languages. The name `code` stands for a collection that is made from the standard library.

Figures, means over the questions that have a relevant text, among the first hundred results: `ndcg10` (the
grade is the gain, as trec_eval has it), `recall10`, `recall100`, `mrr`; and what `hybrid` has more in nDCG than each
mode, with the ends of the bootstrap interval of 95 %: `gain`, `gain_low`, `gain_high`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

# A script imports modules of its own folder without a package.
from _code import write_collection
from _index import Embedders, embed_on_all_cores, extract, own_database, prepare, texts_of
from _judged import (
    Figures,
    Runs,
    judge,
    read_judgements,
    read_questions,
    read_runs,
    summarize,
    write_runs,
)
from _report import parser, report
from _rules import RULES, Rule

from magicfs.db.pool import Database
from magicfs.db.status import read_status
from magicfs.db.vectors.models import searched_models
from magicfs.domain.chunks import CopyRules, FoundFile
from magicfs.domain.models import IndexedModel
from magicfs.domain.query import Query
from magicfs.domain.results import Hit
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.models.store import ModelStore
from magicfs.search.compiled_query import prepare_query
from magicfs.search.corpus_statistics import CorpusStatistics
from magicfs.search.meaning import QuestionVector
from magicfs.search.question_vectors import embed_question, model_outage
from magicfs.search.ranking import Ranking, rank_candidates, rank_files
from magicfs.search.request import SearchRequest
from magicfs.text.question_language import question_languages

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MULTILINGUAL = "intfloat/multilingual-e5-small"
NO_MODEL = "none"
CODE = "code"
DEPTH = 100


@dataclass(frozen=True, slots=True)
class Models:
    """The models of the index, and what embeds questions by them."""

    indexed: Sequence[IndexedModel]
    embedders: Embedders


def modes(vectors: Sequence[QuestionVector]) -> dict[str, Sequence[QuestionVector]]:
    """The vectors of a question by mode. A model alone is a mode if it is one of several."""
    several = {"multilingual" if vector.is_second else "active": [vector] for vector in vectors if len(vectors) > 1}
    return {"lexical": (), **several, "vector": vectors, "hybrid": vectors}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question has got."""

    answers: dict[str, list[str]]
    """The names of the ranked texts, by mode."""
    candidates: Ranking
    """All candidates of the mode `hybrid`, with their evidence."""


def ask(database: Database, models: Models, text: str, *, rules: Sequence[Rule]) -> Asked:
    """Ask a question in each mode, and in the mode `hybrid` without each of some rules."""
    query = Query(text=text, question=text)
    languages = question_languages(text)
    vectors, _ = embed_question(
        models.embedders, text, models.indexed, languages, deadline_s=math.inf, outage=model_outage()
    )
    answers = {}
    with database.transaction() as connection:
        statistics = CorpusStatistics(read_status(connection).coverage)
        compiled = prepare_query(connection, query)[0]
        request = SearchRequest(
            copy_rules=CopyRules(each_copy=True),
            question=text,
            compiled=compiled,
            question_vectors=vectors,
            languages=languages,
            limit=DEPTH,
        )
        wordless = replace(compiled, terms=(), question_phrase=None)
        for mode, used in modes(vectors).items():
            words = compiled if mode in {"lexical", "hybrid"} else wordless
            moded = replace(request, compiled=words, question_vectors=used)
            answers[mode] = list(map(name_of, rank_files(connection, moded, statistics)))
        for rule in rules:
            with rule.off():
                answers[f"without {rule.name}"] = list(map(name_of, rank_files(connection, request, statistics)))
        candidates = rank_candidates(connection, request, statistics)
    return Asked(answers, candidates)


def name_of(found: Hit | FoundFile) -> str:
    """The name by which a text is judged: its path without the ending."""
    return os.fsdecode(found.path).rpartition(".")[0]


def measure(
    folder: Path,
    database: Database,
    models: Models,
    *,
    below: str,
    rules: Sequence[Rule] = (),
    evidence: TextIO | None = None,
) -> Runs:
    """The figures of each question of a folder; its texts are in the directory `below` of the root.

    `evidence` gets a line for each question: its candidates with what the retrievers say of them.
    """
    judgements = read_judgements(folder)
    runs: Runs = {}
    for question, text in read_questions(folder).items():
        grades = {f"{below}{name}": grade for name, grade in judgements.get(question, {}).items()}
        if not any(grade > 0 for grade in grades.values()):
            continue
        asked = ask(database, models, text, rules=rules)
        for mode, ranked in asked.answers.items():
            runs.setdefault(mode, {})[question] = judge(ranked, grades)
        if evidence is not None:
            print(json.dumps(evidence_of(folder.name, question, grades, asked.candidates)), file=evidence)
    return runs


def evidence_of(collection: str, question: str, grades: Mapping[str, int], ranking: Ranking) -> dict[str, Any]:
    """What fusion knows of a question and its candidates, best first, to try other rules on it without an index."""
    return {
        "collection": collection,
        "question": question,
        "grades": grades,
        "weights": {term.word: weight for term, weight in ranking.words.weights.items()},
        "scale": asdict(ranking.scale),
        "candidates": [{"text": name_of(file.found), **file.evidence._asdict()} for file in ranking.files],
    }


def folder_of(name: str, stack: ExitStack) -> Path:
    """The folder of a collection; that of `code` is written first."""
    if name != CODE:
        return Path(name)
    return write_collection(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="code-"))) / CODE)


def options() -> argparse.ArgumentParser:
    """The options of this benchmark."""
    known = parser(__doc__ or "")
    known.add_argument("folders", nargs="+", help="each with docs/, queries.tsv and qrels.tsv, or `code`")
    known.add_argument("--ask", type=Path, action="append", help="a folder whose questions are asked instead")
    known.add_argument("--ablate", action="store_true", help="ask without each rule of the fusion, too")
    known.add_argument("--evidence", type=Path, help="write here what the retrievers say of each candidate")
    known.add_argument("--runs", type=Path, help="write the figures of each question here")
    known.add_argument("--baseline", type=Path, help="runs that `hybrid` is compared with")
    known.add_argument("--model", default=MODEL, help="name or folder of the active model")
    known.add_argument("--multilingual", default=MULTILINGUAL, help="that of the model beside it, or `none`")
    known.add_argument("--no-second-vectors", action="store_true", help="ask before texts have a second vector")
    known.add_argument("--precision", default="int8", choices=("int8", "fp32", "auto"))
    known.add_argument("--models", type=Path, help="an existing model store, so that no model is prepared again")
    known.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="processes that embed")
    return known


def main() -> None:
    """Index, ask, print."""
    chosen = options().parse_args()
    names = [chosen.model, *([] if chosen.multilingual == NO_MODEL else [chosen.multilingual])]
    began = time.monotonic()
    with ExitStack() as stack:
        folders = [folder_of(name, stack) for name in chosen.folders]
        asked_folders: list[Path] = chosen.ask or folders
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
            coverage = read_status(connection).coverage
        indexed_s = time.monotonic() - began
        models = Models(indexed, Embedders([FastembedEmbedder.load(model.folder) for model in stored]))
        evidence = stack.enter_context(chosen.evidence.open("w")) if chosen.evidence else None
        rules = RULES if chosen.ablate else ()
        runs: dict[str, Runs] = {}
        for asked in asked_folders:
            below = f"{asked.name}/" if len(folders) > 1 else ""
            runs[asked.name] = measure(asked, database, models, below=below, rules=rules, evidence=evidence)
    figures: Figures = {}
    baseline = read_runs(chosen.baseline) if chosen.baseline else {}
    for name, run in runs.items():
        former = {"baseline": baseline[name]["hybrid"]} if name in baseline else {}
        label = f" {name}" if len(runs) > 1 else ""
        figures |= {f"{mode}{label}": values for mode, values in summarize(run | former, of="hybrid").items()}
    if chosen.runs:
        write_runs(chosen.runs, runs)
    sizes = {
        "folder": " + ".join(folder.name for folder in folders),
        "asked": " + ".join(runs),
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
