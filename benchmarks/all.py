"""Run all benchmarks, one after the other, and write docs/benchmarks.md.

A benchmark that fails is reported in the page, the others go on, and the exit code is 1. Needs about half an hour
on two cores; nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from _catalogue import BENCHMARKS
from _page import Benchmark, Outcome, render, sections

FOLDER = Path(__file__).resolve().parent
PAGE = FOLDER.parent / "docs" / "benchmarks.md"
DATA = FOLDER.parent.parent / "shared" / "data"
LONGEST_SECONDS = 3600
ERROR_LINES = 5
CODE = "code"
"""The collection that `quality` makes itself."""


def plan(chosen: Sequence[str], data: Path) -> Iterator[tuple[Benchmark, tuple[str, ...]]]:
    """What to run with which arguments: some also, or only, for each collection of judged questions that is there."""
    for benchmark in BENCHMARKS:
        if chosen and benchmark.script not in chosen:
            continue
        collections = [judged.parent for judged in sorted(data.glob("*/qrels.tsv"))]
        if benchmark.script == "quality":
            yield from ((benchmark, (str(collection),)) for collection in collections)
            for group in sorted(data.iterdir()) if data.is_dir() else ():
                yield from ((benchmark, arguments) for arguments in across_languages(group))
            yield benchmark, (CODE,)
            continue
        if benchmark.script == "neighbours":
            yield from ((benchmark, (str(collection),)) for collection in collections)
            continue
        yield benchmark, ()
        if benchmark.script == "indexing":
            yield from ((benchmark, (str(collection / "docs"),)) for collection in collections)


def across_languages(group: Path) -> Iterator[tuple[str, ...]]:
    """The arguments of `quality` for a folder with the same collection in several languages: each one, and all in one.

    Each is asked in its own language and in the others.
    """
    collections = [str(judged.parent) for judged in sorted(group.glob("*/qrels.tsv"))]
    if len(collections) > 1:
        for collection in collections:
            others = [other for other in collections if other != collection]
            yield (collection, *(f"--ask={asked}" for asked in (collection, *others)))
        yield tuple(collections)


def run(benchmark: Benchmark, arguments: tuple[str, ...]) -> Outcome:
    """Run a script to its end."""
    command = [sys.executable, str(FOLDER / f"{benchmark.script}.py"), "--json", *arguments]
    began = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Outcome(benchmark, arguments, LONGEST_SECONDS, None, f"no end within {LONGEST_SECONDS} s")
    seconds = time.monotonic() - began
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()[-ERROR_LINES:]
        return Outcome(benchmark, arguments, seconds, None, "\n".join(lines) or f"exit code {done.returncode}")
    try:
        return Outcome(benchmark, arguments, seconds, json.loads(done.stdout))
    except ValueError:
        return Outcome(benchmark, arguments, seconds, None, "printed something else than one JSON object")


def say(text: str, *, end: str = "\n") -> None:
    """Progress, for people."""
    print(text, end=end, file=sys.stderr, flush=True)


def main() -> int:
    """Run, write, and say whether all went well."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("scripts", nargs="*", help="run these alone; the page keeps what it says of the others")
    options.add_argument("--data", type=Path, default=DATA, help="folder of collections of judged questions")
    options.add_argument("--output", type=Path, default=PAGE, help="the page to write")
    chosen = options.parse_args()
    unknown = set(chosen.scripts) - {benchmark.script for benchmark in BENCHMARKS}
    if unknown:
        options.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    outcomes: list[Outcome] = []
    kept = sections(chosen.output.read_text(encoding="utf-8")) if chosen.scripts and chosen.output.exists() else {}
    todo = list(plan(chosen.scripts, chosen.data))
    for number, (benchmark, arguments) in enumerate(todo, 1):
        say(f"[{number}/{len(todo)}] {' '.join([benchmark.script, *arguments])} ... ", end="")
        outcomes.append(run(benchmark, arguments))
        say(f"{'failed' if outcomes[-1].answer is None else 'done'} after {outcomes[-1].seconds:.0f} s")
        # After each one: what was measured is not lost when the rest is broken off.
        chosen.output.write_text(render(BENCHMARKS, outcomes, kept), encoding="utf-8")
    say(f"written: {chosen.output}")
    return int(any(outcome.answer is None for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
