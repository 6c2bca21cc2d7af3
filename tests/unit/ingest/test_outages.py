"""What the agent logs of an error that nobody expects."""

from __future__ import annotations

import logging
import threading

import pytest

from magicfs.ingest import outages
from magicfs.logs import Outage


def test_an_unexpected_error_names_the_work_and_ends_no_thread(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "ERROR_PAUSE_SECONDS", 0.0)
    stop = threading.Event()
    with outages.errors_logged(stop, Outage(logging.getLogger("agent")), "vector index"):
        raise KeyError("rows")
    assert "unexpected error (vector index)" in caplog.text
    assert "KeyError: 'rows'" in caplog.text
    assert not stop.is_set()
