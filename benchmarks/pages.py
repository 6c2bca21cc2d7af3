"""The page that answers: questions about long documents whose page is known.

Annual reports are made up and written as PDF files, see `_reports.py`, or `--folder` has PDF files and `questions.tsv`:
the name of a file, its pages with commas between them, and a question, with tabs between the three. The services of the
pipeline index the documents together. Each question is then asked about its document alone, as users do it:
`QUESTION name:FILE`, once for passages and once for files.

Figures, shares of the questions: `first` has a right page as its first passage, `within_ten` among the first ten,
`file_first` as the page of the file that a search lists. `first FILE` and `within_ten FILE` are those of one document.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

# A script imports modules of its own folder without a package.
from _index import Embedders, embed_on_all_cores, extract, own_database, prepare
from _report import parser, report
from _reports import COMPANIES, make_report

from magicfs.db.pool import Database
from magicfs.domain.results import Hit
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.models.store import ModelStore
from magicfs.search.service import SearchService

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
QUESTIONS = "questions.tsv"
FIRST = 10
DEADLINE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a document."""

    file: str
    pages: frozenset[int]
    text: str


def read_folder(source: Path, folder: Path) -> list[Asked]:
    """Copy the documents of a folder. Returns its questions."""
    for pdf in source.glob("*.pdf"):
        shutil.copy(pdf, folder)
    lines = [line.split("\t", 2) for line in (source / QUESTIONS).read_text(encoding="utf-8").splitlines() if line]
    return [Asked(file, frozenset(map(int, pages.split(","))), text) for file, pages, text in lines]


def write_reports(folder: Path, *, seed: int) -> list[Asked]:
    """Write the made-up reports. Returns their questions."""
    asked = []
    for company in COMPANIES:
        made = make_report(company, seed=seed)
        name = f"{company.split(maxsplit=1)[0].lower()}-2023.pdf"
        (folder / name).write_bytes(made.pages.pdf(title=f"{company} Annual Report 2023"))
        asked += [Asked(name, question.pages, question.text) for question in made.questions]
    return asked


def right_place(hits: Sequence[Hit], asked: Asked) -> int | None:
    """The place of the first hit that stands on a right page, from 0."""
    return next((place for place, hit in enumerate(hits) if hit.page in asked.pages), None)


def measure(service: SearchService, questions: Sequence[Asked], *, show: bool) -> dict[str, float]:
    """The figures over all questions, and of each document."""
    hits: dict[str, list[bool]] = {}
    for asked in questions:
        text = f"{asked.text} name:{asked.file}"
        passages = service.passages(text, limit=FIRST, deadline_s=DEADLINE_SECONDS).hits
        place = right_place(passages, asked)
        files = service.search(text, limit=1, deadline_s=DEADLINE_SECONDS).hits
        for of in ("", f" {asked.file.removesuffix('.pdf')}"):
            hits.setdefault(f"first{of}", []).append(place == 0)
            hits.setdefault(f"within_ten{of}", []).append(place is not None)
        hits.setdefault("file_first", []).append(right_place(files, asked) == 0)
        if show and place != 0:
            print(f"{asked.file} {sorted(asked.pages)}, found {[hit.page for hit in passages]}: {asked.text}")
    names = sorted(hits, key=lambda name: (" " in name, name))
    return {name: round(sum(hits[name]) / len(hits[name]), 3) for name in names}


def main() -> None:
    """Index, ask, print."""
    options = parser(__doc__ or "")
    options.add_argument("--folder", type=Path, help=f"documents with {QUESTIONS} instead of made-up ones")
    options.add_argument("--seed", type=int, default=1, help="of the made-up documents")
    options.add_argument("--model", default=MODEL, help="name or folder of the model")
    options.add_argument("--precision", default="int8", choices=("int8", "fp32", "auto"))
    options.add_argument("--models", type=Path, help="an existing model store, so that no model is prepared again")
    options.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="processes that embed")
    options.add_argument("--show", action="store_true", help="print the questions whose page does not come first")
    chosen = options.parse_args()
    began = time.monotonic()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mfs-")))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reports-")))
        questions = read_folder(chosen.folder, folder) if chosen.folder else write_reports(folder, seed=chosen.seed)
        dsn = stack.enter_context(own_database(home))
        database = stack.enter_context(Database(dsn, application="benchmark", size=2))
        store = ModelStore(chosen.models or home / "models")
        [stored] = prepare(store, [chosen.model], database, precision=chosen.precision)
        extract(database, folder, stored, home=home)
        embed_on_all_cores(dsn, {stored.spec.name: stored.folder}, processes=chosen.processes, second=False)
        with database.transaction() as connection:
            connection.execute("ANALYZE")
        indexed_s = time.monotonic() - began
        service = SearchService(database, Embedders([FastembedEmbedder.load(stored.folder)]), default_limit=FIRST)
        figures = measure(service, questions, show=chosen.show and not chosen.json)
        coverage = service.search(questions[0].text, deadline_s=DEADLINE_SECONDS).coverage
    sizes = {
        "documents": coverage.indexed,
        "chunks": coverage.chunks,
        "questions": len(questions),
        "model": stored.spec.label,
        "index_s": round(indexed_s, 1),
        "total_s": round(time.monotonic() - began, 1),
    }
    report("pages", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
