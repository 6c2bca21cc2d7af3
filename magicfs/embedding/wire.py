"""The protocol between a query embedder and its clients: one line of JSON a request, one line an answer.

Requests: `{"do": "embed", "name", "precision", "text"}`, `{"do": "ping"}`, `{"do": "quit"}`. Answers are objects; one
that tells of a failure has `error` (the name of a class in `magicfs.errors`) and `message`. A vector travels as base64
of little-endian float32. Pure functions, used by `server` and `client`; both are of the same installation, so the
protocol has no versions.
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicfs.errors import (
    EmbedderUnavailable,
    MagicFSError,
    ModelCorrupt,
    ModelError,
    ModelMismatch,
    ModelMissing,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


LONGEST_REQUEST = 256 * 1024
"""Bytes. A query is a line that a person types; the model reads a few hundred tokens of it."""
LONGEST_TEXT = 16 * 1024
"""Characters of a query that are sent; far more than any model reads of them."""

_ERRORS = {kind.__name__: kind for kind in (ModelError, ModelMissing, ModelCorrupt, ModelMismatch)}


def lock_path(socket: Path) -> Path:
    """The file whose lock the server at `socket` holds as long as it lives."""
    return socket.with_name(f"{socket.name}.lock")


def encode(message: dict[str, Any]) -> bytes:
    """One line. ASCII, so that lone surrogates in a query travel as they are."""
    return json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The object on a line. Raises `ValueError`."""
    try:
        message = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(message, dict):
        raise ValueError("not an object")  # noqa: TRY004  one kind of error for all malformed lines
    return message


def encode_vector(vector: NDArray[np.float32]) -> str:
    """A vector as text."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def decode_vector(text: str) -> NDArray[np.float32]:
    """A vector from text. Raises `ValueError`."""
    import numpy as np

    try:
        return np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    except (binascii.Error, TypeError) as error:
        raise ValueError("no vector") from error


def failure(error: MagicFSError) -> dict[str, Any]:
    """The answer that tells of an error."""
    return {"error": type(error).__name__, "message": str(error)}


def raise_failure(answer: dict[str, Any]) -> None:
    """Raise what an answer tells of, if it tells of a failure."""
    if "error" in answer:
        kind: type[MagicFSError] = _ERRORS.get(str(answer["error"]), EmbedderUnavailable)
        raise kind(str(answer.get("message", "the query embedder failed")))
