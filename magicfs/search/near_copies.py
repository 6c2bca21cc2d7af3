"""Near copies among ranked files: the drafts of a document, a report that was sent several times, the files of backups.

Used by `magicfs.search.ranking`. Of files whose passages are nearly equal and answer equally well, a person wants one,
the latest, and then what else answers as well. Copies to the byte are one result already. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import filterfalse
from typing import Final

from magicfs.domain.ids import ChunkId
from magicfs.search.fusion import Evidence
from magicfs.search.measured_files import CandidateFile
from magicfs.text.analysis.tokens import UNSPACED_WORDS

MIN_SHARED_WEIGHT: Final = 0.7
"""Two passages are nearly equal if they share this part of the weight of their words, or more."""
MIN_SHARED_WORDS: Final = 0.5
"""They must share this part of their words too, each counted as one."""
WEIGHT_OF_NUMBERS: Final = 3
"""The weight of a number, that of a word being 1: the invoices of a shop differ in little else, and are no copies."""
MIN_WORDS: Final = 20
"""The different words of a passage that may be nearly equal to another one. Of fewer, one other word says enough."""
YIELD_SHARE: Final = 0.8
"""A near copy comes after the next files that have this share of its relevance, or more: they answer as well."""
MANY_COPIES: Final = 3
"""This near copy of a file and all further ones come after whatever answers at all."""
YIELD_SHARE_OF_MANY: Final = 0.2
"""They come after the next files that have this share of their relevance, or more."""
MAX_COMPARED: Final = 8
"""The most files with which one is compared: all invoices of a shop, or all mail with one footer, may seem near."""
EXAMINED_PER_WANTED: Final = 1.2
"""The number of files that are examined for each one wanted: one of the next may be the latest of near copies."""

_WORD: Final = re.compile(f"[{UNSPACED_WORDS}]|[^\\W_{UNSPACED_WORDS}]+")
_ASCII_SIGNS: Final = {code: " " for code in range(128) if not chr(code).isalnum()}
"""What stands between words of a text in ASCII. To divide it there takes a third of the time of `_WORD`."""
_MIN_LETTERS_OF_PIECES: Final = 12
"""A text whose pieces between spaces are longer on average has no spaces between words."""
_KEY_CHARACTERS: Final = 500
"""The characters at the beginning of a passage from which its keys are made: more take longer."""
_KEY_WORDS: Final = 5
_SHARED_KEYS: Final = 3
"""Passages are compared if they share this many keys."""
_LAST_WITH_KEY: Final = 64
"""The last groups with a key that are looked at: in a long list of results, hundreds may have the name of a shop."""


class _Passage:
    """The text by which a file is found."""

    def __init__(self, chunk: ChunkId, text: str) -> None:
        self.chunk = chunk
        self._text = text

    @property
    def keys(self) -> list[str | int]:
        """What nearly equal passages share: the longest words of its beginning, or the chunk, which is enough alone."""
        text = self._text[:_KEY_CHARACTERS]
        pieces = text.split()
        is_unspaced = len(pieces) * _MIN_LETTERS_OF_PIECES < len(text)
        words = sorted(set(text if is_unspaced else pieces))
        words.sort(key=len)
        return [*words[-_KEY_WORDS:], *[self.chunk] * _SHARED_KEYS]

    @cached_property
    def _words(self) -> frozenset[str]:
        text = self._text.lower()
        return frozenset(text.translate(_ASCII_SIGNS).split() if text.isascii() else _WORD.findall(text))

    @cached_property
    def _numbers(self) -> frozenset[str]:
        return frozenset(filterfalse(str.isalpha, self._words))

    @cached_property
    def _weight(self) -> int:
        return len(self._words) + (WEIGHT_OF_NUMBERS - 1) * len(self._numbers)

    def is_near(self, other: _Passage) -> bool:
        """Whether it is nearly equal to another one."""
        if self.chunk == other.chunk:
            return True
        words, others = self._words, other._words
        fewer = min(len(words), len(others))
        if fewer < MIN_WORDS:
            return False
        weight = self._weight + other._weight
        numbers = (WEIGHT_OF_NUMBERS - 1) * len(self._numbers & other._numbers)
        # The numbers alone tell invoices apart, sooner than all their words.
        if not _is_most(fewer + numbers, weight):
            return False
        both = len(words & others)
        return _is_most(both + numbers, weight) and both >= MIN_SHARED_WORDS * (len(words) + len(others) - both)


def _is_most(both: int, weight: int) -> bool:
    """Whether the weight `both` of shared words is enough. `weight` is the sum of the weights of both passages."""
    return both >= MIN_SHARED_WEIGHT * (weight - both)


def near_copies_later(
    files: Sequence[CandidateFile],
    texts: Mapping[ChunkId, str],
    relevance: Callable[[Evidence], float],
    *,
    wanted: int,
) -> list[CandidateFile]:
    """Files in their order, but a near copy of one before it later: after the next ones that answer as well.

    Of near copies that answer equally, the latest modified one comes first. The others have it as `near`. What comes
    after the first ones, as many as are `wanted`, may stay where it is.
    """
    groups = _groups(files, texts, most=int(EXAMINED_PER_WANTED * wanted))
    if not groups:
        return list(files)
    placed = dict(enumerate(files))
    for places in groups:
        placed.update(zip(places, _latest_first([files[place] for place in places]), strict=True))
    share = {
        place: YIELD_SHARE if number < MANY_COPIES else YIELD_SHARE_OF_MANY
        for _, *copies in groups
        for number, place in enumerate(copies, 1)
    }
    ordered: list[CandidateFile] = []
    waiting: list[tuple[CandidateFile, float]] = []
    for place, file in placed.items():
        answers = relevance(file.evidence)
        if place in share:
            waiting.append((file, share[place] * answers))
            continue
        ordered += [copy for copy, least in waiting if answers < least]
        waiting = [(copy, least) for copy, least in waiting if answers >= least]
        ordered.append(file)
    return ordered + [copy for copy, _ in waiting]


def _groups(files: Sequence[CandidateFile], texts: Mapping[ChunkId, str], *, most: int) -> list[list[int]]:
    """The places of files that are near copies of the first one of each group, which answers best.

    Files after the first `most` that are no near copies are not examined.
    """
    groups: list[tuple[_Passage, Evidence, list[int]]] = []
    by_key: dict[str | int, list[int]] = {}
    copies = 0
    for place, file in enumerate(files):
        if place - copies >= most:
            break
        chunk, evidence = file.found.chunk_id, file.evidence
        text = None if chunk is None else texts.get(chunk)
        if chunk is None or text is None or evidence.is_whole_name:
            continue
        passage = _Passage(chunk, text)
        keys = passage.keys
        for number in _nearest(keys, by_key):
            first, best, places = groups[number]
            if passage.is_near(first) and _answers_no_better(evidence, best):
                places.append(place)
                copies += 1
                break
        else:
            for key in keys:
                by_key.setdefault(key, []).append(len(groups))
            groups.append((passage, evidence, [place]))
    return [places for _, _, places in groups if len(places) > 1]


def _nearest(keys: Sequence[str | int], by_key: Mapping[str | int, Sequence[int]]) -> list[int]:
    """The groups that share the most keys, the last ones first among equals: near copies answer nearly equally."""
    shared = Counter(number for key in keys if key in by_key for number in by_key[key][-_LAST_WITH_KEY:])
    near = [(count, number) for number, count in shared.items() if count >= _SHARED_KEYS]
    return [number for _, number in sorted(near, reverse=True)[:MAX_COMPARED]]


def _answers_no_better(evidence: Evidence, first: Evidence) -> bool:
    """Whether nothing but its meaning speaks for a file more than for another one."""
    return all(ours <= theirs for ours, theirs in zip(_by_words(evidence), _by_words(first), strict=True))


def _by_words(evidence: Evidence) -> tuple[float, ...]:
    """What the words of the question, in the passage and in the path, say of a file."""
    return (
        round(evidence.lexical or 0.0, 6),
        evidence.is_phrase_match,
        round(evidence.name_share, 6),
        round(evidence.rare_share, 6),
        evidence.has_all_words,
    )


def _latest_first(files: Sequence[CandidateFile]) -> list[CandidateFile]:
    """Near copies of the first one: those that answer as it does in front, the latest modified first."""
    best = _by_words(files[0].evidence)
    latest, *others = sorted(files, key=lambda file: (_by_words(file.evidence) != best, -file.found.stat.mtime_ns))
    return [latest, *(file._replace(near=latest.found) for file in others)]
