"""How soon a file that was just saved is found: from `close()` until a listing of the mount has its name.

Lexical: the query is a word that only this file has. Semantic: the query shares no word with the file, so only the
file's vector can find it. Both on an idle machine, and semantic also during a bulk import that keeps all workers busy.
Figures are seconds: percentiles of `--saves` files each.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from _report import parser, report
from _stack import Stack, stack
from indexing import write_corpus

TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.005

PAIRS = (
    ("The cat purred on the warm sofa and licked its paws.", "feline pet resting"),
    ("Add two eggs, flour and sugar, then bake for forty minutes.", "recipe of a cake"),
    ("The striker scored twice and the goalkeeper was sent off.", "soccer match"),
    ("Interest rates rose and the stock exchange lost three percent.", "financial markets falling"),
    ("The surgeon removed the appendix and the patient recovered.", "medical operation in a hospital"),
    ("Heavy rain and strong winds are expected along the coast.", "stormy weather forecast"),
    ("The violin soloist played the concerto with the orchestra.", "classical music performance"),
    ("The telescope showed craters on the moon and rings of Saturn.", "astronomy observation"),
    ("Roses and tulips need pruning before the first frost.", "gardening in autumn"),
    ("The airplane landed late because of fog at the runway.", "delayed flight at an airport"),
    ("The king was crowned in the cathedral in the year 1066.", "medieval monarchy history"),
    ("Plug the cable into the router and restart the modem.", "fixing an internet connection"),
    ("The lawyer appealed the verdict before the supreme court.", "legal trial"),
    ("Pupils handed in their homework to the teacher.", "school education"),
    ("The dentist filled a cavity in my molar.", "tooth treatment"),
    ("The bridge of steel spans the river with two arches.", "civil engineering construction"),
    ("Penguins huddle together on the ice of Antarctica.", "birds in a polar climate"),
    ("The detective found a fingerprint on the knife.", "crime investigation of a murder"),
    ("The painter mixed oil colours for the portrait.", "visual art"),
    ("The volcano erupted and lava flowed down the slope.", "geology natural disaster"),
)


def seconds_until_listed(mount: Path, query: str, name: str) -> float:
    """Seconds until a file of that name is in the listing of a query."""
    began = time.perf_counter()
    while time.perf_counter() - began < TIMEOUT_SECONDS:
        try:
            names = os.listdir(mount / "search" / query)
        except OSError as error:
            raise RuntimeError(f"the mount does not answer: {error}") from error
        if any(found.endswith(name) for found in names):
            return time.perf_counter() - began
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"{name} was not found by '{query}' within {TIMEOUT_SECONDS} s")


def lexical_seconds(mount: Path, folder: Path, count: int) -> Iterator[float]:
    """Save files, each with a word of its own, and yield the seconds until a search for it lists the file."""
    for number in range(count):
        name = f"words-{number}.txt"
        (folder / name).write_text(f"The secret word of this note is quux{number:04}zap, and nothing else has it.\n")
        yield seconds_until_listed(mount, f"quux{number:04}zap", name)


def semantic_seconds(mount: Path, folder: Path, count: int, *, label: str) -> Iterator[float]:
    """Save files about a subject, and yield the seconds until a search in other words lists the file."""
    for number in range(count):
        text, query = PAIRS[number % len(PAIRS)]
        name = f"{label}-{number}.txt"
        path = folder / name
        path.write_text(f"{text} ({number})\n")
        yield seconds_until_listed(mount, query, name)
        path.unlink()


def start_bulk_import(running: Stack, *, files: int) -> None:
    """Keep all workers busy."""
    bulk = running.folder / "bulk"
    write_corpus(bulk, files=files, characters=6000, seed=5)
    running.run("roots", "add", str(bulk))
    busy = "SELECT count(*) FROM embeddings WHERE state = 'pending'"
    running.wait(lambda: running.rows(busy)[0][0] > 300, seconds=60)


def percentiles(name: str, seconds: list[float]) -> dict[str, float]:
    """The median and the 95th percentile."""
    return {f"{name}_p50_s": statistics.median(seconds), f"{name}_p95_s": statistics.quantiles(seconds, n=20)[-1]}


def main() -> None:
    """Measure and print."""
    options = parser(__doc__ or "")
    options.add_argument("--saves", type=int, default=100, help="files saved for each figure")
    options.add_argument("--bulk-files", type=int, default=1500, help="files of the bulk import")
    chosen = options.parse_args()
    with stack("--workers", str(os.cpu_count()), mounted=True) as running:
        folder = running.folder / "notes"
        folder.mkdir()
        running.run("roots", "add", str(folder))
        (folder / "first.txt").write_text("The first note.")
        running.wait(lambda: running.embedded() == 1, seconds=60)
        for _ in semantic_seconds(running.mount, folder, 3, label="warm"):
            pass
        figures = percentiles("lexical", list(lexical_seconds(running.mount, folder, chosen.saves)))
        figures |= percentiles("semantic", list(semantic_seconds(running.mount, folder, chosen.saves, label="idle")))
        start_bulk_import(running, files=chosen.bulk_files)
        bulk = percentiles("bulk", list(semantic_seconds(running.mount, folder, chosen.saves, label="bulk")))
        left = running.pending()
        figures |= {"semantic_bulk_p50_s": bulk["bulk_p50_s"], "semantic_bulk_p95_s": bulk["bulk_p95_s"]}
    sizes = {"saves": chosen.saves, "bulk_files": chosen.bulk_files, "bulk_left_at_end": left}
    report("freshness", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
