"""A tokenizer that keeps the encoding of a passage between two uses: whether the model reads it whole, and the model's.

Used by `embedder`, between fastembed and a model's tokenizer. Tokenizing is a twentieth of the work on a passage.
Belongs to one thread, as the model does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Tokenizer(Protocol):
    """The part of a tokenizer that is used here: one of the library `tokenizers`, or a `UnigramTokenizer`."""

    def get_vocab_size(self) -> int:
        """The number of pieces."""

    def token_to_id(self, token: str) -> int | None:
        """The number of a piece; None if there is none."""

    def encode(self, text: str, *, add_special_tokens: bool = True) -> Any:
        """The encoding of a text."""

    def encode_batch(self, texts: Any) -> Sequence[Any]:
        """The encodings of several texts, filled up to the longest of them."""


class CachingTokenizer:
    """Does what is used here of a `tokenizers.Tokenizer`, and keeps encodings of passages until they are embedded."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """`tokenizer` cuts texts off at the longest input of the model."""
        self._tokenizer = tokenizer
        self._kept: dict[str, Any] = {}
        self.latest: Sequence[Any] = ()
        """The last encodings that were given."""

    def get_vocab_size(self) -> int:
        """The number of pieces."""
        return self._tokenizer.get_vocab_size()

    def token_to_id(self, token: str) -> int | None:
        """The number of a piece; None if there is none."""
        return self._tokenizer.token_to_id(token)

    def encode(self, text: str, *, add_special_tokens: bool = True) -> Any:
        """The encoding of a text."""
        return self._tokenizer.encode(text, add_special_tokens=add_special_tokens)

    def encode_batch(self, texts: Sequence[str]) -> Sequence[Any]:
        """The encodings of several texts, filled up to the longest of them. One that was kept is given, once."""
        if len(texts) == 1 and (kept := self._kept.pop(texts[0], None)) is not None:
            self.latest = [kept]
        else:
            self.latest = self._tokenizer.encode_batch(texts)
        return self.latest

    def reads_whole(self, text: str) -> bool:
        """Whether the longest input holds a text. The encoding of such a text is kept."""
        encoding = self.encode(text)
        if encoding.overflowing:
            return False
        self._kept[text] = encoding
        return True

    def forget(self) -> None:
        """Keep no encoding any longer."""
        self._kept.clear()
