"""Reads XML documents that kreuzberg does not: presentations of OpenDocument, OpenOffice 1, and the texts of SVG.

Runs in the child process, called by `document_parser`. Pure functions.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Final
from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.xml_elements import (
    BEHIND_DAMAGE,
    attribute,
    local_name,
    named,
    parse_around_damage,
    parse_before_damage,
    parse_xml,
)
from magicfs.text.extract.plain.plain_text import decode

_OPENOFFICE_1: Final = tuple(
    f"application/vnd.sun.xml.{name}" for name in ("writer", "writer.global", "calc", "impress", "draw", "math")
)
"""The format before OpenDocument (`.sxw`, `.sxc`, `.sxi`): the same elements in other namespaces."""
OPENDOCUMENT_TYPES: Final = frozenset(
    [f"application/vnd.oasis.opendocument.{name}" for name in ("presentation", "graphics", "formula", "chart")]
    + [f"{mime_type}{suffix}" for mime_type in _OPENOFFICE_1 for suffix in ("", ".template")]
)
FLAT_TYPE: Final = re.compile(r"application/vnd\.oasis\.opendocument\.[a-z]+-flat-xml")
"""The same documents in one piece of XML (`.fodt`, `.fods`, `.fodp`)."""
SPREADSHEET_TYPE: Final = "application/vnd.oasis.opendocument.spreadsheet"
SVG_TYPE: Final = "image/svg+xml"

_PARAGRAPHS: Final = frozenset({"p", "h"})
"""By local names, as all elements here."""
_PAGE: Final = "page"
_MASTER_PAGE: Final = "master-page"
_MAX_SHEETS_BYTES: Final = 16 << 20
"""Sheets of more are read by kreuzberg, which takes less memory for them and does not show numbers."""
_VALUES: Final = ("string-value", "date-value", "time-value", "boolean-value", "value")
"""The attributes with the value of a cell: each kind has its own."""
_DAY_CHARACTERS: Final = 10
_MAX_COLUMNS: Final = 16
"""The equal cells beside one another that are read."""
_SHOWN_ON_SLIDES: Final = frozenset({"", "header", "footer"})
"""The classes of shapes of a master page that are more than a place: those without one are drawn on all slides."""
_DECLARED: Final = {f"{name}-decl": f"use-{name}-name" for name in ("header", "footer", "date-time")}
"""What the pages of a presentation say instead of their master page, by the attributes with which they choose one."""
_PAGE_NUMBER: Final = "page-number"
"""A field: its text is `<number>`."""
_TRACKED_CHANGES: Final = "tracked-changes"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_WHITESPACE = {"s": " ", "tab": "\t", "tab-stop": "\t", "line-break": "\n"}
_SEPARATOR = "\n\n"

_XML_DECLARATION: Final = re.compile(r"\A\s*<\?xml[^<>]{0,200}\?>")

_SVG = "{http://www.w3.org/2000/svg}"
_SVG_TEXTS = frozenset(prefix + name for name in ("title", "desc", "text", "foreignObject") for prefix in ("", _SVG))


def read_opendocument(content: bytes, mime_type: str, *, parts: FileParts) -> Document:
    """The text page by page; the text of the master pages, which all pages show, comes once, at the end.

    Damaged styles and metadata are counted; the text is counted with its parts. Raises `KeyError` or one of `DAMAGE`
    where it is damaged.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        body = parse_xml(container.read("content.xml"))
        styles = _member(container, "styles.xml", parts)
        meta = _member(container, "meta.xml", parts)
    read = _opendocument(body, styles=styles, meta=meta, mime_type=mime_type)
    return replace(read, keywords=_keywords(meta))


def read_spreadsheet(content: bytes) -> Document | None:
    """A workbook with numbers, days and times as they are shown, as far as it is whole; None for a large one.

    At cells that are damaged, kreuzberg may take all the time of a file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            if container.getinfo("content.xml").file_size > _MAX_SHEETS_BYTES:
                return None
            body = parse_before_damage(container.read("content.xml"))
            meta = _member(container, "meta.xml", FileParts())
        # Headers and footers of its styles are read as its parts.
        return _opendocument(body, styles=ET.Element("none"), meta=meta, mime_type=SPREADSHEET_TYPE)
    except DAMAGE:
        return None


def read_flat_opendocument(content: bytes, mime_type: str, *, parts: FileParts) -> Document:
    """The text of an OpenDocument in one piece of XML, in UTF-8. Behind damage, it is what stands between the markup.

    Raises `ET.ParseError` for a file without a beginning.
    """
    document, rest = parse_around_damage(content.decode("utf-8"))
    body = next(named(document, "body"), document)
    author = next((element.text for element in named(document, "initial-creator")), None)
    read = _opendocument(body, styles=document, meta=document, mime_type=mime_type)
    read = replace(read, author=author or read.author, keywords=_keywords(document))
    if rest is None:
        return read
    parts.add_unread(BEHIND_DAMAGE)
    return replace(read, text=_SEPARATOR.join(filter(None, (read.text.strip(), rest))), page_starts=())


def _keywords(meta: ET.Element) -> str | None:
    """The keywords, the subject and the description of a document; None if it states none."""
    stated = [element.text for name in ("keyword", "subject", "description") for element in named(meta, name)]
    return ", ".join(filter(None, stated)) or None


def _opendocument(body: ET.Element, *, styles: ET.Element, meta: ET.Element, mime_type: str) -> Document:
    for root in (body, styles):
        _remove_deleted(root)
    pages = [_page_text(page) for page in named(body, _PAGE)] or [_body_text(body)]
    masters = [_page_text(master) for master in _without_places(styles)]
    return Document(
        text=_SEPARATOR.join([*pages, *filter(None, masters), *_declared(body)]),
        mime_type=mime_type,
        title=meta.findtext(f".//{_DUBLIN_CORE}title"),
        author=meta.findtext(f".//{_DUBLIN_CORE}creator"),
        language=meta.findtext(f".//{_DUBLIN_CORE}language"),
        page_starts=_starts(pages),
    )


def _remove_deleted(root: ET.Element) -> None:
    """Remove what tracked changes have deleted from a document."""
    if next(named(root, _TRACKED_CHANGES), None) is not None:
        _remove(root, lambda element: local_name(element) == _TRACKED_CHANGES)


def _remove(root: ET.Element, is_unseen: Callable[[ET.Element], bool]) -> None:
    for parent in list(root.iter()):
        for element in [child for child in parent if is_unseen(child)]:
            parent.remove(element)


def _without_places(styles: ET.Element) -> Iterator[ET.Element]:
    """Yield the master pages without what stands in the places of slides, such as `Click to edit the title`."""
    for master in named(styles, _MASTER_PAGE):
        _remove(master, lambda shape: attribute(shape, "class") not in _SHOWN_ON_SLIDES)
        yield master


def _declared(body: ET.Element) -> Iterator[str]:
    """Yield the headers, footers and dates that pages show: their master pages have fields for them."""
    for name, chosen_by in _DECLARED.items():
        used = {attribute(page, chosen_by) for kind in (_PAGE, "notes") for page in named(body, kind)}
        for element in named(body, name):
            if attribute(element, "name") in used:
                yield " ".join("".join(element.itertext()).split())


def _body_text(body: ET.Element) -> str:
    """The text of a document without pages: of a workbook, its sheets with their names, a row a line."""
    if next(named(body, "spreadsheet"), None) is None:
        return _page_text(body)
    sheets: list[str] = []
    for table in named(body, "table"):
        rows = ("\t".join(text for cell in row for text in _cell_texts(cell)) for row in named(table, "table-row"))
        name = attribute(table, "name")
        sheets.append("\n".join(filter(None, [name, *rows])))
    return _SEPARATOR.join(sheets)


def _cell_texts(cell: ET.Element) -> list[str]:
    """What a cell shows, for each of the columns that it stands for; of a day, also as people sort it.

    Programs that are no office programs store the values alone: such a cell shows its value.
    """
    texts = [_page_text(cell)]
    if not any(local_name(child) in _PARAGRAPHS for child in cell):
        texts.insert(0, next(filter(None, (attribute(cell, name) for name in _VALUES)), ""))
    text = " ".join(" ".join(texts).split())
    if not text:
        return []
    day = attribute(cell, "date-value")[:_DAY_CHARACTERS]
    columns = attribute(cell, "number-columns-repeated")
    count = min(int(columns), _MAX_COLUMNS) if columns.isdecimal() else 1
    return [f"{text} {day}" if day not in text else text] * count


def _starts(pages: list[str]) -> tuple[int, ...]:
    """Where pages begin in a text that has them with separators."""
    return tuple(accumulate((len(page) + len(_SEPARATOR) for page in pages[:-1]), initial=0))


def in_utf8(content: bytes) -> bytes:
    """A document of XML in UTF-8, whatever charset it states."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        text = decode(content)
        return content if text is None else _XML_DECLARATION.sub("", text).encode("utf-8")
    return content


def read_svg(content: bytes) -> Document:
    """The title, descriptions and texts of a drawing in any charset. Raises `ET.ParseError` for a damaged file."""
    drawing = parse_xml(in_utf8(content).decode("utf-8", "replace"))
    texts = [" ".join("".join(_flat(element, _drawn)).split()) for element in _outermost_texts(drawing)]
    title = drawing.findtext(_SVG + "title") or drawing.findtext("title")
    return Document(text="\n".join(text for text in texts if text), mime_type=SVG_TYPE, title=title)


def _outermost_texts(drawing: ET.Element) -> Iterator[ET.Element]:
    """Yield the elements with texts, without those inside of others, whose text is that of these too."""
    left = [drawing]
    while left:
        element = left.pop()
        if element.tag in _SVG_TEXTS:
            yield element
        else:
            left += reversed(element)


def _drawn(element: ET.Element) -> Iterator[ET.Element | str]:
    """Yield the pieces of a text of a drawing, and blanks where one has a place or is a text of its own."""
    if element.get("x") is not None:
        yield " "
    yield element.text or ""
    for child in element:
        yield from (" ", child, " ") if child.tag in _SVG_TEXTS else (child,)
        yield child.tail or ""


def _flat(element: ET.Element, pieces_of: Callable[[ET.Element], Iterator[ET.Element | str]]) -> Iterator[str]:
    """Yield the texts of an element in order. `pieces_of` gives those of one, and the elements between them."""
    # Files nest elements more deeply than Python nests calls.
    left: list[ET.Element | str] = [element]
    while left:
        piece = left.pop()
        if isinstance(piece, str):
            yield piece
        else:
            left += reversed(list(pieces_of(piece)))


def _member(container: zipfile.ZipFile, name: str, parts: FileParts) -> ET.Element:
    """The root of a member; an empty one where it is missing or damaged."""
    if name not in container.namelist():
        return ET.Element("none")
    try:
        root = parse_xml(container.read(name))
    except DAMAGE:
        parts.add_unread(name)
        return ET.Element("none")
    parts.add()
    return root


def _page_text(page: ET.Element) -> str:
    paragraphs = (
        "".join(_flat(element, _paragraph_text)).strip()
        for element in page.iter()
        if local_name(element) in _PARAGRAPHS
    )
    return _SEPARATOR.join(paragraph for paragraph in paragraphs if paragraph)


def _paragraph_text(element: ET.Element) -> Iterator[ET.Element | str]:
    """Yield the pieces of a paragraph without nested paragraphs, which the caller visits on their own."""
    yield element.text or ""
    for child in element:
        name = local_name(child)
        if name in _WHITESPACE:
            yield _WHITESPACE[name]
        elif name not in _PARAGRAPHS and name not in {"binary-data", "ruby-text", _PAGE_NUMBER}:
            yield child
        yield child.tail or ""
