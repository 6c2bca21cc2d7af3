"""Turns raw text into what a person reads: without terminal sequences, invisible characters, divided words, markup.

Used by the analysis of words alone: the stored text of a chunk stays as the file has it. `markup` reads what is written
with markup. Pure functions; any thread. Each rule is guarded by a search for its characters, so that ordinary text
costs some microseconds.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

from magicfs.text.analysis.clocks import without_points
from magicfs.text.analysis.codes import codes_with_blanks
from magicfs.text.analysis.encoded_words import encoded_words
from magicfs.text.analysis.markup import ENTITY, without_entities, without_markup
from magicfs.text.analysis.measures import measures_in_one_piece, with_exponents_apart, with_typed_signs
from magicfs.text.analysis.spaced_letters import around_middle_dots, spaced_letters
from magicfs.text.analysis.spaced_numbers import numbers_in_pieces
from magicfs.text.analysis.spellings import without_final_long_vowels, without_quotes_inside
from magicfs.text.analysis.tokens import UNSPACED_WORDS
from magicfs.text.analysis.variants import SHORT_WORDS
from magicfs.text.terminal_signs import terminal_links, without_terminal_signs

_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2120\u2122\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff]"
)
"""Soft hyphens, zero-width characters, signs of direction, variation selectors, tags. And the signs of a trade mark,
which stand behind a word and whose letters are no part of it."""
_RAISED: Final = "\u00b2\u00b3\u00b9\u2070\u2074-\u2079"
_NOTE_NUMBER: Final = re.compile(rf"[{_RAISED}](?<=[^\W\d_{_RAISED}]{{4}}.)[{_RAISED}]{{0,2}}(?!\w)")
"""The raised number of a note behind a word; shorter words are units and letters with an exponent: `km\u00b2`."""

_SIGNS: Final = str.maketrans(
    "\u2018\u2019\u02bb\u02bc\u02be\u02bf\u2032\u2010\u2011\u2012\u2013\u2212\u2043\u066a\u066b\u066c",
    "'''''''------%.,",
) | {0x2014: " - "}
"""Typographic quotes and dashes, as they are typed; quotes of Hawaiian, Uzbek and Arabic in Latin letters; separators
inside of Arabic numbers. A long dash stands between words and joins none: `e-mail—which`."""
_SIGN: Final = re.compile(f"[{''.join(map(chr, _SIGNS))}]")

_FRACTION: Final = re.compile("(?<=[0-9])(?=[\u00bc-\u00be\u2150-\u215e\u2189])")
_FRACTION_SIGN: Final = "\u2044"
"""What stands in a fraction that is one character: `\u00bd` is read as `1/2`, and `3\u00bd` as `3 1/2`."""

_SMALL_CAPITALS: Final = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
"""Letters as people write their names with them."""
_SMALL_CAPITAL: Final = re.compile(f"[{''.join(map(chr, _SMALL_CAPITALS))}]{{2}}")
"""Two of them: alone, some are letters of phonetics."""

_SOFT_LINE_END: Final = re.compile("\u00ad[ \t]*\n[ \t]*")
_LINE_START: Final = r"[ \t]*(?:(?://+!?|#+|\*|(?:>[ \t]?)+|--|;+|%+|\|)[ \t]*)?"
"""What a line may begin with before its text: the sign of a comment or of a quotation."""
_DIVIDED: Final = re.compile(
    rf"(?<![^\W\d_])(?<![^\W\d_]-)([^\W\d_]++(?:-[^\W\d_]++)*+)-[ \t]{{0,4}}\n(?:[ \t]*\n)?\f?{_LINE_START}(\w+)"
)
"""A word that is divided at the end of a line or of a page."""
_OLD_DIVISION: Final = re.compile("[\u00ac\u2e17](?=[ \t]{0,4}\n)")
"""How programs that read scans, and books in blackletter, divide a word."""
_MAX_DIVISIONS: Final = 4
"""The lines after the first that a word may go on over."""
_UNSPACED_LINE_END: Final = re.compile(rf"\n(?<=[{UNSPACED_WORDS}]\n){_LINE_START}(?=[{UNSPACED_WORDS}])")
"""The end of a line inside a text of a script without spaces, whose words go on in the next line."""
_MOMENT: Final = re.compile(
    r"([0-9][0-9]{3}(?<![0-9]{5})-[0-9]{2}-[0-9]{2})"
    r"T([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)(?:(Z)(?![A-Za-z0-9_]))?"
)
"""A moment of ISO 8601, as logs have it: its day and its time are words, and not the hour with the letter before it.
It begins with a set of characters, for which `re` searches quickly."""
_BYTES_OF_LETTER: Final = re.compile(
    r"(?:(?<=[\w).,-])%2[0-9A-Ca-c](?=[\w(%])|%[C-Fc-f][0-9A-Fa-f]%[89ABab][0-9A-Fa-f])"
)
_ENCODED_ADDRESS: Final = re.compile(rf"(?<!\S)\S{{0,500}}?{_BYTES_OF_LETTER.pattern}\S{{0,1000}}")
"""An address, or the end of one, with letters beyond ASCII, blanks or brackets as their bytes."""
_DIGIT: Final = re.compile("[0-9]")
_OTHER_DIGIT: Final = re.compile(r"[^\D0-9]")
"""A digit of another script than Latin: numbers are read by the signs between digits, whatever these look like."""
_PARAGRAPH: Final = re.compile(r"\u00a7{1,2}\s{0,8}(?=[0-9])")
"""The sign before the number of a paragraph of a law, with blanks or the end of a line between them or without."""
_CUE: Final = re.compile(
    r"\n[ \t]*((?:[0-9]{1,6}[ \t]*\n[ \t]*)?"
    r"[0-9]{1,3}(?::[0-9]{2}){1,2}[.,][0-9]{3}[ \t]*-->[ \t]*[0-9]{1,3}(?::[0-9]{2}){1,2}[.,][0-9]{3}[^\n]{0,200})\n"
)
"""What stands between two subtitles, but for empty lines: the number of the second and its times. Sentences go on over
it."""
_INSIDE_COMPOUNDS: Final = SHORT_WORDS | {"the", "and", "for", "out", "over", "\u00e0", "en", "de", "du", "la", "und"}
"""Words that stand between two hyphens, and are no beginning of a divided word: `state-of-the-art`."""
_ORDINAL_POINT: Final = re.compile("[.](?<=[0-9].)(?=[\u00aa\u00ba]|er(?!\\w))")
"""The point before the raised letter of an ordinal number in Spanish: `2.º`."""
_BOTH_GENDERS: Final = re.compile(r"(?<![^\W\d_])([^\W\d_]{3,}+)(?:[*:_\u00b7/]-?(innen)|[*:](in))(?!\w)")
"""Women and men in a German word with a sign between them: `Student:innen`."""
_GENDER_BEHIND: Final = re.compile(r"[*:_\u00b7/]-?in(?:nen)?(?!\w)")
"""What such a word has, and few other texts."""
_CATALAN_DOT: Final = re.compile("(?<=[lL])\u00b7(?=[lL])")


def readable(text: str) -> tuple[str, list[str]]:
    """The text as a person reads it, and what else it says: addresses of links, divided words, numbers in one piece.

    The second part stands outside of the running text, where no phrase goes through it.
    """
    asides = terminal_links(text)
    text = without_terminal_signs(text)
    if "&" in text and ";" in text and ENTITY.search(text):
        text = without_entities(text, asides)
    asides += _beside(text)
    if not text.isascii():
        text = _without_invisible(text)
    text = _without_breaks(text, asides)
    if "T" in text and ":" in text:
        text = _MOMENT.sub(r"\1 \2 \3", text)
    text = without_markup(text, asides)
    if _DIGIT.search(text):
        text = with_typed_signs(without_points(text))
        asides += numbers_in_one_piece(text)
    return text, asides


def _beside(text: str) -> list[str]:
    """What the words of a text say beside it: encoded ones, and those with a sign inside."""
    found: list[str] = []
    if "%" in text and _BYTES_OF_LETTER.search(text):
        found += map(unquote, _ENCODED_ADDRESS.findall(text))
    if "\\" in text or "=" in text or not text.isascii():
        found += encoded_words(text)
    found += spaced_letters(text)
    if not text.isascii():
        found += around_middle_dots(text)
    if ("innen" in text or "*in" in text or ":in" in text) and _GENDER_BEHIND.search(text):
        found += map("".join, _BOTH_GENDERS.findall(text))
    return found


def numbers_in_one_piece(text: str) -> list[str]:
    """The numbers and codes of a readable text that have blanks in them, in one piece."""
    return [
        *numbers_in_pieces(text),
        *measures_in_one_piece(text),
        *codes_with_blanks(text),
    ]


def _without_invisible(text: str) -> str:
    if "\u00ad" in text:
        text = _SOFT_LINE_END.sub("", text)
    text = _INVISIBLE.sub("", text)
    if "\u00a7" in text:
        text = _PARAGRAPH.sub(" \u00a7", text)
    if "\u2116" in text:
        text = text.replace("\u2116", "\u2116 ")
    if "\u00aa" in text or "\u00ba" in text:
        text = _ORDINAL_POINT.sub("", text)
    text = with_exponents_apart(_NOTE_NUMBER.sub("", text))
    if "\u00b7" in text:
        text = _CATALAN_DOT.sub("", text)
    if "\u00ac" in text or "\u2e17" in text:
        text = _OLD_DIVISION.sub("-", text)
    if _SIGN.search(text):
        text = text.translate(_SIGNS)
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", _FRACTION.sub(" ", text)).replace(_FRACTION_SIGN, "/")
    text = without_final_long_vowels(without_quotes_inside(text))
    if _SMALL_CAPITAL.search(text):
        text = text.translate(_SMALL_CAPITALS)
    text = _OTHER_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0])), text)
    return _UNSPACED_LINE_END.sub("", text) if "\n" in text else text


def _without_breaks(text: str, asides: list[str]) -> str:
    """The text without what breaks words and sentences: the ends of lines, the times of subtitles."""
    if "-->" in text:
        asides.append(" ".join(_CUE.findall(text)))
        text = _CUE.sub("\n", text)
    return _without_divisions(text, asides) if "-\n" in text or "- \n" in text or "-  \n" in text else text


def _without_divisions(text: str, asides: list[str]) -> str:
    """The text with divided words in one piece. A long word may be divided at the ends of several lines."""
    for _ in range(_MAX_DIVISIONS):
        text, divided = _DIVIDED.subn(lambda match: _joined(match, asides), text)
        if not divided:
            break
    return text


def _joined(match: re.Match[str], asides: list[str]) -> str:
    """The divided word in one piece. It keeps its hyphen before a capital or a digit, as in `INV-2023`.

    It does so, too, behind a short word of a compound.
    """
    first, rest = match.groups()
    before, _, last = first.rpartition("-")
    if before and last.lower() in _INSIDE_COMPOUNDS:
        asides.append(f"{first}{rest}")
        return f"{first}-{rest}"
    if not rest[0].islower():
        return f"{first}-{rest}"
    asides.append(f"{first}-{rest}")
    return f"{first}{rest}"
