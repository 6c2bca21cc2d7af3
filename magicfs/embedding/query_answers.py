"""What the query embedder answers, as its client takes it: a vector of the model that was asked for, or an error.

Used by `query_client`. It imports numpy with the first vector. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from magicfs.domain.models import ModelSpec
from magicfs.embedding.manifest import remake_advice
from magicfs.errors import EmbedderUnavailable, MagicFSError, MalformedRequest, ModelError, ModelMismatch
from magicfs.ipc.framing import Message, error_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from magicfs.domain.token_vectors import EmbeddedQuestion

Vector: TypeAlias = "NDArray[np.float32]"
"""A vector of a question: shape (dimension,), of length 1, read-only."""


def are_current(answers: Mapping[ModelSpec, Message]) -> bool:
    """Whether answers are those of a server of this version, which has the models."""
    return all(_is_of_model(answer, spec) for spec, answer in answers.items())


def _is_of_model(answer: Message, spec: ModelSpec) -> bool:
    """Whether an answer is that of a model: a failure, or a vector of it. Any is of a model without a digest."""
    error = error_in(answer)
    if error is not None:
        return not isinstance(error, MalformedRequest)
    digests = answer.head.get("digests")
    return not spec.digest or (isinstance(digests, list) and not spec.digests.isdisjoint(map(str, digests)))


def outcome_of(answer: Message, spec: ModelSpec) -> EmbeddedQuestion | MagicFSError:
    """The vectors in an answer, or why there is none: a `ModelError` or an `EmbedderUnavailable`."""
    reported = reported_error(answer)
    if reported is not None:
        return reported
    try:
        return _embedded(answer, spec)
    except (EmbedderUnavailable, ModelError) as error:
        return error


def reported_error(answer: Message) -> MagicFSError | None:
    """The error in an answer, a `ModelError` or an `EmbedderUnavailable`; None for a vector."""
    error = error_in(answer)
    return error if error is None or isinstance(error, ModelError) else EmbedderUnavailable(str(error))


def _embedded(answer: Message, spec: ModelSpec) -> EmbeddedQuestion:
    """The vectors in an answer, after a check that they are those of the model `spec`."""
    if not _is_of_model(answer, spec):
        raise ModelMismatch(
            f"the query embedder uses another model than {spec.full_label}: run 'magicfs down', then 'magicfs up'"
        )
    import numpy as np

    from magicfs.domain.token_vectors import DIMENSION as TOKEN_DIMENSION
    from magicfs.domain.token_vectors import EmbeddedQuestion
    from magicfs.embedding.vectors import unit_vectors

    try:
        vectors = np.frombuffer(answer.body, "<f4")
    except ValueError as error:
        raise EmbedderUnavailable(f"the query embedder gave no vector ({error})") from error
    # A server of a former version does not say how many tokens and words there are, and gives none.
    dimension = vectors.size - answer.head.get("tokens", 0) * TOKEN_DIMENSION
    if dimension != spec.dimension:
        raise ModelMismatch(
            f"{spec.label} on this machine gives {dimension} dimensions and the index has {spec.dimension}: "
            f"copy the model's folder from a host that has it, or {remake_advice(spec.name)}"
        )
    try:
        vector = vectors[np.newaxis, : spec.dimension]
        unit: Vector = unit_vectors(vector, count=1, dimension=spec.dimension)[0]
    except ModelError as error:
        raise EmbedderUnavailable(f"the query embedder gave no vector ({error})") from error
    unit.setflags(write=False)
    tokens = vectors[spec.dimension :].reshape(-1, TOKEN_DIMENSION)
    return EmbeddedQuestion(unit, tokens, frozenset(answer.head.get("words", ())))
