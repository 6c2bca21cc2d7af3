"""The figures of the benchmark of scores."""

from types import ModuleType, SimpleNamespace

import pytest

from tests.unit.benchmarks.scripts import load_script


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load_script("scores", monkeypatch)


def hits(*scores: float, phrases: int = 0) -> list[SimpleNamespace]:
    return [SimpleNamespace(score=score, lexical=1.0 if n < phrases else 0.9) for n, score in enumerate(scores)]


def test_what_scores_say(bench: ModuleType) -> None:
    everyday = [hits(1.0, 1.0, 0.5, *[0.4] * 6, 0.1, phrases=1), hits(0.6, 0.3), hits()]
    figures = bench.figures_of(everyday, [hits(0.25, 0.1), hits()])
    assert figures["certain"] == pytest.approx(1 / 12, abs=1e-4), "the first has the very words"
    assert figures["first_tenth"] == pytest.approx(0.9)
    assert figures["ties"] == pytest.approx(6 / 10)
    assert figures["found"] == pytest.approx(2 / 3, abs=1e-4)
    assert (figures["unrelated"], figures["unrelated_over"], figures["unrelated_results"]) == (0.25, 0.5, 1.0)


def test_there_are_thirty_questions_of_each_kind(bench: ModuleType) -> None:
    assert len(bench.EVERYDAY_QUESTIONS.splitlines()) == len(bench.UNRELATED_QUESTIONS.splitlines()) == 30
