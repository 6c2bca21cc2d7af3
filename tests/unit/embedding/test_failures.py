"""Errors of the query embedder as its clients get them."""

from __future__ import annotations

import numpy as np
import pytest

from magicfs.domain.models import ModelSpec, Precision
from magicfs.domain.token_vectors import DIMENSION, EmbeddedQuestion
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


def vectors(*, dimension: int, tokens: int | None) -> Message:
    """The answer of a model without a digest, of a server of a former version if `tokens` is None."""
    body = np.ones(dimension + (tokens or 0) * DIMENSION, "<f4").tobytes()
    return Message({} if tokens is None else {"tokens": tokens}, body)


@pytest.mark.parametrize("tokens", [None, 0, 3])
def test_the_vectors_of_tokens_stand_behind_that_of_the_question(tokens: int | None) -> None:
    outcome = outcome_of(vectors(dimension=4, tokens=tokens), ModelSpec("a model", Precision.INT8, 4, max_tokens=9))
    assert isinstance(outcome, EmbeddedQuestion)
    assert outcome.vector == pytest.approx([0.5] * 4)
    assert outcome.tokens is not None
    assert outcome.tokens.shape == (tokens or 0, DIMENSION)


@pytest.mark.parametrize("dimension", [3, 4 + DIMENSION])
def test_a_vector_of_another_size_is_of_another_model(dimension: int) -> None:
    outcome = outcome_of(vectors(dimension=dimension, tokens=0), ModelSpec("a model", Precision.INT8, 4, max_tokens=9))
    assert isinstance(outcome, ModelMismatch)
    assert f"gives {dimension} dimensions and the index has 4" in str(outcome)
