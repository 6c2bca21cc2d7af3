"""Term weights: what each word of a chunk adds to BM25, before the rarity of the word. Stored with the chunk.

A weight grows with the occurrences of the word, less and less, and falls with the length of the chunk. Lengths are
compared with a fixed one and not with the average of the index, so that no weight changes when other chunks come or go:
the choice of the length moves all BM25 of an index alike. The BM25 of a chunk is the inner product of its weights and
those of the question, which pgvector computes from two `sparsevec`.

A weight has no word but a slot, the hash of the word: of 200 words, two share a slot in one of fifty thousand chunks. A
stem and the word that looks like it share a slot on purpose, because a question means both. Pure; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import xxhash

from magicfs.domain.query import REVERSED_MARK, STEM_MARK, Lexeme, Term, quoted_lexeme

K1: Final = 1.5
"""How soon more occurrences of a word add nothing to the score: later with a larger value."""
B: Final = 0.75
"""How much the length of a chunk lowers its score, from 0 to 1."""
REFERENCE_WORDS: Final = 60
"""The length that all chunks are compared with, in words, about half of a full chunk of prose: of 40 to 120, this ranks
best on two judged collections (docs/adr/0016)."""

_SLOTS: Final = 1_000_000_000
"""The most dimensions of a `sparsevec`."""
_SHORTEST: Final = 3
"""The characters of a quoted lexeme of one letter."""
_REMEMBERED: Final = 20_000
"""They take some 4 MB, and have nearly all words of ordinary text."""
_REVERSED: Final = f"'{REVERSED_MARK}"
"""How a lexeme begins that stands for another one, and has no weight of its own."""
_ENTRY: Final = re.compile(r"('(?:[^'\\]|''|\\\\)+'):([\d,]+)")
"""A lexeme of a `tsvector` with its places, also one with a space in it."""


def term_weights(words: str) -> str:
    """The term weights of a chunk, as pgvector reads a `sparsevec`, from its words as Postgres reads a `tsvector`."""
    counts: dict[str, int] = {}
    length = 0
    get = counts.get
    try:
        entries = [entry.rpartition(":") for entry in words.split(" ")] if words else []
        slots = [_remembered.get(lexeme) or _learn(lexeme) for lexeme, _, _ in entries]
    except _SplitLexeme:
        entries = [(lexeme, ":", places) for lexeme, places in _ENTRY.findall(words)]
        slots = [_slot(lexeme) for lexeme, _, _ in entries]
    for (lexeme, _, places), slot in zip(entries, slots, strict=True):
        if lexeme.startswith(_REVERSED):
            continue
        count = places.count(",") + 1 if "," in places else 1
        if lexeme[1] != STEM_MARK:
            length += count
        counts[slot] = get(slot, 0) + count
    saturation = K1 * (1.0 - B + B * length / REFERENCE_WORDS)
    # Most words occur once or twice: their weights are computed and written once.
    written = {count: f":{count * (K1 + 1.0) / (count + saturation):.4g}" for count in set(counts.values())}
    return _sparse([slot + written[count] for slot, count in counts.items()])


def question_weights(terms: Mapping[Term, float]) -> str:
    """The weights of a question, by the weight of each of its words: BM25 is their inner product with a chunk's."""
    weights: dict[str, float] = {}
    for term, weight in terms.items():
        for slot, factor in _factors(term).items():
            weights[slot] = weights.get(slot, 0.0) + weight * factor
    return _sparse([f"{slot}:{weight:.6g}" for slot, weight in weights.items() if weight])


def word_weights(term: Term) -> str:
    """The weights of one word of a question alone: their inner product with a chunk's is 0 where it lacks the word."""
    return question_weights({term: 1.0})


def _factors(term: Term) -> dict[str, float]:
    """What an occurrence of each form of a word counts, by slot. A beginning of several words has no slot."""
    factors: dict[str, float] = {}
    for slot, factor in _slots(term.lexemes):
        factors[slot] = max(factor, factors.get(slot, 0.0))
    return factors


def _slots(lexemes: Iterable[Lexeme]) -> Iterator[tuple[str, float]]:
    for lexeme in lexemes:
        if not lexeme.is_prefix:
            yield _slot(quoted_lexeme(lexeme.text)), lexeme.factor


class _SplitLexeme(ValueError):
    """A lexeme has a space in it."""


_remembered: Final[dict[str, str]] = {}
"""The slots of quoted lexemes that occurred lately. Threads may share it: at worst, two compute the same slot."""


def _learn(lexeme: str) -> str:
    """The slot of a quoted lexeme, which is remembered. Raises `_SplitLexeme` for a part of one."""
    if len(lexeme) < _SHORTEST or not lexeme[0] == lexeme[-1] == "'":
        raise _SplitLexeme
    if len(_remembered) >= _REMEMBERED:
        _remembered.clear()
    slot = _remembered[lexeme] = _slot(lexeme)
    return slot


def _slot(lexeme: str) -> str:
    """The slot of a quoted lexeme, counted from 1, as Postgres reads it. The mark of a stem makes no difference."""
    word = f"'{lexeme[2:]}" if lexeme[1] == STEM_MARK else lexeme
    return str(xxhash.xxh32_intdigest(word.encode()) % _SLOTS + 1)


def _sparse(entries: Iterable[str]) -> str:
    return f"{{{','.join(entries)}}}/{_SLOTS}"
