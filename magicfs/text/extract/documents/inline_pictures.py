"""Finds pictures that stand in a text, in base64: in web pages, in documents of one piece of XML, in notebooks.

Used by `FileExtractor`, which leaves them in such a text, and in the child process, which takes them out before it is
parsed. What is damaged ends a picture early. Pure functions.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from magicfs.text.encoded.strip import Stripped, strip_encoded
from magicfs.text.extract.documents.html_parts import HTML_TYPES
from magicfs.text.extract.documents.notebooks import NOTEBOOK_TYPE
from magicfs.text.extract.documents.xml_documents import FLAT_TYPE
from magicfs.text.extract.file_types import OFFICE_XML

_IN_ADDRESS: Final = re.compile(
    rb"data:image/(?:png|jpe?g|gif|(?:x-ms-)?bmp|tiff|webp)(?:;[a-z0-9_=.-]{1,40}){0,4};base64,"
    rb"([a-z0-9+/=_%-]++(?:[\r\n]++[ \t]*+[a-z0-9+/=_%-]{40,}+)*+)",
    re.IGNORECASE,
)
_IN_ELEMENT: Final = re.compile(
    rb"<(?:[a-z]{1,20}:)?(?:binary-?data|bindata|binary)(?:\s[^<>]{0,500})?>([a-z0-9+/=\s]++)</", re.IGNORECASE
)
_IN_NOTEBOOK: Final = re.compile(
    rb"\"(?:image/(?:png|jpe?g|gif|bmp|webp)|png|jpeg)\"\s{0,9}:\s{0,99}\"((?:[a-z0-9+/=]|\\n)++)\"", re.IGNORECASE
)
"""What was pasted into a cell, or is its output. The line ends in it are escaped, as all of JSON."""
_LINE_END: Final = b"\\n"
_SHORTEST: Final = 200
"""Signs of base64; what is shorter is a dot or an icon."""
_OF_OFFICE: Final = frozenset(OFFICE_XML.values())
_FICTION_BOOK: Final = "application/x-fictionbook+xml"
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_OF_ADDRESSES: Final = bytes.maketrans(b"-_", b"+/")


def pictures_in_text(content: bytes, mime_type: str) -> Iterator[bytes]:
    """Yield the bytes of pictures that stand in a text of this type; of a type that has none, nothing."""
    pattern = _pattern(mime_type)
    if pattern is None:
        return
    for match in pattern.finditer(content):
        start, end = match.span(1)
        if end - start >= _SHORTEST:
            yield _decoded(match[1])


def has_pictures(content: bytes, mime_type: str) -> bool:
    """Whether pictures stand in a text of this type."""
    pattern = _pattern(mime_type)
    return pattern is not None and pattern.search(content) is not None


def without_pictures(content: bytes, mime_type: str) -> tuple[bytes, int]:
    """A text in UTF-8 without pictures and other encoded data, and how many characters these were."""
    pattern = _pattern(mime_type)
    shorter = content if pattern is None else pattern.sub(_without_data, content)
    stripped: Stripped = strip_encoded(shorter.decode("utf-8", "replace"), mime_type=mime_type)
    return stripped.text.encode("utf-8"), len(content) - len(shorter) + stripped.removed_characters


def _pattern(mime_type: str) -> re.Pattern[bytes] | None:
    if mime_type in HTML_TYPES:
        return _IN_ADDRESS
    if mime_type == NOTEBOOK_TYPE:
        return _IN_NOTEBOOK
    is_xml = mime_type in _OF_OFFICE or mime_type == _FICTION_BOOK or FLAT_TYPE.fullmatch(mime_type) is not None
    return _IN_ELEMENT if is_xml else None


def _without_data(match: re.Match[bytes]) -> bytes:
    """What stays of a picture: what is around its data, and the lines that it had. Short data may be an example."""
    start, end = match.span(1)
    if end - start < _SHORTEST:
        return match[0]
    before, after = match[0][: start - match.start()], match[0][end - match.start() :]
    lines = b"\n" * match[1].count(b"\n")
    return b"".join((before, lines, after)) if after else b" " + lines


def _decoded(data: bytes) -> bytes:
    if b"%" in data:
        data = unquote_to_bytes(data)
    data = _NOT_BASE64.sub(b"", data.replace(_LINE_END, b"").partition(b"=")[0].translate(_OF_ADDRESSES))
    data = data[: len(data) - (len(data) % 4 == 1)]
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
