"""Errors of the query embedder as its clients get them."""

from __future__ import annotations

import pytest

from magicfs.domain.models import ModelSpec, Precision
from magicfs.embedding.query_answers import are_current, outcome_of
from magicfs.errors import (
    DeadlineExceeded,
    EmbedderUnavailable,
    MagicFSError,
    MalformedRequest,
    ModelCorrupt,
    ModelMismatch,
    ModelMissing,
)
from magicfs.ipc.framing import Message, error_in, failure

SPEC = ModelSpec("a model", Precision.INT8, dimension=4, max_tokens=9, digest="1" * 64)


@pytest.mark.parametrize("kind", [ModelMissing, ModelCorrupt, ModelMismatch, EmbedderUnavailable])
def test_a_reported_error_is_itself(kind: type[MagicFSError]) -> None:
    error = outcome_of(failure(kind("what to do")), SPEC)
    assert type(error) is kind
    assert str(error) == "what to do"


@pytest.mark.parametrize("answer", [Message({"error": "SystemExit"}), failure(DeadlineExceeded("too slow"))])
def test_any_other_error_is_an_unavailable_embedder(answer: Message) -> None:
    assert isinstance(outcome_of(answer, SPEC), EmbedderUnavailable)


def test_an_answer_without_an_error_reports_none() -> None:
    assert error_in(Message({"name": "x"}, b"vector")) is None


def test_a_server_that_does_not_know_the_request_is_of_another_version() -> None:
    assert not are_current({SPEC: failure(MalformedRequest("what is that?"))})
    assert are_current({SPEC: failure(ModelMissing("it is not here"))})
