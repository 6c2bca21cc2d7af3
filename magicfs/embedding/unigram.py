"""A SentencePiece unigram tokenizer for processes that keep a model: a sixth of the memory that `tokenizers` takes.

Used by `embedder` for models with hundreds of thousands of pieces. `tokenizers` keeps them in a trie, which takes
290 MB for the vocabulary of XLM-R; here they are a dictionary of 45 MB. The tokens are the same: `tokenizers` still
normalises texts and cuts them into words, and each word gets its likeliest pieces. The files are written by
`magicfs.models.unigram_files` when a model is prepared. One thread.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from magicfs.embedding.manifest import UNIGRAM_FOLDER
from magicfs.errors import ModelCorrupt

SETTINGS, PIECES, SCORES = "settings.json", "pieces.txt", "scores.bin"
"""What is not about single pieces; the pieces, a line each; their scores as doubles of this machine."""

_UNKNOWN_PENALTY = 10.0
"""What an unknown character scores less than the least likely piece."""
_CACHED_WORDS = 20_000
_MAX_CACHED_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Encoding:
    """A text as tokens, with the fields of the class of that name in `tokenizers`."""

    ids: Sequence[int]
    attention_mask: Sequence[int]
    overflowing: bool
    """Whether the text was cut off at the longest input."""


class UnigramTokenizer:
    """Does what is used of a `tokenizers.Tokenizer` here."""

    def __init__(
        self, settings: dict[str, Any], pieces: Sequence[str], scores: Sequence[float], *, longest: int
    ) -> None:
        """`longest` is the longest input in tokens, marks included."""
        self._numbers = dict(zip(pieces, range(len(scores)), strict=True))
        self._scores = scores
        self._unknown: int = settings["unknown"]
        self._unknown_score = min(scores) - _UNKNOWN_PENALTY
        self._before: list[int] = settings["before"]
        self._after: list[int] = settings["after"]
        self._padding: int = settings["padding"]
        self._special: dict[str, int] = settings["special"]
        self._special_pattern = re.compile("|".join(settings["special_patterns"]) or r"(?!)")
        self._longest = longest
        self._longest_piece: dict[str, int] = {}
        for piece in pieces:
            if len(piece) > self._longest_piece.get(piece[:1], 0):
                self._longest_piece[piece[:1]] = len(piece)
        self._library = Tokenizer.from_str(json.dumps(settings["library"]))
        self._cache: dict[str, tuple[int, ...]] = {}

    @classmethod
    def load(cls, model: Path, longest: int) -> UnigramTokenizer | None:
        """The tokenizer in the folder of a model; None if the model has none of this kind. Raises `ModelCorrupt`."""
        folder = model / UNIGRAM_FOLDER
        try:
            settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
            scores = array("d", (folder / SCORES).read_bytes())
            # Some pieces hold signs that `splitlines` takes for the end of a line.
            pieces = (folder / PIECES).read_text(encoding="utf-8").split("\n")
            return cls(settings, pieces, scores, longest=longest)
        except FileNotFoundError:
            return None
        except Exception as error:
            raise ModelCorrupt(
                f"the tokenizer in {folder} cannot be read ({error}): run 'magicfs model pull'"
            ) from error

    @property
    def scores(self) -> Sequence[float]:
        """The logarithms of the probabilities of the pieces, by number; 0 for pieces that are no text."""
        return self._scores

    @property
    def marks(self) -> frozenset[int]:
        """The numbers of the pieces that are no text. An unknown character is one."""
        return frozenset(self._special.values()) - {self._unknown}

    def get_vocab_size(self) -> int:
        """The number of pieces."""
        return len(self._scores)

    def token_to_id(self, token: str) -> int | None:
        """The number of a piece; None if there is none."""
        return self._numbers.get(token)

    def encode(self, text: str, *, add_special_tokens: bool = True) -> Encoding:
        """The pieces of a text, between two marks unless `add_special_tokens` is False."""
        before, after = (self._before, self._after) if add_special_tokens else ([], [])
        room = self._longest - len(before) - len(after)
        found = list(self._ids_of(text))
        ids = [*before, *found[:room], *after]
        return Encoding(ids, [1] * len(ids), overflowing=len(found) > room)

    def encode_batch(self, texts: Iterable[str]) -> list[Encoding]:
        """The pieces of several texts, filled up to the longest of them."""
        encodings = [self.encode(text) for text in texts]
        length = max((len(encoding.ids) for encoding in encodings), default=0)
        return [self._padded(encoding, length) for encoding in encodings]

    def _padded(self, encoding: Encoding, length: int) -> Encoding:
        missing = length - len(encoding.ids)
        if not missing:
            return encoding
        ids = [*encoding.ids, *[self._padding] * missing]
        return Encoding(ids, [*encoding.attention_mask, *[0] * missing], encoding.overflowing)

    def _ids_of(self, text: str) -> Iterator[int]:
        place = 0
        for match in self._special_pattern.finditer(text):
            yield from self._ids_of_words(text[place : match.start()])
            yield self._special[match.group().strip()]
            place = match.end()
        yield from self._ids_of_words(text[place:])

    def _ids_of_words(self, text: str) -> Iterator[int]:
        if not text:
            return
        normal = self._library.normalizer.normalize_str(text)
        for word, _ in self._library.pre_tokenizer.pre_tokenize_str(normal):
            ids = self._cache.get(word)
            if ids is None:
                ids = self._best_pieces(word)
                if len(word) <= _MAX_CACHED_CHARACTERS:
                    if len(self._cache) >= _CACHED_WORDS:
                        self._cache.clear()
                    self._cache[word] = ids
            yield from ids

    def _best_pieces(self, word: str) -> tuple[int, ...]:
        """The pieces of a word with the largest sum of scores; unknown characters in a row are one token."""
        numbers, scores, unknown = self._numbers, self._scores, self._unknown
        length = len(word)
        best = [float("-inf")] * (length + 1)
        best[0] = 0.0
        last = [(0, unknown)] * (length + 1)
        for start in range(length):
            base = best[start]
            is_known = False
            for end in range(start + 1, min(length, start + self._longest_piece.get(word[start], 0)) + 1):
                number = numbers.get(word[start:end])
                if number is None:
                    continue
                is_known = is_known or end == start + 1
                score = base + scores[number]
                if score > best[end]:
                    best[end], last[end] = score, (start, number)
            if not is_known and base + self._unknown_score > best[start + 1]:
                best[start + 1], last[start + 1] = base + self._unknown_score, (start, unknown)
        return tuple(_backwards(last, unknown))[::-1]


def _backwards(last: Sequence[tuple[int, int]], unknown: int) -> Iterator[int]:
    """The pieces from the last to the first; unknown ones in a row once."""
    end = len(last) - 1
    after = -1
    while end:
        end, number = last[end]
        if number != unknown or after != unknown:
            yield number
        after = number
