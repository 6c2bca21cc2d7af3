"""Judged questions: how they are read, what a ranking is worth on one, and how sure a difference is.

A collection has the questions in `queries.tsv` (id, text) and the judgements in `qrels.tsv` (question, text, grade).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

Judgements = dict[str, dict[str, int]]
"""Grades by text, by question."""
Runs = dict[str, dict[str, dict[str, float]]]
"""The figures of each question, by question, by mode."""
Figures = dict[str, dict[str, float]]
"""The mean figures by mode."""

SAMPLES = 10_000
LEVEL = 0.95


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


def summarize(runs: Runs, *, of: str) -> Figures:
    """The mean figures of each mode, and what the mode `of` has more in nDCG: `gain`, and the ends of its interval.

    A mode that answers less than half of the questions is left out: a model that reads a few of them alone, by their
    words, is none of its own.
    """
    least = max(map(len, runs.values())) / 2
    figures: Figures = {}
    for mode, judged in runs.items():
        if len(judged) >= least:
            parts = next(iter(judged.values()))
            means = {part: sum(each[part] for each in judged.values()) / len(judged) for part in parts}
            gains = [runs[of][name]["ndcg10"] - each["ndcg10"] for name, each in judged.items() if name in runs[of]]
            low, high = interval(gains)
            means |= {"gain": float(np.mean(gains)), "gain_low": low, "gain_high": high}
            figures[mode] = {part: round(value, 4) for part, value in means.items()}
    return figures


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """The bootstrap interval of the mean of paired differences: questions are drawn again, with their differences."""
    drawn = np.random.default_rng(1).integers(0, len(differences), size=(SAMPLES, len(differences)))
    means = np.asarray(differences, dtype=np.float64)[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def read_runs(path: Path) -> dict[str, Runs]:
    """What `write_runs` has written: the runs by collection."""
    runs: dict[str, Runs] = json.loads(path.read_text(encoding="utf-8"))
    return runs


def write_runs(path: Path, runs: Mapping[str, Runs]) -> None:
    """Write the runs of collections, to be the baseline of others."""
    path.write_text(json.dumps(runs), encoding="utf-8")
