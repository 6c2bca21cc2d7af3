"""Reads web archives (WARC), in which browsers, `wget` and crawlers keep the pages that they were sent.

Runs in the child process, called by `own_readers`. A page is a part of the file, which its own reader reads: pictures,
styles and scripts of pages are left out. Untrusted bytes; pure functions.
"""

from __future__ import annotations

import codecs
import contextlib
import re
import zlib
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import WHAT_FOLLOWS, FileParts
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.charsets import codec_of
from magicfs.text.extract.plain.plain_text import clean

WARC_TYPE: Final = "application/warc"

_VERSION: Final = re.compile(rb"WARC/\d{1,2}\.\d{1,2}\r?\n")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_LINE_ENDS: Final = re.compile(rb"[\r\n]*")
_MAX_HEAD_BYTES: Final = 64 << 10
_MAX_PAGES: Final = 5000
_MAX_PAGE_BYTES: Final = 64 << 20
_KEPT: Final = frozenset({"response", "resource", "conversion"})
"""The types of records that hold what was sent, or a form of it."""
_NO_PAGE: Final = re.compile(r"(?:image|audio|video|font)/|text/css|(?:text|application)/(?:x-)?(?:java|ecma)script")
_CHARSET: Final = re.compile(r"charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,200}\r?\n")
_PACKED: Final = {"gzip": 32 + zlib.MAX_WBITS, "x-gzip": 32 + zlib.MAX_WBITS, "deflate": 32 + zlib.MAX_WBITS}


class _Page(NamedTuple):
    address: str
    content: bytes
    """As it was sent, in UTF-8 where the server has said its charset."""
    name: bytes
    """By which its type is told where its content leaves it open."""


def read_web_archive(content: bytes, *, parts: FileParts) -> Document | Unreadable:
    """The pages of an archive, each with its address, until the time for parts is over."""
    pages: list[str] = []
    for page in _pages(content, parts):
        if parts.is_time_over or len(pages) >= _MAX_PAGES:
            parts.add_unread(f"{page.address} and what follows", SkipReason.TIMEOUT)
            break
        if text := parts.read(page.content, page.name):
            pages.append(f"{clean(page.address)}{PAGE_SEPARATOR}{text.strip()}{PAGE_SEPARATOR}")
    if not pages:
        return Unreadable(SkipReason.NO_TEXT)
    starts = accumulate(map(len, pages[:-1]), initial=0)
    return Document(text="".join(pages).rstrip(), mime_type=WARC_TYPE, page_starts=tuple(starts))


def _pages(content: bytes, parts: FileParts) -> Iterator[_Page]:
    """Yield what may have a text, each address once."""
    seen: set[str] = set()
    for head, kept in _records(content, parts):
        address = unquote(head.get("warc-target-uri", "").strip("<>"))
        if head.get("warc-type", "").lower() not in _KEPT or address in seen:
            continue
        media_type, body = head.get("content-type", ""), kept
        if media_type.startswith("application/http"):
            media_type, body = _answer(kept)
        media_type = media_type.lower()
        if body and not _NO_PAGE.match(media_type):
            seen.add(address)
            yield _Page(address, _in_utf8(body, media_type), _name(address, media_type))


def _records(content: bytes, parts: FileParts) -> Iterator[tuple[Mapping[str, str], bytes]]:
    """Yield the fields and the block of each record, as far as the archive is whole: what follows is an unread part."""
    position = block_end = 0
    address = "the beginning"
    while (version := _VERSION.match(content, position)) is not None:
        end = _HEAD_END.search(content, version.end(), version.end() + _MAX_HEAD_BYTES)
        if end is None:
            break
        head = _fields(content[version.end() : end.start()])
        length = head.get("content-length", "")
        if not length.isdecimal() or len(length) > len(str(len(content))):
            break
        block_end = end.end() + int(length)
        yield head, content[end.end() : block_end]
        address = head.get("warc-target-uri", address)
        line_ends = _LINE_ENDS.match(content, block_end)
        position = line_ends.end() if line_ends is not None else block_end
    if position < len(content) or block_end > len(content):
        parts.add_unread(WHAT_FOLLOWS + address)


def _fields(head: bytes) -> dict[str, str]:
    """Header fields by their names in lower case."""
    lines = (line.partition(":") for line in head.decode("utf-8", "replace").splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in lines if colon}


def _answer(block: bytes) -> tuple[str, bytes]:
    """The media type and the body of an answer of a server; no body of one that says why there is no page."""
    end = _HEAD_END.search(block, 0, _MAX_HEAD_BYTES)
    if end is None:
        return "", b""
    line, _, rest = block[: end.start()].partition(b"\n")
    said = _fields(rest)
    has_page = line.partition(b" ")[2].lstrip().startswith(b"2")
    return said.get("content-type", ""), _unpacked(block[end.end() :], said) if has_page else b""


def _unpacked(body: bytes, said: Mapping[str, str]) -> bytes:
    """The body of an answer without the form in which it was sent; none of one that is packed in an unknown way."""
    if "chunked" in said.get("transfer-encoding", "").lower():
        body = _without_chunks(body)
    packed = said.get("content-encoding", "identity").lower()
    if packed in _PACKED:
        # Many programs keep the field, and what they have unpacked.
        with contextlib.suppress(zlib.error):
            return zlib.decompressobj(_PACKED[packed]).decompress(body, _MAX_PAGE_BYTES)
        return body
    return body if packed in {"", "identity"} else b""


def _without_chunks(body: bytes) -> bytes:
    """A body without the lengths of its chunks, which end with an empty one; as it is, if it is not chunked."""
    chunks: list[bytes] = []
    position = 0
    while (chunk := _CHUNK.match(body, position)) is not None:
        end = chunk.end() + int(chunk[1], 16)
        chunks.append(body[chunk.end() : end])
        position = end + 2
        if not chunks[-1]:
            break
    return b"".join(chunks) if chunks else body


def _in_utf8(content: bytes, media_type: str) -> bytes:
    """What was sent as text in UTF-8; as it is where its charset is not said, or is none."""
    charset = _CHARSET.search(media_type)
    if charset is None or not media_type.startswith(("text/", "application/xhtml")):
        return content
    # Some codecs of Python are no charsets.
    codec = charset[1] if charset[1].startswith("utf") else codec_of(charset[1])
    try:
        return codecs.BOM_UTF8 + content.decode(codec, "replace").encode("utf-8", "replace") if codec else content
    except LookupError:
        return content


def _name(address: str, media_type: str) -> bytes:
    if "html" in media_type:
        return b"page.html"
    if media_type.startswith("text/plain"):
        return b"page.txt"
    with contextlib.suppress(ValueError):
        return urlsplit(address).path.rpartition("/")[2].encode("utf-8", "replace")
    return b""
