"""The lexemes of single tokens: folded words, compounds with their signs, stems. Used for texts and questions.

Most tokens of a text occurred before, and are remembered. The others of a text are computed together: folding many
words in one call costs hardly more than folding one. Any thread.
"""

from __future__ import annotations

import re
from typing import Final

from magicfs.domain.query import REVERSED_MARK, STEM_MARK, quoted_lexeme
from magicfs.text.analysis.accounts import SHORTEST_ACCOUNT, accounts_in
from magicfs.text.analysis.codes import HEXADECIMAL_CODE
from magicfs.text.analysis.compounds import compounds
from magicfs.text.analysis.ethiopic import is_ethiopic, without_preposition
from magicfs.text.analysis.folding import fold, fold_all, without_points
from magicfs.text.analysis.hebrew import PLURALS, is_hebrew, plural_stems, without_prefixes
from magicfs.text.analysis.lookalikes import in_one_script
from magicfs.text.analysis.stems import stems
from magicfs.text.analysis.tokens import Token, camel_parts, camel_variants, is_plain, is_unspaced, parse
from magicfs.text.analysis.variants import joined_words

_MAX_WORD_CHARACTERS: Final = 100
"""A longer word is encoded data, unless it is a digest in hexadecimal."""
_MAX_DIGEST_CHARACTERS: Final = 128
_DIGITS: Final = frozenset("0123456789")
_HEXADECIMAL: Final = _DIGITS | frozenset("abcdef")

_NUMBERED_VERSION: Final = re.compile(r"[^\W\d_]{1,20}([0-9]+)\Z")
"""The first part of a version such as `v2.10.3` and `tool2.10`, which is found as `2.10.3` and `2.10` too."""

_PADDED: Final = re.compile("0+([1-9][0-9]+|[1-9](?<=00.))")
"""A number with zeros before it, such as that of an invoice, which is found without them too; not one of two digits."""

_ORDINAL: Final = re.compile("([0-9]{1,3})(?:st|nd|rd|th|er|ere|i?eme|e|de|ste)")
"""An ordinal number, which is found by its digits too."""

_VERSION_BEHIND: Final = re.compile(r"([0-9]+)[vV][0-9]{1,2}")
_KIND_BEHIND: Final = re.compile("([0-9]+)[A-Za-z]{1,3}")
"""The last part of a number with a version or, behind a point, a kind behind it, such as `2103.01234v2` and `802.11ac`,
which is found as `2103.01234` and `802.11` too."""

_MIN_COMPOUND: Final = 8
"""The letters of the stem of a word that is found by its end: two parts of a compound have so many."""

REMEMBERED_TOKENS: Final = 20_000
"""The tokens of one generation. Two of them take some 15 MB, and have nearly all tokens of prose, and of a project of
code."""


TokenLexemes = tuple[tuple[str, ...], tuple[tuple[str, int], ...], int, tuple[tuple[str, ...], ...]]
"""What a token adds to a `tsvector`: the quoted lexemes at its first position; the others, each with its place counted
from there; the number of positions that it takes; the quoted parts of each camelCase name, which stand aside. A plain
tuple, because making an object with names takes as long as the rest of the work for a word."""

_NOTHING: Final[TokenLexemes] = ((), (), 1, ())


class LexemeMemory:
    """The lexemes of the tokens that occurred lately, for one algorithm of stems, perhaps with the ends of long words.

    It has two generations. When the younger one is full, it becomes the older one, whose tokens are forgotten unless
    they occur again. Threads may share a memory: at worst, two compute the same token.
    """

    def __init__(self, algorithm: str | None, *, with_ends: bool = False) -> None:
        self._algorithm = algorithm
        self._with_ends = with_ends
        self._young: dict[str, TokenLexemes] = {}
        self._old: dict[str, TokenLexemes] = {}

    def of_tokens(self, tokens: list[str]) -> dict[str, TokenLexemes]:
        """A dictionary that has the lexemes of these tokens, and of others; none of runs without spaces."""
        young = self._young
        new = {token for token in tokens if token not in young}
        if new:
            if len(young) + len(new) > REMEMBERED_TOKENS:
                self._old, young = young, {}
                self._young = young
                new.update(tokens)
            self._learn(new, young)
        return young

    def _learn(self, tokens: set[str], young: dict[str, TokenLexemes]) -> None:
        words, compound = set(), {}
        for token in self._recall(tokens, young):
            if is_plain(token):
                words.add(token)
                continue
            if is_unspaced(token):
                continue
            parsed = parse(token)
            if parsed.has_signs:
                compound[token] = parsed, joined_words(parsed)
                words.update(parsed.parts)
                words.update(word for _, _, word in compound[token][1])
            else:
                words.add(token)
        young.update(_words_lexemes(self._recall(words, young), self._algorithm, with_ends=self._with_ends))
        for token, (parsed, joined) in compound.items():
            as_one = [(lexeme, place) for place, _, word in joined for lexeme in young[word][0]]
            young[token] = _compound_lexemes(parsed, [young[part] for part in parsed.parts], as_one)

    def _recall(self, tokens: set[str], young: dict[str, TokenLexemes]) -> list[str]:
        """The tokens, of those given, that neither generation has."""
        unknown = []
        for token in tokens:
            if token not in young:
                if token in self._old:
                    young[token] = self._old[token]
                else:
                    unknown.append(token)
        return unknown


def _words_lexemes(words: list[str], algorithm: str | None, *, with_ends: bool) -> dict[str, TokenLexemes]:
    """The lexemes of each word."""
    folded = fold_all(words)
    stemmed_words = folded if algorithm is None else folded_stems(words, algorithm)
    found = {}
    for part, word, stemmed in zip(words, folded, stemmed_words, strict=True):
        if not is_word(word):
            found[part] = _NOTHING
            continue
        quoted = quoted_lexeme(word)
        lexemes: tuple[str, ...] = (quoted,) if stemmed == word else (quoted, quoted_lexeme(STEM_MARK + stemmed))
        if with_ends and len(stemmed) >= _MIN_COMPOUND and stemmed.isalpha():
            lexemes += (quoted_lexeme(reversed_stem(stemmed)),)
        if is_hebrew(word):
            rests = without_prefixes(word)
            plurals = [stem for form in (word, *rests) if form.endswith(PLURALS) for stem in plural_stems(form)]
            lexemes += tuple([quoted_lexeme(STEM_MARK + rest) for rest in dict.fromkeys((*rests, *plurals))])
        elif is_ethiopic(word):
            lexemes += tuple([quoted_lexeme(STEM_MARK + rest) for rest in without_preposition(word)])
        elif word[0] in _DIGITS and (bare := _PADDED.fullmatch(word) or _ORDINAL.fullmatch(word)):
            lexemes += (quoted_lexeme(bare[1]),)
        elif word.startswith("0x") and (code := HEXADECIMAL_CODE.fullmatch(word)):
            lexemes += (quoted_lexeme(code[1]),)
        elif len(word) >= SHORTEST_ACCOUNT:
            lexemes += tuple(map(quoted_lexeme, accounts_in(word)))
        if not part.isascii() and (alike := in_one_script(part)):
            lexemes += (quoted_lexeme(fold(alike)),)
        found[part] = (lexemes, (), 1, () if part == word and word.isalpha() else _names(part))
    return found


def reversed_stem(stem: str) -> str:
    """The lexeme by which a folded stem is found by its end."""
    return REVERSED_MARK + stem[::-1]


def _names(word: str) -> tuple[tuple[str, ...], ...]:
    camel = camel_parts(word)
    if not camel:
        return ()
    bare = [padded[1] for part in camel if (padded := _PADDED.fullmatch(part))]
    folded = fold_all(camel + camel_variants(camel) + bare)
    return (tuple([quoted_lexeme(name) for name in folded if name]),)


def _compound_lexemes(token: Token, words: list[TokenLexemes], joined: list[tuple[str, int]]) -> TokenLexemes:
    first = list(words[0][0])
    further = [
        (lexeme, place)
        for place, (sign, part, word) in enumerate(zip(token.signs, token.parts[1:], words[1:], strict=True), 1)
        # What follows the point of a number has no zeros before it that people leave out: `2.05`, not `No.0789`.
        for lexeme in (
            word[0][:1] if part[0] == "0" and sign in {".", ","} and token.parts[place - 1].isdecimal() else word[0]
        )
    ]
    for lexeme, place in (*joined, *((quoted_lexeme(compound), place) for place, compound in compounds(token))):
        if place:
            further.append((lexeme, place))
        else:
            first.append(lexeme)
    first_digit = token.parts[1][0] if token.signs[:1] == (".",) else ""
    if first_digit in _DIGITS and (version := _NUMBERED_VERSION.match(token.parts[0])):
        bare = token._replace(parts=(version[1], *token.parts[1:]))
        first += map(quoted_lexeme, filter(is_word, (bare.parts[0], *(c for place, c in compounds(bare) if not place))))
    is_decimal = token.signs[-1:] == (".",) and token.parts[-2][-1] in _DIGITS
    last = _VERSION_BEHIND.fullmatch(token.parts[-1]) if token.signs else None
    if last or (is_decimal and (last := _KIND_BEHIND.fullmatch(token.parts[-1]))):
        bare = token._replace(parts=(*token.parts[:-1], last[1]))
        further += [(quoted_lexeme(last[1]), len(words) - 1)] if is_word(last[1]) else []
        further += [(quoted_lexeme(compound), place) for place, compound in compounds(bare)]
    return tuple(first), tuple(further), len(words), tuple([name for word in words for name in word[3]])


def is_word(folded: str) -> bool:
    """Whether a folded word is one: not marks alone, which leave nothing, nor encoded data."""
    if len(folded) <= _MAX_WORD_CHARACTERS:
        return bool(folded)
    return len(folded) <= _MAX_DIGEST_CHARACTERS and _HEXADECIMAL.issuperset(folded)


def folded_word(part: str) -> str | None:
    """The folded form of a word; None for what is no word."""
    word = fold(part)
    return word if is_word(word) else None


def folded_stem(part: str, algorithm: str | None) -> str:
    """The folded stem of a word."""
    return fold(part) if algorithm is None else folded_stems([part], algorithm)[0]


def folded_stems(words: list[str], algorithm: str) -> list[str]:
    """The folded stems of words. The stemmer gets them with their accents, which endings have, but without points."""
    lower = [word if word.isalpha() else without_points(word) for word in map(str.lower, words)]
    return fold_all(stems(lower, algorithm=algorithm))


def unspaced_lexemes(run: str) -> list[str]:
    """The overlapping pairs of a run without spaces, and its last character alone: one lexeme a place.

    There is none for a run of nothing but marks that are left out.
    """
    return pairs_of(fold(run))


def pairs_of(characters: str) -> list[str]:
    """The lexemes of a folded run."""
    return [characters[place : place + 2] for place in range(len(characters))]
