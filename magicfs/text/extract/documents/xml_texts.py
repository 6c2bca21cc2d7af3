"""Targets of the XML parser: they collect the texts of the paragraphs of a part of an office document, as it is shown.

Used by `office_parts` in the child process. What tracked changes delete or move away, and hidden text of Word, is no
text. One object reads one part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from magicfs.text.extract.documents.xml_elements import without_namespace

DELETED: Final = frozenset({"del", "moveFrom", "tracked-changes"})
"""Local names of elements of Word and OpenDocument that hold what was deleted."""
SHOWN_AGAIN: Final = frozenset({"0", "false", "off"})
"""Values of `vanish` for text that is not hidden."""
OF_ANOTHER: Final = frozenset({"rPrChange", "pPr", "pPrChange"})
"""What holds a `vanish` that hides no text: of the format before a tracked change, and of the mark of a paragraph."""
SLIDE_NUMBER: Final = "slidenum"
"""The type of a field that shows the number of its slide."""

_TEXT_TAGS: Final = frozenset({"t", "text", "author", "lpwstr", "v"})
"""Local names of elements that hold text: of Word, of comments, of properties, of charts."""
_PARAGRAPH_TAGS: Final = frozenset({"p", "h", "comment", "threadedComment", "author", "lpwstr", "pt"})
_READING, _ODF_READING = "rt", "ruby-text"
"""What stands above characters: it is kept beside the paragraph, whose words it would cut."""
_ODF_TEXT_TAGS: Final = frozenset(
    {"p", "h", "title", "desc", "creator", "initial-creator", "keyword", "subject", "user-defined"}
)
_PAGE_NUMBER: Final = "page-number"
"""A field of OpenDocument: its text is `<number>`, or the number of one page."""
_ADDRESS: Final = re.compile(r"(?:https?|ftp|mailto):")
_BREAKS: Final = {
    "tab": "\t",
    "tab-stop": "\t",
    "br": "\n",
    "cr": "\n",
    "noBreakHyphen": "-",
    "line-break": "\n",
    "s": " ",
}
_ATTRIBUTES: Final = {
    "docPr": ("title", "descr"),
    "cNvPr": ("title", "descr"),
    "comment": ("author",),
    "cmAuthor": ("name",),
    "author": ("name",),
    "person": ("displayName",),
    "listEntry": ("val",),
    "listItem": ("displayText",),
    "textpath": ("string",),
}
"""Attributes with texts, by local names: descriptions of pictures, who wrote comments, what a form lets choose,
and words that are drawn as a shape (WordArt), such as a title or a watermark."""
_FIELD_LINK: Final = re.compile(r'HYPERLINK\s{1,9}"((?:https?|ftp|mailto):[^"\s]{1,2000})"')
_CHOICE: Final = re.compile(r'"((?:[^"]|""){1,1000})"')


class OfficeTexts:
    """Collects the text of each paragraph, without that of paragraphs inside of it."""

    def __init__(self, *, hidden_styles: frozenset[str] = frozenset()) -> None:
        """`hidden_styles` are the names of styles whose text is not seen."""
        self.texts: list[str] = []
        self._open: list[list[str]] = [[]]
        self._in_text = self._in_field = self._in_deleted = self._in_another = 0
        self._hidden_styles = hidden_styles
        self._hidden_runs = [False]
        self._hidden_paragraphs = [False]
        self._number_fields: list[bool] = []
        self._readings: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take note of an element that begins."""
        name = without_namespace(tag)
        if shown := _ATTRIBUTES.get(name):
            self.texts += (value for key, value in attributes.items() if without_namespace(key) in shown)
        if name in _PARAGRAPH_TAGS or name == _READING:
            self._open.append([])
            self._hidden_paragraphs.append(name == _READING and self._hidden_paragraphs[-1])
        if name in _BREAKS:
            self._open[-1].append(_BREAKS[name])
        if name == "fld":
            self._number_fields.append(attributes.get("type") == SLIDE_NUMBER)
        self._in_text += name in _TEXT_TAGS
        self._in_field += name == "instrText"
        self._in_deleted += name in DELETED
        self._in_another += name in OF_ANOTHER
        if name == "r":
            self._hidden_runs.append(self._hidden_paragraphs[-1])
        elif name == "vanish" and not self._in_another:
            self._hidden_runs[-1] = SHOWN_AGAIN.isdisjoint(attributes.values())
        elif name == "rStyle" and not self._in_another:
            self._hidden_runs[-1] |= not self._hidden_styles.isdisjoint(attributes.values())
        elif name == "pStyle" and self._in_another == 1:
            self._hidden_paragraphs[-1] = not self._hidden_styles.isdisjoint(attributes.values())

    def data(self, text: str) -> None:
        """Take the text, if it is that of a paragraph."""
        if self._in_text:
            is_hidden = any(self._number_fields[-1:]) or (len(self._hidden_runs) > 1 and self._hidden_runs[-1])
            if not self._in_deleted and not is_hidden:
                self._open[-1].append(text)
        elif self._in_field and not self._in_deleted:
            self.texts += _FIELD_LINK.findall(text)

    def end(self, tag: str) -> None:
        """Take note of an element that ends."""
        name = without_namespace(tag)
        if name == _READING:
            self._hidden_paragraphs.pop()
            self._readings += self._open.pop()
        self._in_text -= name in _TEXT_TAGS
        self._in_field -= name == "instrText"
        self._in_deleted -= name in DELETED
        self._in_another -= name in OF_ANOTHER
        if name == "fld":
            self._number_fields.pop()
        if name == "r":
            self._hidden_runs.pop()
        if name in _PARAGRAPH_TAGS:
            self._hidden_paragraphs.pop()
            self.texts += ["".join(self._open.pop()), "".join(self._readings)]
            self._readings.clear()

    def close(self) -> None:
        """Take the text outside of paragraphs."""
        self.texts.append("".join(self._open[0]))


class OpenDocumentTexts:
    """The same for OpenDocument, whose paragraphs hold their text themselves."""

    def __init__(self, *, is_styles: bool) -> None:
        self.texts: list[str] = []
        self._open: list[list[str]] = []
        self._readings: list[str] = []
        self._masters = int(not is_styles)
        self._in_deleted = self._in_number = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take note of an element that begins."""
        name = without_namespace(tag)
        if name == "a":
            self.texts += [value for value in attributes.values() if _ADDRESS.match(value)]
        elif name == "content-validation":
            self.texts += _choices(attributes)
        self._masters += name == "master-styles"
        self._in_deleted += name in DELETED
        self._in_number += name == _PAGE_NUMBER
        if name in _ODF_TEXT_TAGS or (name == _ODF_READING and self._open):
            self._open.append([])
        elif self._open and name in _BREAKS:
            self._open[-1].append(_BREAKS[name])

    def data(self, text: str) -> None:
        """Take the text, if it is that of a paragraph."""
        if self._open and not self._in_number:
            self._open[-1].append(text)

    def end(self, tag: str) -> None:
        """Take note of an element that ends."""
        name = without_namespace(tag)
        self._in_number -= name == _PAGE_NUMBER
        self._masters -= name == "master-styles"
        self._in_deleted -= name in DELETED
        if name == _ODF_READING and len(self._open) > 1:
            self._readings += self._open.pop()
        if name in _ODF_TEXT_TAGS:
            text = " ".join("".join(self._open.pop()).split())
            if self._masters and not self._in_deleted:
                self.texts += [text, "".join(self._readings)]
            self._readings.clear()

    def close(self) -> None:
        """Nothing stands outside of paragraphs."""


def _choices(attributes: Mapping[str, str]) -> list[str]:
    """What the menu of a cell lets choose."""
    conditions = (value for name, value in attributes.items() if without_namespace(name) == "condition")
    return [text.replace('""', '"') for condition in conditions for text in _CHOICE.findall(condition)]
