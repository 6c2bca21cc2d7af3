"""The page of benchmarks, and the plan that it comes from."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.benchmarks.scripts import BENCHMARKS, load_script


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load_script("all", monkeypatch)


def test_every_script_is_in_the_plan(bench: ModuleType) -> None:
    scripts = {path.stem for path in BENCHMARKS.glob("[a-z]*.py")} - {"all"}
    assert {benchmark.script for benchmark in bench.BENCHMARKS} == scripts


def test_quality_runs_once_for_each_collection_that_is_there(bench: ModuleType, tmp_path: Path) -> None:
    planned = [arguments for benchmark, arguments in bench.plan((), tmp_path) if benchmark.script == "quality"]
    assert planned == [("code",)], "it is made when the benchmark runs"
    for name in ("one", "two", "neither"):
        (tmp_path / name).mkdir()
    for name in ("one", "two"):
        (tmp_path / name / "qrels.tsv").touch()
    planned = [arguments for benchmark, arguments in bench.plan((), tmp_path) if benchmark.script == "quality"]
    assert planned == [(str(tmp_path / "one"),), (str(tmp_path / "two"),), ("code",)]
    assert [benchmark.script for benchmark, _ in bench.plan(["scale"], tmp_path)] == ["scale"]


def test_a_collection_in_several_languages_is_asked_across_them_and_as_a_mixture(
    bench: ModuleType, tmp_path: Path
) -> None:
    group = tmp_path / "wiki"
    for name in ("de", "zh"):
        (group / name).mkdir(parents=True)
        (group / name / "qrels.tsv").touch()
    de, zh = str(group / "de"), str(group / "zh")
    planned = [arguments for benchmark, arguments in bench.plan((), tmp_path) if benchmark.script == "quality"]
    assert planned == [(de, f"--ask={de}", f"--ask={zh}"), (zh, f"--ask={zh}", f"--ask={de}"), (de, zh), ("code",)]


def test_the_page_has_figures_and_failures(bench: ModuleType) -> None:
    named = {benchmark.script: benchmark for benchmark in bench.BENCHMARKS}
    judged = {"ndcg10": 0.5, "recall10": 0.25, "recall100": 0.75, "mrr": 1.0}
    judged |= {"gain": 0.02, "gain_low": 0.01, "gain_high": 0.03}
    page = bench.render(
        bench.BENCHMARKS,
        [
            bench.Outcome(named["rescan"], (), 2.0, {"figures": {"ratio_unchanged": 1.234}, "sizes": {"files": 7}}),
            bench.Outcome(named["quality"], ("x",), 2.0, {"figures": {"hybrid": judged}, "sizes": {"folder": "x"}}),
            bench.Outcome(named["scale"], (), 3.0, None, "it broke"),
        ],
        {"idle": "As it was.", "scale": "Measured anew."},
    )
    assert "| `ratio_unchanged` | 1.23 | a whole rescan" in page
    assert "Sizes: files 7. Took 2 s on 20" in page
    assert "| `ndcg10` | 0.5000 |" in page
    assert re.search(r"\*\*Failed\*\* after 3 s on [\d-]+:\n\n```\nit broke\n```", page)
    assert "## indexing" not in page
    assert "## idle\n\nAs it was.\n" in page
    assert "Measured anew" not in page
    assert bench.sections(page)["idle"] == "As it was."
    assert bench.render(bench.BENCHMARKS, [], bench.sections(page)) == page


def test_a_script_that_fails_is_an_outcome(bench: ModuleType) -> None:
    outcome = bench.run(bench.Benchmark("scale", "", {}), ("1",))
    assert outcome.answer is None
    assert "figures mean nothing" in outcome.error
