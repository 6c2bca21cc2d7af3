"""Whether a model reads a text: it knows the words, or at least pieces of them that are longer than a letter.

Used by `embedder`, and by maintenance for the vectors of older versions. A model that has not learned a language spells
its words letter by letter, or gives one unknown token for each. Its vectors of such texts are alike, whatever they say:
two texts of unknown tokens have a cosine of 1. So such a text has no vector. Needs no library: it looks at what a
tokenizer has made of a text. Pure; any thread.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MAX_UNREAD_SHARE = 0.5
"""Share of letters of an unread script in a text that has a vector. Under MiniLM, passages and questions of XQuAD in
Arabic have 0.78 and more, 99 % of those in Chinese 0.43 and more, and those in German 0.03 at most."""
_MAX_UNKNOWN = 0.2
_MAX_SPELLED = 0.4
"""Shares of the letters beyond Latin that are unknown, and that are unknown or a token each, in a script that a model
reads. Of 700 ideographs and of most alphabets, an English model has the letters, and no meaning. Models for all
languages have pieces of words instead, apart from particles and endings."""

_MANY_PIECES = 100_000
"""A vocabulary of more pieces is one of all languages (that of XLM-R has 250,000, an English one 30,000): particles and
short words are single letters in it, and it is not a sign of anything."""

_UNKNOWN_TOKENS = ("[UNK]", "<unk>", "<UNK>", "UNK")

_FOREIGN = re.compile("[^\x00-\u024f\u1e00-\u1eff\u2000-\u206f]")
"""Anything but Latin letters, digits and usual signs."""
_LATIN = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_LONG_WORD = re.compile(r"\S{100,}")
"""What tokenizers of words take for one unknown token, whatever the script is."""
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


class Encoding(Protocol):
    """What a tokenizer has made of a text."""

    @property
    def ids(self) -> Sequence[int]:
        """The tokens."""

    @property
    def offsets(self) -> Sequence[tuple[int, int]]:
        """The part of the text that each token stands for, in characters."""


@dataclass
class _Letters:
    """The letters of a text, by what a model makes of them."""

    latin: int = 0
    """Letters of a script of which every model has the words or the letters."""
    in_pieces: int = 0
    """Other letters in tokens of several letters; and ideographs, which are words, in tokens of their own."""
    spelled: int = 0
    """Other letters that are a token each."""
    unknown: int = 0
    """Letters in unknown tokens."""

    def unread_share(self) -> float:
        """The share of letters that the model does not read; 0 for a text without letters."""
        foreign = self.in_pieces + self.spelled + self.unknown
        is_read = self.unknown <= _MAX_UNKNOWN * foreign and self.spelled + self.unknown <= _MAX_SPELLED * foreign
        return 0.0 if is_read else foreign / (foreign + self.latin)


class Tokenizer(Protocol):
    """The part of a tokenizer of the library `tokenizers` that is used here."""

    def encode(self, text: str, *, add_special_tokens: bool) -> Encoding:
        """The tokens of a text."""

    def token_to_id(self, token: str) -> int | None:
        """The number of a token; None if there is none."""

    def get_vocab_size(self) -> int:
        """The number of tokens that there are."""


class TextReader:
    """Says which texts a model reads, by its tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        numbers = (tokenizer.token_to_id(name) for name in _UNKNOWN_TOKENS)
        self._unknown = next((number for number in numbers if number is not None), None)
        self._has_all_languages = tokenizer.get_vocab_size() > _MANY_PIECES

    def has_word(self, word: str) -> bool:
        """Whether the model has a word in one piece, as it has those that are frequent in texts and spelt right."""
        forms = (word, word.lower(), word.capitalize())
        return any(len(ids) == 1 and ids[0] != self._unknown for ids in map(self._ids, dict.fromkeys(forms)))

    def _ids(self, text: str) -> Sequence[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def reads(self, text: str) -> bool:
        """Whether the model reads the language of a text. A text without letters has none, and is read."""
        if is_certainly_read(text):
            return True
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        if self._has_all_languages:
            return encoding.ids.count(self._unknown) <= _MAX_UNKNOWN * len(encoding.ids)
        return unread_share(text, encoding, unknown=self._unknown) <= MAX_UNREAD_SHARE


def is_certainly_read(text: str) -> bool:
    """Whether a text needs no look at its tokens: most of it is Latin, in words of a usual length."""
    foreign = 0 if text.isascii() else len(_FOREIGN.findall(text))
    if foreign and foreign * 2 > len(_LATIN.findall(text)):
        return False
    return _LONG_WORD.search(text) is None


def unread_share(text: str, encoding: Encoding, *, unknown: int | None) -> float:
    """The share of a text's letters that are unknown to a model, or spelled, in [0, 1]; 0 without letters.

    `unknown` is the token for what the model does not know; None if it has none.
    """
    letters = _Letters()
    last_end = 0
    for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        # A letter may be several tokens: its bytes, or the parts of a syllable.
        if end <= last_end:
            continue
        piece = text[start:end].strip()
        last_end = end
        count = sum(map(_is_letter, piece))
        if token == unknown:
            letters.unknown += len(piece)
        elif not _FOREIGN.search(piece):
            letters.latin += count
        elif len(piece) > 1 or _IDEOGRAPH.match(piece):
            letters.in_pieces += count
        else:
            letters.spelled += count
    return letters.unread_share()


def _is_letter(character: str) -> bool:
    return character.isalpha() or unicodedata.category(character) in {"Mn", "Mc"}
