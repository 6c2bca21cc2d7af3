"""Errors of the query embedder as its clients get them."""

from __future__ import annotations

import pytest

from magicfs.embedding.query_answers import error_in
from magicfs.errors import EmbedderUnavailable, MagicFSError, ModelCorrupt, ModelMismatch, ModelMissing
from magicfs.framing import Message, failure


@pytest.mark.parametrize("kind", [ModelMissing, ModelCorrupt, ModelMismatch, EmbedderUnavailable])
def test_a_reported_error_is_itself(kind: type[MagicFSError]) -> None:
    error = error_in(failure(kind("what to do")))
    assert type(error) is kind
    assert str(error) == "what to do"


def test_an_unknown_error_is_an_unavailable_embedder() -> None:
    assert isinstance(error_in(Message({"error": "SystemExit"})), EmbedderUnavailable)


def test_an_answer_without_an_error_reports_none() -> None:
    assert error_in(Message({"name": "x"}, b"vector")) is None
