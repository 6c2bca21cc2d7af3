"""What scores say: whether they tell results apart, and whether unrelated questions have low ones.

Each FOLDER, by default this project's own code and pages, is indexed as a corpus of its own by the services of the
pipeline, with MiniLM alone, or with `--multilingual` with a second model. Thirty everyday questions, which any
project of software answers, are asked, and thirty that none does: other subjects, other languages, and words without
sense. `--everyday` and `--unrelated` read others, one a line.

Figures by folder, over the first ten results of each question: `certain` (share of results that print 1.00 without the
very words), `first_tenth` (difference between the first and the tenth, median over the questions that have ten), `ties`
(share of neighbours that print the same score), `first` (score of the first result, median), `found` (share of everyday
questions with a result of 0.5 or more), `unrelated` (the greatest score that an unrelated question gets),
`unrelated_over` (share of unrelated questions with a result of 0.2 or more), `unrelated_results` (results an unrelated
question, mean).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

# A script imports modules of its own folder without a package.
from _index import Embedders, embed_on_all_cores, extract, own_database, prepare
from _report import parser, report

from magicfs.db.pool import Database
from magicfs.domain.models import StoredModel
from magicfs.domain.results import Hit
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.models.store import ModelStore
from magicfs.search.service import SearchService

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MULTILINGUAL = "intfloat/multilingual-e5-small"
NO_MODEL = "none"
PROJECT = Path(__file__).resolve().parent.parent
FIRST = 10
CERTAIN = 0.995
"""From here on a score prints as 1.00."""
ANSWERED = 0.5
UNRELATED = 0.2
DEADLINE_SECONDS = 60.0

EVERYDAY_QUESTIONS = """\
how to run the tests
where is the configuration file
how are errors handled
what changed in the last release
how to install it on windows
parsing of command line arguments
set up logging
which license does it have
how can I contribute
list of dependencies
continuous integration
report a security problem
connect through an http proxy
reading files with strange encodings
build the documentation
deprecated features and their replacement
ignore hidden files and directories
timeout of a connection
default values of options
write the output as json
show a progress bar
environment variables
exit codes of the program
keep results in a cache
log in with a user name and a password
temporary files
stop with control c
match text with regular expressions
make it faster
shell completion
"""

UNRELATED_QUESTIONS = """\
recipe for apple strudel
pruning climbing roses in spring
symptoms of measles in children
night train to Lisbon
knitting a woollen sweater
history of the Ottoman empire
the most beautiful beaches of Thailand
depth of the Mariana trench
violin concerto in D minor
vaccination of puppies
blorp zindle quuxly frobnar
colourless green ideas sleep furiously
the moon is made of cheese and whistles on Tuesdays
grandmother's wedding dress
mortgage rates for a cottage by the sea
photosynthesis of desert plants
tyre pressure of a bicycle
giraffe
volcano eruption
sourdough bread
Wie backe ich einen Apfelstrudel?
Rosen schneiden im Frühling
怎样种植西红柿
番茄炒蛋
كيف أخبز الخبز في المنزل
recette de la soupe à l'oignon
what did the senator say about the farmers' strike last week
blood pressure tablets
choir rehearsal on Thursday evening in the church
how many moons does Jupiter have
"""


def figures_of(everyday: Sequence[Sequence[Hit]], unrelated: Sequence[Sequence[Hit]]) -> dict[str, float]:
    """The figures of a corpus, from the first results of each question."""
    shown = [hit for hits in everyday for hit in hits]
    tenths = [hits[0].score - hits[FIRST - 1].score for hits in everyday if len(hits) >= FIRST]
    neighbours = [f"{a.score:.2f}" == f"{b.score:.2f}" for hits in everyday for a, b in pairwise(hits)]
    firsts = [hits[0].score if hits else 0.0 for hits in everyday]
    greatest = [hits[0].score if hits else 0.0 for hits in unrelated]
    figures = {
        "certain": mean([hit.score >= CERTAIN and hit.lexical != 1.0 for hit in shown] or [0]),
        "first_tenth": median(tenths or [0.0]),
        "ties": mean(neighbours or [0]),
        "first": median(firsts),
        "found": mean(score >= ANSWERED for score in firsts),
        "unrelated": max(greatest),
        "unrelated_over": mean(score >= UNRELATED for score in greatest),
        "unrelated_results": mean(map(len, unrelated)),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def measure(
    folder: Path, stored: Sequence[str], store: ModelStore, *, options: Options
) -> tuple[dict[str, float], int]:
    """Index a folder, ask, and return the figures and the number of chunks."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mfs-")))
        dsn = stack.enter_context(own_database(home))
        database = stack.enter_context(Database(dsn, application="benchmark"))
        models = prepare(store, stored, database, precision="int8")
        extract(database, folder.resolve(), models[0], home=home)
        places = {model.spec.name: model.folder for model in models}
        embed_on_all_cores(dsn, places, processes=options.processes, second=True)
        with database.transaction() as connection:
            connection.execute("ANALYZE")
        return ask(database, models, options)


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked, and how."""

    everyday: Sequence[str]
    unrelated: Sequence[str]
    processes: int
    verbose: bool


def ask(database: Database, models: Sequence[StoredModel], options: Options) -> tuple[dict[str, float], int]:
    """The figures of an index, and the number of its chunks."""
    embedders = Embedders([FastembedEmbedder.load(model.folder) for model in models])
    service = SearchService(database, embedders, default_limit=FIRST)
    answers: list[list[Sequence[Hit]]] = []
    chunks = 0
    for questions in (options.everyday, options.unrelated):
        answers.append([])
        for question in questions:
            result = service.search(question, deadline_s=DEADLINE_SECONDS)
            chunks = result.coverage.chunks
            answers[-1].append(result.hits)
            if options.verbose:
                print(f"{question}: {' '.join(f'{hit.score:.2f}' for hit in result.hits)}")
    return figures_of(*answers), chunks


def _lines(path: Path | None, otherwise: str) -> list[str]:
    text = otherwise if path is None else path.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip()]


def main() -> None:
    """Index, ask, print."""
    options = parser(__doc__ or "")
    options.add_argument(
        "folders", nargs="*", type=Path, help="each a corpus of its own, such as a project of software"
    )
    options.add_argument("--everyday", type=Path, help="questions that the folders answer, one a line")
    options.add_argument("--unrelated", type=Path, help="questions that they do not answer, one a line")
    options.add_argument("--model", default=MODEL, help="name or folder of the active model")
    options.add_argument(
        "--multilingual", default=NO_MODEL, help=f"that of the model beside it, such as {MULTILINGUAL}"
    )
    options.add_argument("--models", type=Path, help="an existing model store, so that no model is prepared again")
    options.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="processes that embed")
    options.add_argument("--verbose", action="store_true", help="print the scores of each question")
    chosen = options.parse_args()
    names = [chosen.model, *([] if chosen.multilingual == NO_MODEL else [chosen.multilingual])]
    asked = Options(
        _lines(chosen.everyday, EVERYDAY_QUESTIONS),
        _lines(chosen.unrelated, UNRELATED_QUESTIONS),
        chosen.processes,
        chosen.verbose and not chosen.json,
    )
    began = time.monotonic()
    figures, sizes = {}, {}
    with tempfile.TemporaryDirectory(prefix="models-") as own:
        store = ModelStore(chosen.models or Path(own))
        for folder in chosen.folders or [PROJECT / "magicfs", PROJECT / "docs"]:
            figures[folder.name], sizes[f"chunks of {folder.name}"] = measure(folder, names, store, options=asked)
    sizes |= {"everyday": len(asked.everyday), "unrelated": len(asked.unrelated)}
    report("scores", figures, sizes=sizes | {"total_s": round(time.monotonic() - began, 1)}, as_json=chosen.json)


if __name__ == "__main__":
    main()
