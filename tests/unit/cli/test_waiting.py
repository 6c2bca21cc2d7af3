"""The progress of a wait has room in a terminal of any width."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from magicfs.cli import terminal, waiting
from magicfs.cli.progress import ProgressReport

REPORT = ProgressReport(
    files_done=640, files_total=817, chunks_done=2290, chunks_expected=10421, rate=45.0, seconds_left=720.0
)


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 120])
def test_no_number_is_cut_off(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(
        terminal, "remarks", lambda: Console(file=shown, force_terminal=True, width=columns, color_system=None)
    )
    with waiting.ProgressDisplay() as display:
        display.show(REPORT)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue())
    assert "…" not in plain
    assert str(REPORT) in " ".join(plain.split())
    assert ("━" in plain) == (columns >= waiting.BAR_COLUMNS)
