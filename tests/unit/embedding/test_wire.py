from __future__ import annotations

import json

import numpy as np
import pytest

from magicfs.embedding import wire
from magicfs.errors import EmbedderUnavailable, ModelCorrupt, ModelMismatch, ModelMissing


@pytest.mark.parametrize("text", ["plain", "two\nlines", "東京 ½", "lone \udcff", "\0", ""])
def test_a_message_is_one_line_whatever_is_in_it(text: str) -> None:
    line = wire.encode({"text": text})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert wire.decode(line) == {"text": text}


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"7", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_message_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):
        wire.decode(line)


def test_a_vector_travels_unchanged() -> None:
    vector = np.random.default_rng(1).standard_normal(384).astype(np.float32)
    received = wire.decode_vector(json.loads(json.dumps(wire.encode_vector(vector))))
    assert np.array_equal(received, vector)
    assert received.dtype == np.float32


@pytest.mark.parametrize("text", ["?", "AAA", "AAAAA=", "None"])
def test_what_is_no_vector_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        wire.decode_vector(text)


@pytest.mark.parametrize("kind", [ModelMissing, ModelCorrupt, ModelMismatch, EmbedderUnavailable])
def test_errors_travel_as_themselves(kind: type[Exception]) -> None:
    with pytest.raises(kind, match="what to do"):
        wire.raise_failure(wire.failure(kind("what to do")))  # type: ignore[arg-type]


def test_an_unknown_error_is_an_unavailable_embedder() -> None:
    with pytest.raises(EmbedderUnavailable):
        wire.raise_failure({"error": "SystemExit"})
    wire.raise_failure({"vector": ""})
