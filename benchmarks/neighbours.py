"""The quality of neighbours: the files that are nearest in meaning to a file, judged.

A FOLDER is a collection as `quality` reads it. Its texts that answer the same question are neighbours of each other;
in several folders, texts with the same id are translations. The folders are indexed together, and the neighbours of
`--texts` texts of each are looked for as `magicfs similar` does.

Figures, means over the texts, by folder: `ndcg10` of the neighbours in the same folder, for texts that have some;
`translated` (share of the translations among the ten nearest files); `first`, `tenth` and `random` (the median scores
of the nearest file, of the tenth one, and of files drawn at random).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

# A script imports modules of its own folder without a package.
from _index import HOST, Embedders, embed_on_all_cores, extract, own_database, prepare, texts_of
from _judged import judge, read_judgements
from _report import parser, report

from magicfs.db.pool import Database
from magicfs.models.store import ModelStore
from magicfs.search.service import SearchService

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MULTILINGUAL = "intfloat/multilingual-e5-small"
NO_MODEL = "none"
SHOWN = 100
"""Files that are looked at. One that is not among them has the score 0."""
SECONDS = 120.0
DRAWN = 20
"""Files that are drawn at random for each text."""


def neighbours_of(folder: Path) -> dict[str, dict[str, int]]:
    """The texts that answer the same question as each text does, by name, with the grade 1."""
    found: dict[str, dict[str, int]] = {}
    for grades in read_judgements(folder).values():
        relevant = [text for text, grade in grades.items() if grade > 0 and (folder / "docs" / f"{text}.txt").exists()]
        for text in relevant:
            found.setdefault(text, {}).update(dict.fromkeys(set(relevant) - {text}, 1))
    return {text: others for text, others in found.items() if others}


def measure(
    service: SearchService, root: Path, folder: Path, *, others: Sequence[Path], chosen: Sequence[str]
) -> dict[str, float]:
    """The figures of some texts of a folder, which is indexed below `root`, with folders of other languages."""
    below = root / folder.name if others else root
    judged, random = neighbours_of(folder), np.random.default_rng(len(chosen))
    everyone = [str(path) for path in sorted(root.rglob("*.txt"))]
    values: dict[str, list[float]] = {}
    for text in chosen:
        found = service.similar(os.fsencode(below / f"{text}.txt"), limit=SHOWN, deadline_s=SECONDS)
        scores = {os.fsdecode(hit.absolute_path): hit.score for hit in found.hits}
        same = [Path(path).stem for path in scores if Path(path).parent == below]
        if text in judged:
            values.setdefault("ndcg10", []).append(judge(same, judged[text])["ndcg10"])
        translations = [str(root / other.name / f"{text}.txt") for other in others if other != folder]
        there = [path for path in translations if path in everyone]
        if there:
            values.setdefault("translated", []).append(len({*there} & {*list(scores)[:10]}) / len(there))
        ordered = [*scores.values(), *[0.0] * 10]
        values.setdefault("first", []).append(ordered[0])
        values.setdefault("tenth", []).append(ordered[9])
        drawn = random.choice(len(everyone), min(DRAWN, len(everyone)), replace=False)
        values.setdefault("random", []).extend(scores.get(everyone[number], 0.0) for number in drawn)
    return {
        name: round(float(np.mean(found) if name in {"ndcg10", "translated"} else np.median(found)), 4)
        for name, found in values.items()
    }


def options() -> argparse.ArgumentParser:
    """The options of this benchmark."""
    known = parser(__doc__ or "")
    known.add_argument("folders", nargs="+", type=Path, help="each with docs/ and qrels.tsv")
    known.add_argument("--texts", type=int, default=200, help="texts of each folder whose neighbours are looked for")
    known.add_argument("--model", default=MODEL, help="name or folder of the active model")
    known.add_argument("--multilingual", default=MULTILINGUAL, help="that of the model beside it, or `none`")
    known.add_argument("--models", type=Path, help="an existing model store, so that no model is prepared again")
    known.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="processes that embed")
    return known


def chosen_texts(folder: Path, count: int) -> list[str]:
    """Some texts of a folder, evenly spread over those with neighbours, or over all where none has."""
    texts = sorted(neighbours_of(folder)) or sorted(path.stem for path in (folder / "docs").glob("*.txt"))
    return [texts[number] for number in np.linspace(0, len(texts) - 1, min(count, len(texts))).round().astype(int)]


def main() -> None:
    """Index, ask, print."""
    chosen = options().parse_args()
    names = [chosen.model, *([] if chosen.multilingual == NO_MODEL else [chosen.multilingual])]
    folders: list[Path] = chosen.folders
    began = time.monotonic()
    figures: dict[str, Mapping[str, float]] = {}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mfs-")))
        dsn = stack.enter_context(own_database(home))
        database = stack.enter_context(Database(dsn, application="benchmark"))
        stored = prepare(ModelStore(chosen.models or home / "models"), names, database, precision="int8")
        mixture = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mixture-"))).resolve()
        root = texts_of(folders, mixture)
        extract(database, root, stored[0], home=home)
        places = {model.spec.name: model.folder for model in stored}
        embed_on_all_cores(dsn, places, processes=chosen.processes, second=True)
        with database.transaction() as connection:
            connection.execute("ANALYZE")
        service = SearchService(database, Embedders(()), host=HOST, default_limit=SHOWN)
        others = folders if len(folders) > 1 else ()
        for folder in folders:
            texts = chosen_texts(folder, chosen.texts)
            figures[folder.name] = measure(service, root, folder, others=others, chosen=texts)
    sizes = {
        "folders": " + ".join(folder.name for folder in folders),
        "models": " + ".join(model.spec.label for model in stored),
        "texts": chosen.texts,
        "total_s": round(time.monotonic() - began, 1),
    }
    report("neighbours", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
