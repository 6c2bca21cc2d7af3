"""Reads what RTF documents and books of FictionBook state that they are about: kreuzberg leaves it out.

Runs in the child process, called by `document_parts`. Looks for a few fields and parses nothing else. Pure functions.
"""

from __future__ import annotations

import codecs
import html
import re
from typing import Final

_RTF: Final = "application/rtf"
_BOOK: Final = "application/x-fictionbook+xml"

_MAX_HEAD_BYTES: Final = 1 << 20
"""The fields stand at the beginning of a file."""

_RTF_FIELD: Final = re.compile(rb"\{\\(?:\*\\)?(?:keywords|category|doccomm)\s((?:[^{}\\]|\\.){1,5000})\}", re.DOTALL)
_RTF_CODE_PAGE: Final = re.compile(rb"\\ansicpg(\d{3,5})")
_RTF_ESCAPE: Final = re.compile(r"\\u(-?\d{1,5}) ?(?:\\'[0-9a-fA-F]{2}|.)?|((?:\\'[0-9a-fA-F]{2})+)|\\([\\{}])")
_WRITES_UTF_16: Final = 0x10000

_BOOK_FIELD: Final = re.compile(r"<(?:\w+:)?keywords\b[^<>]{0,200}>([^<]{1,5000})<")
_BOOK_SERIES: Final = re.compile(r"<(?:\w+:)?sequence\b[^<>]{0,200}?\bname=(?:\"([^\"<]{1,500})\"|'([^'<]{1,500})')")
_BOOK_EDITION: Final = re.compile(r"<(?:\w+:)?(?:publisher|isbn)\b[^<>]{0,200}>([^<]{1,500})<")
_TRANSLATOR: Final = re.compile(r"<(?:\w+:)?translator\b[^<>]{0,200}>(.{1,2000}?)</(?:\w+:)?translator>", re.DOTALL)
_BOOK_NAME: Final = re.compile(r"-name\b[^<>]{0,200}>([^<]{1,200})<")
_XML_ENCODING: Final = re.compile(rb"encoding=[\"']([\w.-]{1,40})[\"']")


def stated_keywords(content: bytes, mime_type: str) -> list[str]:
    """What a book and an RTF document state beside title and author; none for other types."""
    head = content[:_MAX_HEAD_BYTES]
    if mime_type == _RTF:
        page = _RTF_CODE_PAGE.search(head)
        charset = _known(f"cp{page[1].decode()}" if page else "cp1252", otherwise="cp1252")
        texts = [_rtf_text(field.decode("latin-1"), charset) for field in _RTF_FIELD.findall(head)]
    elif mime_type == _BOOK:
        encoding = _XML_ENCODING.search(head[:200])
        charset = _known(encoding[1].decode() if encoding else "utf-8", otherwise="utf-8")
        texts = _book_texts(head.decode(charset, "replace").partition("</description>")[0])
    else:
        return []
    return list(dict.fromkeys(filter(None, (" ".join(text.split()) for text in texts))))


def _book_texts(about: str) -> list[str]:
    """The keywords of a book, its series, publisher and ISBN, and its translators."""
    series = [double or single for double, single in _BOOK_SERIES.findall(about)]
    translators = [" ".join(_BOOK_NAME.findall(names)) for names in _TRANSLATOR.findall(about)]
    return [
        html.unescape(text)
        for text in (*_BOOK_FIELD.findall(about), *series, *_BOOK_EDITION.findall(about), *translators)
    ]


def _known(charset: str, *, otherwise: str) -> str:
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return otherwise


def _rtf_text(field: str, charset: str) -> str:
    """The text of a field with its escapes: characters of Unicode, each with a substitute, and bytes of a code page."""

    def meant(match: re.Match[str]) -> str:
        number, escaped, sign = match.groups()
        if number is not None:
            return chr(int(number) % _WRITES_UTF_16)
        if escaped is not None:
            return bytes.fromhex(escaped.replace("\\'", "")).decode(charset, "replace")
        return str(sign)

    text = _RTF_ESCAPE.sub(meant, field)
    # Characters beyond the Basic Multilingual Plane are written as two surrogates.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
