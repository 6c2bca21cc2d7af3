"""Why nothing runs: what a start that has failed leaves for `magicfs doctor`, and what was ended by others."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.cli import failed_start
from magicfs.cli.environment import require_embedded_server
from magicfs.config import Settings
from magicfs.domain.parts import UpOptions
from magicfs.errors import CheckFailed, ServerError
from magicfs.runtime.supervisor import Supervisor


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


def test_what_has_ended_without_a_down_is_told_from_what_was_never_started(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "h")
    with pytest.raises(ServerError, match="run 'magicfs up' first"):
        require_embedded_server(settings)
    settings.make_home()
    supervisor = Supervisor(settings.home)
    supervisor.store_options(UpOptions(embed_workers=1, gentle=False, mount=None))
    with pytest.raises(ServerError, match=r"nothing is running any more: .* run it again"):
        require_embedded_server(settings)
    supervisor.store_options(None)
    with pytest.raises(ServerError, match="run 'magicfs up' first"):
        require_embedded_server(settings)
