"""Errors of the query embedder as its clients get them."""

from __future__ import annotations

import pytest

from magicfs.embedding.query_client import raise_failure
from magicfs.embedding.query_server import failure
from magicfs.errors import EmbedderUnavailable, MagicFSError, ModelCorrupt, ModelMismatch, ModelMissing
from magicfs.framing import Message


@pytest.mark.parametrize("kind", [ModelMissing, ModelCorrupt, ModelMismatch, EmbedderUnavailable])
def test_a_reported_error_is_raised_as_itself(kind: type[MagicFSError]) -> None:
    with pytest.raises(kind, match="what to do"):
        raise_failure(failure(kind("what to do")))


def test_an_unknown_error_is_an_unavailable_embedder() -> None:
    with pytest.raises(EmbedderUnavailable):
        raise_failure(Message({"error": "SystemExit"}))


def test_an_answer_without_an_error_raises_nothing() -> None:
    raise_failure(Message({"name": "x"}, b"vector"))
