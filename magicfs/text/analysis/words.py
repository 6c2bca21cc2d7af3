"""The words of texts and of file names, with their positions, as a `tsvector`.

Used by the chunker and by the scan; `question` has the same for questions. A lexeme is a folded word, a compound with
its signs, a pair of characters of a script without spaces, or a stem, which `STEM_MARK` tells from words. Any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from os.path import splitext
from typing import Final

from magicfs.text.analysis.abbreviations import stated_days_of_year
from magicfs.text.analysis.cjk_numbers import stated_counts
from magicfs.text.analysis.clocks import far_eastern_clocks, stated_clocks
from magicfs.text.analysis.degrees import stated_degrees
from magicfs.text.analysis.folding import fold_all
from magicfs.text.analysis.forms import COMPOUNDING
from magicfs.text.analysis.lexemes import LexemeMemory, pairs_of
from magicfs.text.analysis.likely_stems import MAX_OF_FEW_WORDS, likely_stems
from magicfs.text.analysis.magnitudes import stated_magnitudes
from magicfs.text.analysis.measures import dimensions, percents_in_characters, stated_money, stated_percents
from magicfs.text.analysis.periods import stated_quarters
from magicfs.text.analysis.readable import readable
from magicfs.text.analysis.signs import signs_in
from magicfs.text.analysis.spellings import joined_parts
from magicfs.text.analysis.stated_days import dates_in_characters, days_of_name, stated_dates
from magicfs.text.analysis.stems import algorithm_for
from magicfs.text.analysis.suspended_compounds import suspended_compounds
from magicfs.text.analysis.tokens import split
from magicfs.text.analysis.years import stated_years

ANALYSIS_VERSION: Final = 41
"""Raised when a text gets other words or term weights than before: older chunks are analysed anew."""

_ASIDE_GAP: Final = 16
"""Positions between the running text and what stands aside, so that no phrase goes from one to the other."""

_CACHED_DIRECTORIES: Final = 512
"""A scan names the files of one directory after the other."""

_MAX_START: Final = 8192
"""Further on, the words of a name may reach position 16,383, which Postgres gives to all that follow."""

_KNOWN_PLACES: Final = 2048
_PLACES: Final = tuple(map(str, range(_KNOWN_PLACES)))
"""The positions of most texts as they are written: making a string of a number takes longer than the rest of a pair."""

_DIGIT: Final = re.compile("[0-9]")
_OWN_PLACE: Final = re.compile("([0-9]+)A")
"""A position with the weight A. Lexemes have no capital letter."""

_memories: Final[dict[tuple[str | None, bool], LexemeMemory]] = {}
"""By the algorithm of stems, and whether words may be compounds. One for all languages would give a word the stem of
another language."""


def analyze(text: str, *, language: str | None = None, metadata: Iterable[str] = ()) -> str:
    """The `tsvector` of a text, as Postgres reads it: `'^invoic':1 'invoices':1 'paid':2`.

    `language` is the ISO 639-1 code of the text's language, which decides the stems; None gives English ones.
    `metadata` has what else is said of the text, such as its title. No phrase goes from one of these texts to another.
    """
    algorithm = algorithm_for(language)
    body, asides = readable(text)
    asides += [*joined_parts(text), *suspended_compounds(body)]
    for entry in metadata:
        asides += [readable(entry)[0], *joined_parts(entry)]
    positions: dict[str, str] = {}
    memory = _memory(algorithm, with_ends=language is None or language in COMPOUNDING)
    end, names, has_runs = _place(split(body), 1, memory, positions)
    for aside in asides:
        end, more, _ = _place(split(aside), end + _ASIDE_GAP, memory, positions)
        names |= more
    likely = likely_stems(body) if language is None and len(body) <= MAX_OF_FEW_WORDS else ()
    for stated in (*_with_digits(body), *(_of_far_east(body) if has_runs else ()), *signs_in(body), *likely):
        end += _ASIDE_GAP
        _add(positions, f"'{stated}'", str(end))
    for name in names:
        end += _ASIDE_GAP
        for lexeme in name:
            _add(positions, lexeme, str(end))
            end += 1
    return " ".join([f"{lexeme}:{places}" for lexeme, places in positions.items()])


def _with_digits(body: str) -> list[str]:
    """What a readable text states in numbers, in the form in which it is looked for; many texts have no digit."""
    if not _DIGIT.search(body):
        return []
    return [
        *stated_dates(body),
        *stated_days_of_year(body),
        *stated_clocks(body),
        *dimensions(body),
        *stated_money(body),
        *stated_percents(body),
        *stated_degrees(body),
        *stated_magnitudes(body),
        *stated_years(body),
        *stated_quarters(body),
    ]


def _of_far_east(body: str) -> list[str]:
    """What a readable text in a script without spaces states in numbers, in characters or digits."""
    return [*dates_in_characters(body), *far_eastern_clocks(body), *percents_in_characters(body), *stated_counts(body)]


def analyze_path(display: str) -> str:
    """The `tsvector` of a path. The words of the file's own name have the weight A, those of its directories none."""
    directories, _, name = display.rpartition("/")
    above, end = _path_words(directories, 1, "")
    days, months = days_of_name(name)
    own, _ = _path_words(name, end, "A", asides=days, stated=months)
    return f"{above} {own}" if above else own


def analyze_moved_path(display: str, *, former: str, own_words: str) -> str:
    """The `tsvector` of the path of a file that was at `former`, and has kept its own name.

    `own_words` is the part of the former path's `tsvector` that has the weight A, as Postgres writes it: only its
    positions change, which takes a tenth of the time of `analyze_path`.
    """
    directories, _, name = display.rpartition("/")
    former_directories, _, former_name = former.rpartition("/")
    above, start = _path_words(directories, 1, "")
    former_start = _path_words(former_directories, 1, "")[1]
    if name != former_name or max(start, former_start) > _MAX_START:
        return analyze_path(display)
    own = own_words
    if shift := start - former_start:
        own = _OWN_PLACE.sub(lambda place: f"{int(place[1]) + shift}A", own_words)
    return f"{above} {own}" if above else own


@lru_cache(maxsize=_CACHED_DIRECTORIES)
def _path_words(
    text: str, start: int, weight: str, *, asides: tuple[str, ...] = (), stated: tuple[str, ...] = ()
) -> tuple[str, int]:
    """The words of a part of a path from a position, and of what else it says, each with a weight. And their end.

    `stated` are lexemes as they are.
    """
    words: dict[str, str] = {}
    body = readable(text)[0]
    memory = _memory(algorithm_for(None), with_ends=True)
    end, names, has_runs = _place(split(body), start, memory, words)
    for camel in names:
        for lexeme in camel:
            end += 1
            _add(words, lexeme, str(end))
    for part in (*joined_parts(text), *asides):
        end, *_ = _place(split(part), end + _ASIDE_GAP, memory, words)
    for lexeme in (*stated, *(stated_counts(body) if has_runs else ()), *likely_stems(splitext(text)[0])):
        end += _ASIDE_GAP
        _add(words, f"'{lexeme}'", str(end))
    vector = " ".join([f"{lexeme}:{places.replace(',', weight + ',')}{weight}" for lexeme, places in words.items()])
    return vector, end + _ASIDE_GAP


def _place(
    tokens: list[str], start: int, memory: LexemeMemory, positions: dict[str, str]
) -> tuple[int, dict[tuple[str, ...], None], bool]:
    """Add the lexemes of tokens from the position `start`.

    Returns the end, the camelCase names that occurred, and whether there are runs of a script without spaces.
    """
    names: dict[tuple[str, ...], None] = {}
    folded_runs: Iterator[str] | None = None
    position = start
    get = positions.get
    lexemes = memory.of_tokens(tokens)
    for token in tokens:
        found = lexemes.get(token)
        if found is None:
            if folded_runs is None:
                folded_runs = iter(fold_all([token for token in tokens if token not in lexemes]))
            pairs = pairs_of(next(folded_runs))
            end = position + len(pairs)
            places = _PLACES[position:end] if end <= _KNOWN_PLACES else map(str, range(position, end))
            for pair, at in zip(pairs, places, strict=True):
                lexeme = f"'{pair}'"
                before = get(lexeme)
                positions[lexeme] = at if before is None else f"{before},{at}"
            position += len(token)
            continue
        first, further, width, camel = found
        at = _PLACES[position] if position < _KNOWN_PLACES else str(position)
        for lexeme in first:
            before = get(lexeme)
            positions[lexeme] = at if before is None else f"{before},{at}"
        if further:
            for lexeme, place in further:
                before, at = get(lexeme), str(position + place)
                positions[lexeme] = at if before is None else f"{before},{at}"
        position += width
        if camel:
            names |= dict.fromkeys(camel)
    return position, names, folded_runs is not None


def _memory(algorithm: str | None, *, with_ends: bool) -> LexemeMemory:
    key = algorithm, with_ends
    return _memories.get(key) or _memories.setdefault(key, LexemeMemory(algorithm, with_ends=with_ends))


def _add(positions: dict[str, str], lexeme: str, place: str) -> None:
    before = positions.get(lexeme)
    positions[lexeme] = place if before is None else f"{before},{place}"
