"""Tiny corpora: the first folder that a person tries, asked in everyday words.

Each FOLDER, by default each one in `small/`, is a corpus of its own with `docs/`, `queries.tsv` and `qrels.tsv`, as
`quality` reads them: letters, recipes, notes, code, mails, minutes, contracts, fiction and more, some in several
languages. Questions seldom have the words of the text that answers them. `--together` makes one corpus of all.

Figures, over the questions of a folder, and of all: `first` (share whose answer is the first result), `third` (share
whose answer is among the first three), `mrr`, `shown` (share whose answer is a result), `score` and `low` (the median
and the 10 % quantile of the answer's score, 0 if it is not shown), `unrelated` (the greatest score that a question
about something else gets), `unrelated_over` (the share of those with a result of 0.2 or more).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

# A script imports modules of its own folder without a package.
from _index import Embedders, embed_here, extract, own_database, prepare, texts_of
from _judged import read_judgements, read_questions
from _report import parser, report

from magicfs.db.pool import Database
from magicfs.domain.results import Hit
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.models.store import ModelStore
from magicfs.search.service import SearchService

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MULTILINGUAL = "intfloat/multilingual-e5-small"
NO_MODEL = "none"
SMALL = Path(__file__).resolve().parent / "small"
UNRELATED = 0.2
DEADLINE_SECONDS = 60.0

UNRELATED_QUESTIONS = """\
history of the Ottoman empire
violin concerto in D minor
how many moons does Jupiter have
the senator's opinion about the strike of the farmers
blorp zindle quuxly frobnar
how to fold a paper crane
rules of ice hockey
proof that there are infinitely many primes
tuning the carburettor of a motorcycle
giraffe
mining of copper in Chile
what did the king say to his knights
Wie funktioniert ein Kernkraftwerk?
Regeln der deutschen Rechtschreibung
怎样修理手表
كيف تعمل الغواصة
comment jouer aux échecs
кто изобрёл радио
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a question has got."""

    rank: int
    """Of the first right result; 0 if none is shown."""
    score: float
    """Of the same; 0 if none is shown."""


def figures_of(answers: Sequence[Answered], unrelated: Sequence[float]) -> dict[str, float]:
    """The figures of some questions, and of the greatest scores of some unrelated ones."""
    ranks = np.array([answer.rank for answer in answers])
    scores = np.array([answer.score for answer in answers])
    figures = {
        "first": np.mean(ranks == 1),
        "third": np.mean((ranks > 0) & (ranks <= 3)),
        "mrr": np.mean([1 / rank if rank else 0.0 for rank in ranks]),
        "shown": np.mean(ranks > 0),
        "score": np.median(scores),
        "low": np.quantile(scores, 0.1),
        "unrelated": max(unrelated),
        "unrelated_over": np.mean([score >= UNRELATED for score in unrelated]),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


@contextmanager
def index_of(texts: Path, store: ModelStore, names: Sequence[str], loaded: list[FastembedEmbedder]) -> Iterator[str]:
    """The address of an index of some texts. Models that are not in `loaded` are loaded into it."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mfs-")))
        dsn = stack.enter_context(own_database(home))
        database = stack.enter_context(Database(dsn, application="benchmark"))
        models = prepare(store, names, database, precision="int8")
        loaded += [] if loaded else [FastembedEmbedder.load(model.folder) for model in models]
        extract(database, texts, models[0], home=home)
        embed_here(database, loaded)
        with database.transaction() as connection:
            connection.execute("ANALYZE")
        yield dsn


def ask(service: SearchService, folder: Path, *, below: str, verbose: bool) -> list[Answered]:
    """Ask the questions of a folder, whose texts are in the directory `below` of the root."""
    judgements = read_judgements(folder)
    answers = []
    for number, question in read_questions(folder).items():
        right = {below + name for name in judgements[number]}
        hits = service.search(question, deadline_s=DEADLINE_SECONDS).hits
        found = next((hit for hit in hits if _name(hit) in right), None)
        answers.append(Answered(found.rank, found.score) if found else Answered(0, 0.0))
        if verbose and answers[-1].rank != 1:
            listed = "  ".join(f"{hit.score:.2f} {_name(hit)}" for hit in hits[:4])
            print(
                f"{folder.name}: {question}: {', '.join(sorted(right))} is {answers[-1].rank or 'not shown'}: {listed}"
            )
    return answers


def _name(hit: Hit) -> str:
    return os.fsdecode(hit.path).rpartition(".")[0]


def main() -> None:
    """Index, ask, print."""
    options = parser(__doc__ or "")
    options.add_argument("folders", nargs="*", type=Path, help="each with docs/, queries.tsv and qrels.tsv")
    options.add_argument("--together", action="store_true", help="one corpus of all folders, not one for each")
    options.add_argument("--model", default=MODEL, help="name or folder of the active model")
    options.add_argument("--multilingual", default=MULTILINGUAL, help="that of the model beside it, or `none`")
    options.add_argument("--models", type=Path, help="an existing model store, so that no model is prepared again")
    options.add_argument("--verbose", action="store_true", help="print the questions whose answer is not the first")
    chosen = options.parse_args()
    names = [chosen.model, *([] if chosen.multilingual == NO_MODEL else [chosen.multilingual])]
    folders = chosen.folders or sorted(path for path in SMALL.iterdir() if path.is_dir())
    corpora = [folders] if chosen.together else [[folder] for folder in folders]
    answers: dict[str, list[Answered]] = {}
    unrelated: dict[str, list[float]] = {}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="models-") as own:
        store, loaded = ModelStore(chosen.models or Path(own)), list[FastembedEmbedder]()
        for corpus in corpora:
            with ExitStack() as stack:
                mixture = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mixture-")))
                dsn = stack.enter_context(index_of(texts_of(corpus, mixture), store, names, loaded))
                database = stack.enter_context(Database(dsn, application="benchmark"))
                service = SearchService(database, Embedders(loaded), default_limit=10)
                for folder in corpus:
                    below = f"{folder.name}/" if len(corpus) > 1 else ""
                    asked = ask(service, folder, below=below, verbose=chosen.verbose and not chosen.json)
                    answers[folder.name] = asked
                    unrelated[folder.name] = [
                        max((hit.score for hit in service.search(line, deadline_s=DEADLINE_SECONDS).hits), default=0.0)
                        for line in UNRELATED_QUESTIONS.splitlines()
                    ]
    figures = {name: figures_of(asked, unrelated[name]) for name, asked in answers.items()}
    figures["all"] = figures_of(list(chain(*answers.values())), list(chain(*unrelated.values())))
    sizes = {"corpora": len(corpora), "questions": sum(map(len, answers.values()))}
    report("small", figures, sizes=sizes | {"total_s": round(time.monotonic() - began, 1)}, as_json=chosen.json)


if __name__ == "__main__":
    main()
