"""The page of benchmarks: a section for each, in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from _report import machine

HEADING = re.compile(r"^## (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A script, and what its figures mean."""

    script: str
    about: str
    meanings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: figures, or why there are none."""

    benchmark: Benchmark
    arguments: tuple[str, ...]
    seconds: float
    answer: Mapping[str, Any] | None
    error: str = ""


def sections(page: str) -> dict[str, str]:
    """The sections of a page that was written before, by the name of their script."""
    _, *parts = HEADING.split(page)
    return {script: text.strip("\n") for script, text in zip(parts[::2], parts[1::2], strict=True)}


def render(benchmarks: Sequence[Benchmark], outcomes: Sequence[Outcome], kept: Mapping[str, str]) -> str:
    """The page: a section for each benchmark that has an outcome, and the one that was kept for each that has none."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Each script in `benchmarks/` starts what it needs in a temporary state directory;",
        "its sizes can be set, see `--help`. Times move from machine to machine, and with what else a machine does:",
        "each ratio is of things that were measured side by side in one run, so compare the ratios.",
        "",
        "| machine | |",
        "| --- | --- |",
        *(f"| {name.replace('_', ' ')} | {value} |" for name, value in machine().items()),
    ]
    for benchmark in benchmarks:
        mine = [outcome for outcome in outcomes if outcome.benchmark is benchmark]
        if mine:
            lines += ["", f"## {benchmark.script}", "", benchmark.about]
            for outcome in mine:
                lines += ["", *_section(outcome)]
        elif benchmark.script in kept:
            lines += ["", f"## {benchmark.script}", "", kept[benchmark.script]]
    return "\n".join(lines) + "\n"


def _section(outcome: Outcome) -> Iterator[str]:
    if outcome.answer is None:
        yield f"**Failed** after {outcome.seconds:.0f} s on {_today()}:"
        yield ""
        yield "```"
        yield outcome.error
        yield "```"
        return
    sizes = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in outcome.answer["sizes"].items())
    yield f"Sizes: {sizes}. Took {outcome.seconds:.0f} s on {_today()}."
    yield ""
    figures = outcome.answer["figures"]
    yield from _grid(outcome, figures) if _nested(figures) else _table(outcome, figures)


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _nested(figures: Mapping[str, Any]) -> bool:
    return all(isinstance(value, dict) for value in figures.values())


def _table(outcome: Outcome, figures: Mapping[str, Any]) -> Iterator[str]:
    yield "| figure | value | what it is |"
    yield "| --- | ---: | --- |"
    for name, value in figures.items():
        yield f"| `{name}` | {_number(value)} | {outcome.benchmark.meanings.get(name, '')} |"


def _grid(outcome: Outcome, figures: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Figures that each have the same parts: a column for each."""
    parts = outcome.benchmark.meanings
    yield f"| | {' | '.join(figures)} | what it is |"
    yield f"| --- | {'---: | ' * len(figures)}--- |"
    for part, meaning in parts.items():
        yield f"| `{part}` | {' | '.join(f'{of[part]:.4f}' for of in figures.values())} | {meaning} |"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
