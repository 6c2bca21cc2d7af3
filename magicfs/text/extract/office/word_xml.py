"""Takes out of the running text of `.docx` what a person does not see, before kreuzberg reads it.

Runs in the child process, called by `running_text`. kreuzberg leaves out what tracked changes delete, but not what
they move away nor hidden text, and it joins words at a tab and at a hyphen that does not break. In tables, it writes
formats and links in Markdown, in the middle of words too. Pure functions.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.documents.xml_texts import OF_ANOTHER, SHOWN_AGAIN
from magicfs.text.extract.office.repacking import repacked
from magicfs.text.extract.office.word_styles import hidden_styles

DOCUMENT_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_RUNNING_TEXT: Final = "word/document.xml"
_MAX_BYTES: Final = 128 << 20
"""A document all of whose members unpack to more stays as it is."""
_OF_INTEREST: Final = re.compile(rb"<w:(?:moveFrom|rt|vanish|noBreakHyphen)\b")
_TAG: Final = re.compile(
    rb"<(/?)w:(moveFrom|rt|p|r|t|vanish|noBreakHyphen|rPrChange|pPr|pPrChange|pStyle|rStyle)(?=[\s/>])([^<>]*?)(/?)>"
)
_TABLES: Final = re.compile(rb"<w:tbl>.*</w:tbl>", re.DOTALL)
"""From the first table to the last one: formats of text between them are not written either way."""
_FORMAT: Final = re.compile(rb"<w:(?:b|i|u|strike|dstrike)(?:\s[^<>]*)?/>|</?w:hyperlink\b[^<>]*>")
_OF_ANOTHER: Final = frozenset(name.encode() for name in OF_ANOTHER)
_VALUE: Final = re.compile(rb"\bw:val=\"([^\"]*)\"")
_HYPHEN: Final = b"<w:t>-</w:t>"
_TAB: Final = re.compile(rb"<w:(?:tab\s*/>|ptab\b[^<>]*/>)")
"""A tab in the text; one that says where tabs are has attributes."""
_BLANK: Final = b'<w:t xml:space="preserve">\t</w:t>'


def as_seen(content: bytes) -> bytes:
    """A document without that text; the same bytes where it has none, and where it is large or damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as document:
            if sum(member.file_size for member in document.infolist()) > _MAX_BYTES:
                return content
            text = document.read(_RUNNING_TEXT)
            hidden = frozenset(name.encode() for name in hidden_styles(document))
            seen = _TABLES.sub(lambda tables: _FORMAT.sub(b"", tables[0]), text)
            if _OF_INTEREST.search(text) or any(b'"%s"' % name in text for name in hidden):
                seen = b"".join(_seen(seen, hidden))
            seen = _TAB.sub(_BLANK, seen)
            return repacked(document, changed={_RUNNING_TEXT: seen}) if seen != text else content
    except DAMAGE:
        return content


def _seen(text: bytes, hidden: frozenset[bytes]) -> Iterator[bytes]:
    """Yield the pieces of the running text that remain: elements stay, and what they hold goes.

    `hidden` are the names of styles whose text is not seen.
    """
    place = 0
    state = _State(hidden)
    for tag in _TAG.finditer(text):
        is_end, name = bool(tag[1]), tag[2]
        is_unseen = state.is_unseen
        if not (is_end and name == b"t" and is_unseen):
            yield text[place : tag.start()]
        yield tag[0] if name != b"noBreakHyphen" else b"" if is_unseen or is_end else _HYPHEN
        place = tag.end()
        if not is_end:
            state.take_property(name, tag[3])
        if not tag[4]:
            state.take_element(name, is_end=is_end)
    yield text[place:]


class _State:
    """Whether text at a place is seen."""

    def __init__(self, hidden: frozenset[bytes]) -> None:
        self._hidden = hidden
        self._moved = self._elsewhere = 0
        self._paragraphs: list[bool] = []
        self._runs: list[bool] = []

    @property
    def is_unseen(self) -> bool:
        return self._moved > 0 or any(self._runs[-1:])

    def take_property(self, name: bytes, attributes: bytes) -> None:
        """Take note of an element that says how a paragraph or a run looks."""
        value = _VALUE.search(attributes)
        if name == b"pStyle" and self._paragraphs and self._elsewhere == 1:
            self._paragraphs[-1] = value is not None and value[1] in self._hidden
        elif not self._runs or self._elsewhere:
            return
        elif name == b"vanish":
            self._runs[-1] = value is None or value[1].decode("ascii", "replace") not in SHOWN_AGAIN
        elif name == b"rStyle" and value and value[1] in self._hidden:
            self._runs[-1] = True

    def take_element(self, name: bytes, *, is_end: bool) -> None:
        """Take note of an element that begins or ends around text."""
        if name in {b"moveFrom", b"rt"}:  # the readings of characters stand beside the running text
            self._moved += -1 if is_end else 1
        elif name in _OF_ANOTHER:
            self._elsewhere += -1 if is_end else 1
        elif name in {b"p", b"r"}:
            opened = self._paragraphs if name == b"p" else self._runs
            if not is_end:
                opened.append(name == b"r" and any(self._paragraphs[-1:]))
            elif opened:
                opened.pop()
