"""Reads RTF documents as a person sees them: letters by the charset of their font, no hidden or deleted text.

Runs in the child process, called by `old_office`; kreuzberg reads the headings of such a document. Footnotes,
headers, comments, boxes and addresses of links come after the text. Pure functions.
"""

from __future__ import annotations

import itertools
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.office.rtf_fonts import SIGN_BLOCK, Fonts, shown_signs
from magicfs.text.extract.office.word_equations import shown_by_equation
from magicfs.text.extract.plain.plain_text import clean

RTF_TYPE: Final = "application/rtf"

_TOKEN: Final = re.compile(
    rb"(?P<text>[^\\{}\r\n\0]+)|\\(?P<word>[A-Za-z]{1,32})(?P<number>-?[0-9]{1,10})?[ ]?|\\'(?P<byte>[0-9A-Fa-f]{2})"
    rb"|(?P<brace>[{}])|\\(?P<sign>[^A-Za-z])|.",
    re.DOTALL,
)
_SHOWN: Final = {
    **dict.fromkeys((b"par", b"sect", b"page", b"column"), "\n\n"),
    **dict.fromkeys((b"line", b"row", b"nestrow", b"softline"), "\n"),
    **dict.fromkeys((b"cell", b"nestcell", b"tab"), "\t"),
    **dict.fromkeys((b"emspace", b"enspace", b"qmspace"), " "),
    b"emdash": "\u2014", b"endash": "\u2013", b"bullet": "\u2022", b"lquote": "\u2018", b"rquote": "\u2019",
    b"ldblquote": "\u201c", b"rdblquote": "\u201d",
}  # fmt: skip
_SIGNS: Final = {b"~": "\xa0", b"_": "-", b"\r": "\n\n", b"\n": "\n\n", b"\\": "\\", b"{": "{", b"}": "}"}

_BESIDE: Final = frozenset(
    {
        *(b"footnote", b"annotation", b"shptxt"),
        *(b"header", b"headerl", b"headerr", b"headerf", b"footer", b"footerl", b"footerr", b"footerf"),
    }
)
_SAID: Final = frozenset({b"title", b"author", b"fldinst", b"atnauthor", b"sn", b"sv"})
"""Groups whose text is kept by the name of the group, and not shown."""
_READ_IN_STAR: Final = frozenset({b"annotation", b"shpinst", b"fldinst", b"ud", b"atnauthor", b"footnote", b"cs"})
"""Groups that old programs skip, and that are read. LibreOffice and pandoc mark footnotes so, Word does not."""
_BEFORE_SIGN: Final = 8
"""Bytes up to the end of the sign for such a group: there may be line ends between."""
_NOT_READ: Final = frozenset(
    {
        *(b"colortbl", b"stylesheet", b"pict", b"nonshppict", b"filetbl", b"revtbl", b"listtable", b"rsidtbl", b"list"),
        *(b"listoverridetable", b"latentstyles", b"themedata", b"colorschememapping", b"datastore", b"objdata"),
        *(b"info", b"sp", b"xe", b"tc", b"rxe", b"txe", b"falt", b"panose", b"fontemb", b"nonesttables", b"objclass"),
        *(b"bkmkstart", b"bkmkend", b"atnid", b"generator", b"template", b"ftnsep", b"ftnsepc", b"aftnsep"),
    }
)
_DRAWN_WORDS: Final = "gtextUNICODE"
"""The name of the property of a shape that has the words that it is drawn as (WordArt)."""
_LINK: Final = re.compile(r'HYPERLINK\s+"?((?:https?|ftp|mailto):[^"\s]{1,2000})')
_NOWHERE: Final = frozenset({b"-", b"fonttbl", b"upr"})
"""The targets of text that is not read."""
_MANY_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")
_WRITES_UTF_16: Final = 0x10000
_TOKENS_BETWEEN_CHECKS: Final = 1 << 16
"""Looks at the clock, which cost as much as reading."""
_MAX_DEPTH: Final = 5000


@dataclass(frozen=True, slots=True)
class RtfText:
    """What an RTF document says."""

    text: str
    title: str
    author: str
    is_cut: bool
    """Whether the time was over before the end."""


@dataclass(slots=True)
class _State:
    """What holds inside of a group, and in those inside of it."""

    charset: str
    target: bytes = b""
    """The name of the group that says where its text goes; empty for the running text, `-` for nowhere."""
    substitutes: int = 1
    """The characters after one in Unicode that stand for it."""
    is_hidden: bool = False
    is_symbol: bool = False
    may_be_skipped: bool = False


class _Reader:
    """Reads one document."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0
        self._fonts = Fonts()
        self._shown: list[str] = []
        self._beside: list[str] = []
        self._said: dict[bytes, str] = {}
        self._links: list[str] = []
        self._open_texts: list[list[str]] = []
        self._pending = bytearray()
        self._state = _State(charset=self._fonts.document_charset)
        self._outer: list[_State] = []
        self._skipped = 0
        """The characters that come next and stand for the one before."""

    def read(self, *, until: float) -> RtfText:
        """The text as far as it goes, or until a moment on the monotonic clock."""
        is_cut = False
        acts: dict[str, Callable[[bytes, bytes | None], None]] = {
            "text": self._take_text,
            "byte": self._take_byte,
            "brace": self._take_brace,
            "sign": self._take_sign,
            "word": self._take_word,
        }
        for count in itertools.count(1):
            match = _TOKEN.match(self._content, self._place)
            is_cut = count % _TOKENS_BETWEEN_CHECKS == 0 and time.monotonic() > until
            if match is None or is_cut:
                break
            self._place = match.end()
            kind = "word" if match.lastgroup == "number" else match.lastgroup
            if kind is not None:
                acts[kind](match[kind], match["number"])
        self._flush()
        text = clean("".join([*self._shown, *(piece for texts in self._open_texts for piece in texts)]))
        text = _MANY_LINES.sub("\n\n", text)
        notes = [clean(note).strip() for note in dict.fromkeys(self._beside)]
        others = missing_texts([*filter(None, notes), *self._links], in_text=text)
        title, author = (" ".join(clean(self._said.get(name, "")).split()) for name in (b"title", b"author"))
        return RtfText("\n\n".join([text, *others]), title, author, is_cut)

    def _put(self, text: str) -> None:
        if self._state.target not in _NOWHERE and not self._state.is_hidden:
            (self._open_texts[-1] if self._open_texts else self._shown).append(text)

    def _flush(self) -> None:
        if self._pending:
            data, self._pending = bytes(self._pending), bytearray()
            self._put(shown_signs(data) if self._state.is_symbol else data.decode(self._state.charset, "replace"))

    def _take_text(self, data: bytes, _: bytes | None) -> None:
        if self._skipped:
            self._skipped, data = max(0, self._skipped - len(data)), data[self._skipped :]
        if self._state.target not in _NOWHERE:
            self._pending += data

    def _take_byte(self, digits: bytes, _: bytes | None) -> None:
        if self._skipped:
            self._skipped -= 1
        elif self._state.target not in _NOWHERE:
            self._pending.append(int(digits, 16))

    def _take_brace(self, brace: bytes, _: bytes | None) -> None:
        self._flush()
        self._skipped = 0
        if brace == b"{":
            if len(self._outer) < _MAX_DEPTH:
                self._outer.append(self._state)
                self._state = replace(self._state, may_be_skipped=False)
        elif self._outer:
            inner, self._state = self._state, self._outer.pop()
            if inner.target != self._state.target:
                self._close(inner.target)

    def _take_sign(self, sign: bytes, _: bytes | None) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        self._flush()
        if sign == b"*":
            self._state.may_be_skipped = self._is_in_new_group()
        elif sign in _SIGNS:
            self._put(_SIGNS[sign])

    def _is_in_new_group(self) -> bool:
        """Whether the sign that was read last begins a group. OpenOffice writes one before styles of letters too."""
        return self._content[max(0, self._place - _BEFORE_SIGN) : self._place - len(rb"\*")].rstrip().endswith(b"{")

    def _take_word(self, word: bytes, digits: bytes | None) -> None:
        number = int(digits) if digits else None
        if word == b"bin":
            self._place += max(0, number or 0)
            return
        if self._skipped and word not in {b"u", b"par"}:
            self._skipped -= 1
            return
        self._flush()
        self._skipped = 0
        if self._state.target == b"-" and word not in _SAID:
            return
        if word in _SHOWN:
            self._put(_SHOWN[word])
        elif not self._set_letters(word, number) and not self._set_fonts(word, number or 0):
            self._enter(word)

    def _set_letters(self, word: bytes, number: int | None) -> bool:
        """Act on a word about letters; False for any other word."""
        state, value = self._state, number or 0
        match word:
            case b"u":
                character = value % _WRITES_UTF_16
                is_sign = character >> 8 == SIGN_BLOCK
                self._put(shown_signs(bytes([character & 0xFF])) if is_sign else chr(character))
                self._skipped = state.substitutes
            case b"uc":
                state.substitutes = max(0, value)
            case b"v" | b"deleted":
                state.is_hidden = number != 0
            case b"ansicpg" | b"mac" | b"pc" | b"pca":
                self._fonts.set_document_charset(word, value)
                state.charset = self._fonts.document_charset
            case _:
                return False
        return True

    def _set_fonts(self, word: bytes, number: int) -> bool:
        """Act on a word about fonts; False for any other word."""
        match word:
            case b"f":
                self._fonts.described = number
                self._take_font(number)
            case b"plain":
                self._state.is_hidden = False
                self._take_font(self._fonts.default)
            case b"deff":
                self._fonts.default = number
            case b"fcharset":
                self._fonts.set_charset(number)
            case b"cpg":
                self._fonts.set_code_page(number)
            case _:
                return False
        return True

    def _take_font(self, font: int) -> None:
        self._state.is_symbol = self._fonts.has_signs(font)
        self._state.charset = self._fonts.charset(font)

    def _enter(self, word: bytes) -> None:
        """Take what the group holds to where its name says."""
        state = self._state
        is_skipped, state.may_be_skipped = state.may_be_skipped and word not in _READ_IN_STAR, False
        if word in _SAID or (word in _BESIDE and not is_skipped):
            state.target = word
            state.is_hidden = False
            self._open_texts.append([])
        elif word in {b"fonttbl", b"upr"}:
            state.target = word
        elif word == b"ud":
            state.target = b""
        elif is_skipped or word in _NOT_READ:
            state.target = b"-"

    def _close(self, target: bytes) -> None:
        """Keep the text of a group that has ended."""
        if target not in _SAID and target not in _BESIDE:
            return
        text = "".join(self._open_texts.pop()) if self._open_texts else ""
        if target == b"fldinst":
            self._links += _LINK.findall(text)
            equation = shown_by_equation(text)
            (self._open_texts[-1] if self._open_texts else self._shown).append(equation.text)
            self._links += filter(None, [equation.reading])
        elif target == b"sv" and self._said.get(b"sn", "").strip() == _DRAWN_WORDS:
            self._beside.append(text)
        elif target in _SAID:
            self._said[target] = text
        else:
            author = self._said.pop(b"atnauthor", "") if target == b"annotation" else ""
            self._beside.append(f"{author}: {text}" if author and text.strip() else text)


def read_rtf(content: bytes, *, until: float = math.inf) -> RtfText:
    """The text of a document, until a moment on the monotonic clock; of a damaged one, as far as it goes."""
    return _Reader(content).read(until=until)
