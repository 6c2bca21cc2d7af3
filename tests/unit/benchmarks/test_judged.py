"""What a ranking is worth on judged questions, and how sure a difference is."""

import ast
import importlib
import shutil
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.benchmarks.scripts import BENCHMARKS


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as scripts import it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("_judged")


def test_the_interval_of_a_difference_has_zero_where_nothing_is_sure(judged: ModuleType) -> None:
    low, high = judged.interval([0.5, -0.5] * 50)
    assert -0.15 < low < 0 < high < 0.15
    low, high = judged.interval([0.1, 0.12, 0.09, 0.11] * 25)
    assert 0.1 < low < high < 0.11
    assert judged.interval([0.2]) == (0.2, 0.2)


def test_gains_are_measured_on_the_same_questions(judged: ModuleType) -> None:
    def run(*values: float) -> dict[str, dict[str, float]]:
        return {str(number): {"ndcg10": value} for number, value in enumerate(values)}

    figures = judged.summarize({"words": run(0.2, 0.4), "hybrid": run(0.6, 0.4), "half": run(0.5)}, of="hybrid")
    assert figures["words"]["gain"] == pytest.approx(0.2)
    assert figures["half"]["gain"] == pytest.approx(0.1), "only the first question has an answer in both"
    assert figures["hybrid"] == {"ndcg10": 0.5, "gain": 0.0, "gain_low": 0.0, "gain_high": 0.0}
    assert "few" not in judged.summarize({"hybrid": run(1, 1, 1), "few": run(1)}, of="hybrid")


def test_runs_are_read_as_they_were_written(judged: ModuleType, tmp_path: Path) -> None:
    runs = {"cacm": {"hybrid": {"1": {"ndcg10": 0.25}}}}
    judged.write_runs(tmp_path / "runs.json", runs)
    assert judged.read_runs(tmp_path / "runs.json") == runs


def test_the_collection_of_code_is_the_same_each_time_and_hides_its_questions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, judged: ModuleType
) -> None:
    code = importlib.import_module("_code")
    monkeypatch.setattr(code, "FUNCTIONS", 150)
    # A part of the library shows as much as all of it, which takes long to read.
    library = Path(sysconfig.get_path("stdlib"))
    for name in ("asyncio", "logging", "unittest"):
        shutil.copytree(library / name, tmp_path / "library" / name)
    monkeypatch.setattr(code.sysconfig, "get_path", {"stdlib": str(tmp_path / "library")}.get)
    folder = code.write_collection(tmp_path / "one")
    questions, judgements = judged.read_questions(folder), judged.read_judgements(folder)
    assert len(questions) == len(judgements) == len(list((folder / "docs").iterdir())) == 150
    for number, question in questions.items():
        text = (folder / "docs" / f"{number}.py").read_text(encoding="utf-8")
        assert isinstance(ast.parse(text).body[0], ast.FunctionDef | ast.AsyncFunctionDef)
        assert question not in text
    assert judged.read_questions(code.write_collection(tmp_path / "two")) == questions
