"""Where a search sends who wants to know why the query embedder does not answer."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from magicfs.cli import wiring
from magicfs.config import Settings
from magicfs.domain.models import StoredModel
from magicfs.domain.parts import QUERY_EMBEDDER
from magicfs.errors import EmbedderUnavailable


def test_the_log_is_that_of_the_part(
    short_path: Path, stored_model: StoredModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under `up` there is no other one."""
    settings = Settings(home=short_path / "home")
    settings.make_home()
    monkeypatch.setattr(wiring, "resolve_model", lambda *_: stored_model)
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(settings.embedder_socket))
        hanging.listen()
        with pytest.raises(EmbedderUnavailable) as refused:
            wiring.query_embedder(settings).embed("tomato", spec=stored_model.spec, deadline_s=0.2)
    assert str(refused.value).endswith(f"see {settings.log_dir / QUERY_EMBEDDER}.log")
