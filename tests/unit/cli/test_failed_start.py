"""Why nothing runs: what a start that has failed leaves for `magicfs doctor`."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.cli import failed_start
from magicfs.errors import CheckFailed, ServerError


def test_a_start_that_failed_is_told_until_one_succeeds(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    failed_start.require_none(tmp_path)
    failed_start.record(tmp_path, ServerError("postgres does not start: no room"))
    with pytest.raises(CheckFailed, match=r"nothing is running: .* has failed: postgres does not start: no room"):
        failed_start.require_none(tmp_path)
    failed_start.forget(tmp_path)
    failed_start.require_none(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"at": 1e300, "reason": "x"}'])
def test_a_record_that_cannot_be_read_tells_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "up-failed.json").write_text(text)
    failed_start.require_none(tmp_path)


def test_what_cannot_be_written_hides_no_failure(tmp_path: Path) -> None:
    failed_start.record(tmp_path, ServerError("no state directory"))
    failed_start.forget(tmp_path)
