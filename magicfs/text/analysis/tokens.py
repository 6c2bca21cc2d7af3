"""Splits readable text into tokens: words, compounds such as `a.b-c` or `C++`, and runs of scripts without spaces.

Used by the analysis of words, for texts and questions alike. Pure functions; any thread. As in `folding`, patterns for
other scripts than Latin are made by the first text that has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from magicfs.text.analysis.folding import basic, character_class, is_basic, marks

_BASIC_UNSPACED: Final = (
    "\u0e00-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u108f\u109a-\u109f\u1100-\u11ff\u1780-\u17d3\u17dc\u17dd\u3005-\u3007"
    "\u3031-\u3035\u303b\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9e6"
    "\uaa60-\uaa7f\uac00-\ud7a3\uf900-\ufaff"
)
UNSPACED: Final = _BASIC_UNSPACED + "\U00016fe0-\U0001b2ff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, kana, Han; and Hangul, whose words have endings without a space."""

UNSPACED_WORDS: Final = UNSPACED.replace("\u1100-\u11ff", "").replace("\uac00-\ud7a3", "")
"""The same without Hangul, which has spaces between words: the inside of a regular expression's `[…]`."""

_FIRST_UNSPACED: Final = UNSPACED[0]
"""Each of its characters comes after all those of Latin, Greek, Cyrillic, Hebrew, Arabic and the scripts of India."""

PICTURES: Final = "\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
"""Symbols and emoji: each is a word."""

_UNSPACED_CHARACTER: Final = re.compile(f"[{UNSPACED}]")


@cache
def _spaced_marks(*, is_basic: bool) -> str:
    """The class of the marks of scripts with spaces, of the Basic Multilingual Plane or all."""
    found = basic(marks()) if is_basic else marks()
    return character_class([mark for mark in found if not _UNSPACED_CHARACTER.match(mark)])


CURRENCY: Final = "$\u00a3\u00a5\u20a0-\u20c0"
_LEAD_SIGNS: Final = rf"#@\u00a7{CURRENCY}"
_LEAD: Final = (
    rf"""(?:(?=[\-.~/{_LEAD_SIGNS}])(?<![^\s(\[{{<>"'`,;=|!])(?:--?|\.{{1,2}}/|\.|[{_LEAD_SIGNS}]|~/\.?|/))?"""
)
"""Signs before a word that make another word: `--option`, `.NET`, `#define`, `~/.bashrc`, `-70`, `€45`, `§7`."""
_SIGNS: Final = r"""(?:[._\-/:@&+=~'\\#%$?]{1,4}|->|(?<=[0-9]),(?=[0-9]))"""
"""Signs that join the parts of a compound."""
_TRAIL: Final = rf"""(?:(?:\+\+|\#)(?![A-Za-z0-9])|[+\-%{CURRENCY}](?=[\s,.;:!?)\]"']|$))?"""
"""Signs after a word that make another word: `C++`, `F#`, `A-`, `Disney+`, `19%`, `45€`."""
_OPERATOR: Final = r"""operator(?:[=<>!+\-*/%&|^~]{1,3}|\(\)|\[\])(?=[\s(,;.`'")]|$)"""
"""An overloaded operator of C++."""


def _pattern(letters: str) -> str:
    return f"{_OPERATOR}|{_LEAD}{letters}(?:{_SIGNS}{letters})*{_TRAIL}"


@cache
def full_token(*, is_basic: bool) -> re.Pattern[str]:
    """The pattern of tokens in all texts, or a quicker one for texts of the Basic Multilingual Plane."""
    mark, unspaced = _spaced_marks(is_basic=is_basic), _BASIC_UNSPACED if is_basic else UNSPACED
    letters = f"(?:(?<![{mark}])[{mark}]++)?(?:[^\\W_{unspaced}]++[{mark}]*+)+"
    return re.compile(f"[{unspaced}]+|[{PICTURES}]|{_pattern(letters)}")


_ASCII_TOKEN: Final = re.compile(_pattern("[A-Za-z0-9]+"))
_PLAIN_TOKEN: Final = re.compile(_pattern("[^\\W_]+"))
"""Those of `full_token`, in texts without marks, scripts without spaces and pictures."""
_SURELY_PLAIN: Final = re.compile("[\x00-\u02ff\u2010-\u2027\u2030-\u205e\u20a0-\u20c0]*")
"""Latin letters and the signs of typography and money: most texts of languages with Latin letters."""


@cache
def _not_plain() -> re.Pattern[str]:
    return re.compile(f"[{character_class(basic(marks()))}{_BASIC_UNSPACED}\u2600-\u27bf\u2b00-\u2bff]")


_PLAIN_SIGNS_BETWEEN: Final = re.compile(r"([\W_]+)")
_NUMBERED_PART: Final = re.compile(r"([^\W\d_]{2,})([0-9]+)(?:[^\W\d_][0-9]{0,3})?")
"""A part with a number, and perhaps a version: `rowCount2`, `Report2023v2`."""
SPACE: Final = "[ \u00a0\u202f]"
"""A blank between a number and what belongs to it."""
UNITS: Final = (
    "am|pm|nm|[\u00b5\u03bc][lgmsAVFHW]|mm|cm|dm|km|ft|mg|kg|lb|oz|ml|cl|dl|hl|kb|mb|gb|tb|pb|hz|mv|kv|ma|ah|mw|kw|gw|wh|db|px"
    "|pt|ns|ms|u[gmlfvas]|qm|[cdkm]?m[23]|кг|км|см|мм|мл|мг|гб|мб|кб|тб|руб|шт|мин"
)
_NUMBERED_WORD: Final = re.compile(
    rf"([^\W\d_]{{3,}})([0-9]{{1,12}})|([^\W\d_]{{1,2}})([0-9]{{4,12}})"
    rf"|([0-9]{{1,8}})([^\W\d_]{{3,}}|(?i:{UNITS}))|([0-9]{{2,6}})([glmpvwACFVW])|([0-9])([glmvwVW])"
    r"|((?:19|20)[0-9]{6})[Tt]([0-9]{4}(?:[0-9]{2})?)[Zz]?|((?:19|20)[0-9]{2})([QqHh][1-4]|[Ww][0-5][0-9])"
    r"|([1-9][0-9]{0,4})[xX]([1-9][0-9]{0,4})(?:[xX]([1-9][0-9]{0,4}))?((?:[cm]?m|px|in|ft)?)|([0-9]{3,8})([A-Z]{1,2})"
    r"|([mM][0-9]{1,2})[xX]([0-9]{1,3})",
)
"""A word and a number in one piece, as names of files and numbers of invoices have them, a number with its unit, a
moment without signs (`20130114T0800`), a quarter or a week of a year (`2021Q3`, `2021W07`), dimensions (`1920x1080`,
`10x20cm`), the number of a model with its kind (`7604NI`), and a screw (`M8x40`); not other names of two letters, such
as `h264`, `mp3` and `5G`, and not digits of hexadecimal numbers (`12a`)."""
_SMALL_FIRST: Final = re.compile("([a-z][A-Z][A-Za-z]+)([0-9]{1,12})")
"""The name of a product and a number, which is no name in pieces: `iOS16`, `iPhone15`."""
_ORDINAL: Final = re.compile("(?:[0-9]{1,3}|[IVX]{1,5})i?[èe]me")
"""An ordinal number of French."""
_NUMBERED_END: Final = re.compile(r"([^\W\d_]{2,})([0-9]+)")
_UNIT_WITH_CAPITAL: Final = re.compile(
    "([0-9]{1,12})?([kmnpuhd\u03bc](?:Hz|Wh?|VA?|Ah?|F|H|Pa|N|J|\u03a9|\u03c9|Sv|Gy|B|L)|[kM]?eV|dBm?)"
)
"""A unit that has a capital and is no name in pieces, perhaps behind its number: `50kWh`."""
_PARTS_OF_TWO: Final = "(?:A[nt]|By|D[beo]|Go|I[dfnt]|My|No|O[fnr]|To|U[ip])"
_ASCII_CAMEL_BORDER: Final = re.compile(
    rf"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{{2}})|(?<=[A-Z]{{2}})(?={_PARTS_OF_TWO}[A-Z])"
)
"""Where a part of a name begins: `base64|Encode`, `HTTP|Server`, `JSON|To|DOM`, but `NVMe|SSD`; `PDFs` has none."""


@cache
def _signs_between() -> re.Pattern[str]:
    return re.compile(f"((?:(?![{_spaced_marks(is_basic=False)}])[\\W_])+)")


@cache
def _camel_border() -> re.Pattern[str]:
    """Where a part of a name of Latin, Greek and Cyrillic letters begins: see `_ASCII_CAMEL_BORDER`."""
    cased = [chr(code) for code in range(0x41, 0x530)]
    upper = character_class([letter for letter in cased if letter.isupper()])
    lower = character_class([letter for letter in cased if letter.islower()])
    of_two = f"(?<=[{upper}]{{2}})(?=(?:{_PARTS_OF_TWO}|[\u0370-\u052f][{lower}])[{upper}])"
    return re.compile(f"(?<=[{lower}0-9])(?=[{upper}])|(?<=[{upper}])(?=[{upper}][{lower}]{{2}})|{of_two}")


_PAIR: Final = 2
_SIGNS_OF_MAIL: Final = frozenset({".", "-", "_", "+"})
"""Signs before the `@` of an address."""
_MAX_ADDRESS_PARTS: Final = 80
"""With its signs, an address of more parts is longer than any compound of the index (`MAX_COMPOUND_CHARACTERS`)."""


class Token(NamedTuple):
    """A token of a text, not folded."""

    parts: tuple[str, ...]
    """The words of a compound, or the only word. Of a run without spaces: its characters."""
    signs: tuple[str, ...] = ()
    """The signs between the parts."""
    lead: str = ""
    trail: str = ""
    is_unspaced: bool = False

    @property
    def has_signs(self) -> bool:
        """Whether it is more than one word."""
        return bool(self.signs or self.lead or self.trail)

    @property
    def has_signed_words(self) -> bool:
        """Whether there may be any `signed_words`, or signs before or after all words."""
        return bool(self.lead or self.trail or "#" in self.signs) or max(map(len, self.signs)) > 1

    @property
    def whole(self) -> str:
        """The parts with the signs between them."""
        return self.parts[0] + "".join([sign + part for sign, part in zip(self.signs, self.parts[1:], strict=True)])

    def neighbours(self) -> list[str]:
        """Each two neighbouring parts with their sign."""
        return [first + sign + second for (first, second), sign in zip(pairwise(self.parts), self.signs, strict=True)]

    def signed_words(self) -> list[tuple[int, str]]:
        """The words that signs make another word, each with the index of its part: `c++` and `.net` of `C++/.NET`."""
        words = []
        for index, sign in enumerate(self.signs):
            if sign.startswith(("++", "#")):
                words.append((index, self.parts[index] + ("#" if sign.startswith("#") else "++")))
            if len(sign) > 1 and sign[-1] in ".#@-" and len(set(sign)) > 1 and sign != "->":
                words.append((index + 1, sign[-1] + self.parts[index + 1]))
            elif sign == "#":
                words.append((index + 1, sign + self.parts[index + 1]))
        if self.lead and len(self.parts) > 1 and self.lead.strip("/"):
            words.append((0, self.lead + self.parts[0]))
        if self.trail and len(self.parts) > 1:
            words.append((len(self.parts) - 1, self.parts[-1] + self.trail))
        return words

    def addresses(self) -> list[tuple[int, str]]:
        """The host in an address of the web or of mail, and what follows the scheme, each with its first part.

        And an address of mail behind another sign, as in `mailto:ada@example.org`. Those of two parts are `neighbours`.
        """
        found = []
        for index, sign in enumerate(self.signs):
            if sign not in {"://", "@"}:
                continue
            end = index + 1
            while end < len(self.signs) and self.signs[end] in {".", "-"}:
                end += 1
            ends = [end, len(self.signs)] if sign == "://" else [end]
            ends = [end for end in dict.fromkeys(ends) if _PAIR < end - index <= _MAX_ADDRESS_PARTS]
            found += [(index + 1, self._joined(index + 1, end)) for end in ends]
            start = index
            while start and self.signs[start - 1] in _SIGNS_OF_MAIL:
                start -= 1
            if sign == "@" and start and self.signs[start - 1] in {":", "="} and end - start <= _MAX_ADDRESS_PARTS:
                found.append((start, self._joined(start, end)))
        return found

    def _joined(self, first: int, last: int) -> str:
        """The parts from one to another with the signs between them."""
        return self._replace(parts=self.parts[first : last + 1], signs=self.signs[first:last]).whole


def split(text: str) -> list[str]:
    """The tokens of a readable text as strings, in order."""
    return _token_pattern(text).findall(text)


def locate(text: str) -> list[tuple[str, int]]:
    """The tokens of a readable text, each with the place where it ends."""
    return [(match[0], match.end()) for match in _token_pattern(text).finditer(text)]


def _token_pattern(text: str) -> re.Pattern[str]:
    if text.isascii():
        return _ASCII_TOKEN
    return _PLAIN_TOKEN if _has_plain_letters(text) else full_token(is_basic=is_basic(text))


def _has_plain_letters(text: str) -> bool:
    """Whether a text has no marks, scripts without spaces or pictures."""
    return bool(_SURELY_PLAIN.fullmatch(text)) or (is_basic(text) and not _not_plain().search(text))


def is_plain(token: str) -> bool:
    """Whether a token is one word without signs, in a script with spaces: nearly every token is."""
    return token < _FIRST_UNSPACED and token.isalnum()


def is_unspaced(token: str) -> bool:
    """Whether a token is a run of a script without spaces."""
    return token >= _FIRST_UNSPACED and _UNSPACED_CHARACTER.match(token) is not None


def parse(token: str) -> Token:
    """The parts of a token that `split` has found."""
    if _UNSPACED_CHARACTER.match(token):
        return Token(tuple(token), is_unspaced=True)
    if token.isalnum() or len(token) == 1:
        return Token((token,))
    signs = _PLAIN_SIGNS_BETWEEN if _has_plain_letters(token) else _signs_between()
    parts = signs.split(token)  # words at even places, signs at odd ones
    if len(parts) == 1:
        return Token((token,))
    lead, trail = "", ""
    if not parts[0]:
        _, lead, *parts = parts
    if parts and not parts[-1]:
        *parts, trail, _ = parts
    words = tuple(parts[::2])
    return Token(words, tuple(parts[1::2]), lead=lead, trail=trail) if words else Token((token,))


def typed_tokens(text: str) -> Iterator[tuple[Token, bool]]:
    """The tokens of a typed text, each with whether a star follows that stands for the rest of the word."""
    for token, end in locate(text):
        yield parse(token), text[end : end + 1] == "*" and not text[end + 1 : end + 2].strip()


def camel_parts(word: str) -> list[str]:
    """The parts of a camelCase name, and of a word with a number, such as `invoice2023`; none for another word."""
    if not (word.islower() or word[1:].islower() or word.isupper() or word.isdigit()):
        if unit := _UNIT_WITH_CAPITAL.fullmatch(word):
            return [part for part in unit.groups() if part] if unit[1] else []
        parts = (_ASCII_CAMEL_BORDER if word.isascii() else _camel_border()).split(word)
        if len(parts) > 1:
            return parts
    numbered = None if word.isalpha() else _NUMBERED_WORD.fullmatch(word)
    return [part for part in numbered.groups() if part] if numbered else []


def typed_camel_parts(word: str) -> list[str]:
    """The parts of a typed name that a text may have apart.

    They are those of `camel_parts`, but for names of products, such as `iOS16`; `XIXème` and `19ème` have none.
    """
    if _ORDINAL.fullmatch(word):
        return []
    if product := _SMALL_FIRST.fullmatch(word):
        return list(product.groups())
    *parts, last = camel_parts(word) or [word]
    numbered = _NUMBERED_END.fullmatch(last) if parts else None
    return [*parts, *numbered.groups()] if numbered else camel_parts(word)


def camel_variants(parts: list[str]) -> list[str]:
    """What else parts of a camelCase name may mean: `ios` of `iOSVersion`, `count` and `2` of `rowCount2`."""
    joined = [first + second for first, second in pairwise(parts) if (first, second) != tuple(parts)]
    numbered = [match for part in parts + joined if (match := _NUMBERED_PART.fullmatch(part))]
    return joined + [group for match in numbered for group in match.groups()]
