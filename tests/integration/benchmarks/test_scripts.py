"""The benchmarks as programs: what they print, and that they leave nothing behind. Times are no test's business."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from tests.plugins.fuse import needs_fuse
from tests.plugins.waiting import eventually

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
SCRIPTS = sorted(path.stem for path in BENCHMARKS.glob("[a-z]*.py"))


MOUNT_IO = {
    *("second_read", "first_read", "random_reread", "relist", "grep", "write", "write_4k", "open", "missing"),
    *("first_read_mb_s", "second_read_mb_s", "write_mb_s"),
}
BUILD = {"build_s", "build_cpu_s", "build_all_cpu_s", "build_mb"}
SCALE = BUILD | {
    *("size_mb", "recall10", "recall10_filtered"),
    *("p50_ms", "p95_ms", "p95_filtered_ms", "cpu_p50_ms", "cpu_p95_ms", "cpu_p95_filtered_ms"),
}
LATENCY = {
    "ratio_cold_p50",
    "ratio_busy_p95",
    "warm_extra_ms",
    "cold_p50_ms",
    "cold_p95_ms",
    "embed_p50_ms",
    "sql_p50_ms",
}

HELP = """
import runpy, sys
for script in sys.argv[1:]:
    sys.argv = [script, "--help"]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        assert not end.code, (script, end.code)
"""
"""A program that shows the help of the scripts it is told."""

RUNTIMES_OWN = ".ses"
"""onnxruntime leaves this one file in the temporary directory of a machine, whoever loads it."""


def start(script: str, *arguments: str, temporary: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / f"{script}.py"), *arguments]
    return subprocess.run(
        command, env=os.environ | {"TMPDIR": str(temporary)}, capture_output=True, text=True, timeout=400, check=False
    )


def processes_of(folder: Path) -> list[list[str]]:
    """Programs that were told of a folder."""
    found = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [command for command in found if any(str(folder) in part for part in command)]


def test_help_says_what_is_measured(tmp_path: Path) -> None:
    """All in one interpreter: what they import takes a second."""
    environment = os.environ | {
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": f"{BENCHMARKS}:{os.environ.get('PYTHONPATH', '')}",
    }
    command = [sys.executable, "-c", HELP, *(str(BENCHMARKS / f"{script}.py") for script in SCRIPTS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stdout.splitlines() if line.startswith("usage: ")]
    assert [line.split()[1] for line in shown] == [f"{script}.py" for script in SCRIPTS]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "arguments", "figures"),
    [
        pytest.param("scale", ("1000", "--queries", "10", "--dimension", "32"), SCALE, id="scale"),
        pytest.param(
            "mount_io",
            (
                *("--rounds", "1", "--file-mb", "1", "--write-mb", "1"),
                *("--rereads", "10", "--entries", "5", "--grep-files", "5"),
            ),
            MOUNT_IO,
            id="mount_io",
            marks=(needs_fuse, pytest.mark.slow),
        ),
        pytest.param(
            "search_latency",
            ("--searches", "3", "--files", "3", "--bulk-files", "60"),
            LATENCY,
            id="search_latency",
            marks=(needs_fuse, pytest.mark.slow),
        ),
    ],
)
def test_it_prints_its_figures_and_leaves_nothing(script: str, arguments: tuple[str, ...], figures: set[str]) -> None:
    # Unix sockets have short addresses: the directory that a test is given is too deep for them.
    temporary = Path(tempfile.mkdtemp(prefix="mfs-b"))
    try:
        done = start(script, "--json", *arguments, temporary=temporary)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert set(answer) == {"figures", "machine", "sizes"}
        # Those of the C example are there where it can be built.
        assert {name for name in answer["figures"] if not name.startswith("c_")} == figures
        assert all(isinstance(value, float) for value in answer["figures"].values())
        assert [path.name for path in temporary.iterdir() if path.name != RUNTIMES_OWN] == []
        eventually(lambda: processes_of(temporary) == [], "the end of what it has started")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def test_a_kept_index_is_searched_again() -> None:
    sizes = ("--json", "1000", "--queries", "10", "--dimension", "32")
    temporary = Path(tempfile.mkdtemp(prefix="mfs-b"))
    try:
        kept = ("--state", str(temporary / "kept"))
        done = [start("scale", *sizes, *kept, *more, temporary=temporary) for more in ((), (), ("--rebuild",))]
        assert [one.returncode for one in done] == [0, 0, 0], [one.stderr for one in done]
        first, again, rebuilt = (json.loads(one.stdout)["figures"] for one in done)
        assert (set(first), set(again), set(rebuilt)) == (SCALE, SCALE - BUILD, SCALE)
        assert first["recall10"] == again["recall10"]
        other = start("scale", "1010", "--queries", "10", "--dimension", "32", *kept, temporary=temporary)
        assert "it has other chunks" in other.stderr.splitlines()[-1]
        eventually(lambda: processes_of(temporary) == [], "the end of what it has started")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@pytest.mark.slow
def test_scanned_pages_are_read_by_every_engine(tmp_path: Path) -> None:
    """Plain, askew and with noise."""
    done = start("ocr", "--json", "--pages", "3", temporary=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["figures"]
    assert figures["rapidocr_words"] > 0.95
    assert figures.get("tesseract_words", 1.0) > 0.95
