"""Reads what office documents and books hold beside their running text: headers, notes, comments, texts of pictures.

Runs in the child process, called by `document_parts` for documents whose running text was read. The container
was checked for bombs and passwords before (`container`). A part is read once from its beginning to its end. Pure
functions.
"""

from __future__ import annotations

import contextlib
import html
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Final
from xml.etree import ElementTree as ET
from xml.parsers import expat

from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.html_parts import html_texts
from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.documents.xml_documents import OPENDOCUMENT_TYPES
from magicfs.text.extract.documents.xml_elements import named, outermost, parse_xml, without_namespace
from magicfs.text.extract.documents.xml_texts import OfficeTexts, OpenDocumentTexts
from magicfs.text.extract.office.binary_sheets import BINARY_WORKBOOK_TYPE
from magicfs.text.extract.office.drawings import drawings_in
from magicfs.text.extract.office.ole_objects import WITH_OBJECTS, Embedded, files_of_object, objects_in, objects_in_rtf
from magicfs.text.extract.office.rtf_files import RTF_TYPE
from magicfs.text.extract.office.sheet_formats import HEADER_CODE
from magicfs.text.extract.office.word_styles import hidden_styles
from magicfs.text.extract.office.word_xml import DOCUMENT_TYPE as _WORD

_MAX_PART_BYTES: Final = 32 << 20
_SEPARATOR: Final = "\n\n"

_SHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SLIDES: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_ODF: Final = "application/vnd.oasis.opendocument."
_BOOK: Final = "application/epub+zip"

_PARTS: Final = {
    _WORD: re.compile(r"word/(?:header|footer|footnotes|endnotes|comments)\d*\.xml"),
    _SHEET: re.compile(
        r"xl/(?:comments\d*|comments/\w+|threadedComments/\w+|persons/\w+|drawings/drawing\d+|charts/chart(?:Ex)?\d+"
        r"|worksheets/[^/]+|workbook)\.xml"
    ),
    BINARY_WORKBOOK_TYPE: re.compile(
        r"xl/(?:threadedComments/\w+|persons/\w+|drawings/drawing\d+|charts/chart(?:Ex)?\d+)\.xml"
    ),
    _SLIDES: re.compile(r"ppt/(?:comments/\w+|commentAuthors|authors|slide(?:Masters|Layouts)/slide\w+)\.xml"),
    _ODF + "text": re.compile(r"styles\.xml"),
    _ODF + "spreadsheet": re.compile(r"styles\.xml"),
}
"""The members of a container that are read, by the type of the document."""
_PROPERTIES: Final = "docProps/custom.xml"
_LEFT_OUT: Final = {
    _WORD: re.compile(
        r"word/(?:document|diagrams/data\d*|charts/chart(?:Ex)?\d*)\.xml|docProps/custom\.xml|word/_rels/document\.xml\.rels"
    ),
    _SHEET: re.compile(r"xl/diagrams/data\d*\.xml|docProps/custom\.xml|xl/worksheets/_rels/[^/]+\.xml\.rels"),
    BINARY_WORKBOOK_TYPE: re.compile(
        r"xl/diagrams/data\d*\.xml|docProps/custom\.xml|xl/worksheets/_rels/[^/]+\.bin\.rels"
    ),
    _SLIDES: re.compile(
        r"ppt/(?:slides/[^/]+|notesSlides/[^/]+|diagrams/data\d*|charts/chart(?:Ex)?\d*)\.xml|docProps/custom\.xml"
        r"|ppt/slides/_rels/[^/]+\.xml\.rels"
    ),
    **dict.fromkeys((_ODF + "text", _ODF + "spreadsheet"), re.compile(r"(?:Object \d+/content|content|meta)\.xml")),
    **dict.fromkeys(OPENDOCUMENT_TYPES, re.compile(r"(?:Object \d+/content|content)\.xml")),
    _BOOK: re.compile(r".*\.(?:x?html?|opf)", re.IGNORECASE),
}
"""The members of which only what the running text lacks is read: kreuzberg reads most of them. Of a book, it leaves out
chapters with an encoded address."""

_EMBEDDED: Final = re.compile(
    r"(?:word|xl|ppt)/(?:embeddings/[^/]+\.(?:(?:doc|xls|ppt|pdf|od[tsp])[a-z]?|bin)|media/[^/]+\.pdf)"
    r"|word/[^/]+\.(?:x?html?|mht|rtf|txt|docx)",
    re.IGNORECASE,
)
"""Objects, drawings of the Mac, and what a program leaves to Word to put into the text when it opens the document."""
_MAX_EMBEDDED: Final = 100
"""The documents inside of a document that are read."""
_MAX_DRAWINGS: Final = 200
"""The drawings of Windows in a document whose texts are read. Formulas are many, and have none."""

READ_MEMBER_BY_MEMBER: Final = frozenset({_WORD, _BOOK})
"""The documents whose running text is read here too, where kreuzberg refuses them."""

_SHEET_TEXTS: Final = re.compile(
    rb"<(?:\w+:)?(?:odd|even|first)(?:Header|Footer)[^<>]{0,200}>([^<]{1,2000})<"
    rb"|\s(?:prompt|promptTitle|error|errorTitle)=\"([^\"<]{1,1000})\""
    rb"|<(?:\w+:)?definedName\s[^<>]{0,500}?\bname=\"([^\"<]{1,300})\""
)
"""What a sheet holds beside its cells: headers, messages of cells, and the names of a workbook's ranges."""
_FORMULA: Final = re.compile(
    rb"<(?:\w+:)?f>([^<]{1,4000})</(?:\w+:)?f>\s*+(?:<(?:\w+:)?v\s*+/>|<(?:\w+:)?v></(?:\w+:)?v>)?+\s*+</"
)
"""A formula whose value no program has computed yet: its texts are all that is known of the cell."""
_CHOICES: Final = re.compile(rb"<(?:\w+:)?formula1>\s{0,9}([\"&][^<]{1,4000})</(?:\w+:)?formula1>")
"""What the menu of a cell lets choose."""
_FORMULA_TEXT: Final = re.compile(r'"((?:[^"]|""){2,1000})"')
_LINK: Final = re.compile(rb"<Relationship\s[^<>]{0,5000}/hyperlink\"[^<>]{0,5000}>")
_TARGET: Final = re.compile(rb"\sTarget=\"((?:https?|ftp|mailto):[^\"<>]{1,2000})\"")
"""The address of a link, which the running text has only where it is the text of the link too."""
_IDENTIFIER: Final = re.compile(r"0x[0-9A-F]{8,}|\{?[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}\}?", re.IGNORECASE)
"""A value that a server or a program, and no person, has given to a property of a document."""
_ISBN: Final = re.compile(r"(?<![0-9])(?:97[89][0-9]{10}|[0-9]{9}[0-9Xx]|97[89](?:-[0-9]{1,7}){4})(?![0-9])")


def office_parts(content: bytes, mime_type: str, *, running_text: str, parts: FileParts) -> str:
    """The texts beside the running text, a blank line between two of them; empty for other types.

    A part that is damaged is left out and counted, those for which there is no time are left out.
    """
    if mime_type not in _LEFT_OUT:
        return ""
    beside, left = _PARTS.get(mime_type), _LEFT_OUT[mime_type]
    texts: dict[str, None] = {}
    others: dict[str, None] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        hidden = hidden_styles(container) if mime_type == _WORD else frozenset()
        read = partial(_part_texts, container, mime_type=mime_type, hidden=hidden, parts=parts)
        for member in sorted(container.infolist(), key=lambda member: _numbered(member.filename)):
            if parts.is_time_over:
                break
            if member.file_size > _MAX_PART_BYTES:
                continue
            if beside and beside.fullmatch(member.filename):
                # Headers of the first, the even and the odd pages are often the same.
                texts |= dict.fromkeys(read(member))
            elif left.fullmatch(member.filename):
                others |= dict.fromkeys(read(member))
    return _SEPARATOR.join([*texts, *missing_texts(others, in_text=_SEPARATOR.join([running_text, *texts]))])


def embedded_documents(content: bytes, mime_type: str, *, parts: FileParts) -> Iterator[Embedded]:
    """Yield each file inside of a document of Microsoft Office, and each drawing of Windows.

    Files that are left out are counted; drawings are pictures, and cost nothing else.
    """
    try:
        if mime_type in WITH_OBJECTS:
            yield from objects_in(content)
        elif mime_type == RTF_TYPE:
            yield from objects_in_rtf(content)
    except DAMAGE:
        parts.add_unread("its objects")
    if mime_type in {_WORD, _SHEET, BINARY_WORKBOOK_TYPE, _SLIDES}:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            yield from _embedded_members(container, parts)
    with contextlib.suppress(*DAMAGE):
        for number, drawing in enumerate(islice(drawings_in(content, mime_type), _MAX_DRAWINGS), 1):
            yield Embedded(f"drawing {number}", drawing)


def _embedded_members(container: zipfile.ZipFile, parts: FileParts) -> Iterator[Embedded]:
    members = [member for member in container.infolist() if _EMBEDDED.fullmatch(member.filename)]
    members.sort(key=lambda member: _numbered(member.filename))
    for place, member in enumerate(members):
        name = member.filename.rpartition("/")[2]
        if place >= _MAX_EMBEDDED or member.file_size > _MAX_PART_BYTES:
            parts.add_unread(name, SkipReason.TOO_LARGE)
            continue
        try:
            embedded = container.read(member)
            if name.lower().endswith(".bin"):
                yield from files_of_object(embedded, name)
            else:
                yield Embedded(name, embedded)
        except DAMAGE:
            parts.add_unread(name)


def _numbered(name: str) -> tuple[str, int]:
    """The key that sorts `comment10.xml` after `comment9.xml`."""
    match = re.search(r"(\d+)\.\w+\Z", name)
    return (name[: match.start()], int(match[1])) if match else (name, 0)


def _part_texts(
    container: zipfile.ZipFile, member: zipfile.ZipInfo, *, mime_type: str, hidden: frozenset[str], parts: FileParts
) -> list[str]:
    """The texts of a member, without those in `hidden` styles of Word; none where it is damaged, which is counted."""
    name = member.filename
    try:
        texts = list(_texts_of_member(container.read(member), name, mime_type=mime_type, hidden=hidden))
    except DAMAGE:
        parts.add_unread(name)
        return []
    if not name.endswith((".rels", ".opf")):
        parts.add()
    return texts


def _texts_of_member(data: bytes, name: str, *, mime_type: str, hidden: frozenset[str]) -> Iterable[str]:
    """The texts of a member, by its name. May raise any of `DAMAGE`."""
    if name.endswith(".rels"):
        return _addresses(data)
    if name.endswith(".opf"):
        return _book_texts(data)
    if mime_type == _BOOK:
        return html_texts(data.decode("utf-8", "replace"))
    if name.startswith(("xl/worksheets/", "xl/workbook")):
        _check_xml(data)
        return _sheet_texts(data)
    if name.startswith(("ppt/slideMasters/", "ppt/slideLayouts/")):
        return _master_texts(data)
    texts = _texts(_target(name, mime_type, hidden), data)
    return [text for text in texts if not _IDENTIFIER.fullmatch(text)] if name == _PROPERTIES else texts


def _addresses(data: bytes) -> Iterator[str]:
    for link in _LINK.findall(data):
        for target in _TARGET.findall(link):
            yield html.unescape(target.decode("utf-8", "replace"))


def _check_xml(data: bytes) -> None:
    """Raise `ExpatError` for XML that is not well-formed."""
    expat.ParserCreate().ParseFile(io.BytesIO(data))


def _target(name: str, mime_type: str, hidden: frozenset[str]) -> OfficeTexts | OpenDocumentTexts:
    """What collects the texts of a part. Of styles of OpenDocument, only headers and footers have any."""
    if mime_type.startswith(_ODF) or mime_type in OPENDOCUMENT_TYPES:
        return OpenDocumentTexts(is_styles=name == "styles.xml")
    return OfficeTexts(hidden_styles=hidden)


def _texts(target: OfficeTexts | OpenDocumentTexts, data: bytes) -> list[str]:
    parser = ET.XMLParser(target=target)  # noqa: S314  (expat, as in `parse_xml`)
    parser.feed(data)
    parser.close()
    return list(filter(None, (text.strip() for text in target.texts)))


def _book_texts(data: bytes) -> Iterator[str]:
    """Yield the ISBN of a book, its publisher, who worked on it, and its series."""
    for element in parse_xml(data).iter():
        name, value = without_namespace(element.tag), (element.text or "").strip()
        if name == "identifier" and (isbn := _ISBN.search(value)):
            yield isbn[0]
        elif name in {"publisher", "contributor"}:
            yield value
        elif name == "meta" and element.get("name") == "calibre:series":
            yield (element.get("content") or "").strip()


def _sheet_texts(data: bytes) -> Iterator[str]:
    for match in _SHEET_TEXTS.finditer(data):
        header, message, name = (group and html.unescape(group.decode("utf-8", "replace")) for group in match.groups())
        text = HEADER_CODE.sub(" ", header) if header else message or name or ""
        if not text.startswith("_xlnm."):
            yield " ".join(text.split())
    for formula in (*_FORMULA.findall(data), *_CHOICES.findall(data)):
        for text in _FORMULA_TEXT.findall(html.unescape(formula.decode("utf-8", "replace"))):
            yield " ".join(text.replace('""', '"').split())


def _master_texts(data: bytes) -> Iterator[str]:
    """Yield what all slides show, such as the name of a company; not what stands in places for their own texts."""
    for shape in outermost(parse_xml(data), "sp"):
        if next(named(shape, "ph"), None) is None:
            for paragraph in outermost(shape, "p"):
                text = "".join(piece.text or "" for piece in named(paragraph, "t")).strip()
                if text:
                    yield text
