"""Takes files and messages out of what signs them (CMS, PKCS #7): `.p7m`, S/MIME, files with a time stamp (`.tsd`).

Runs in the child process, used by `document_parser` and `mail`. The envelope is a tree of tagged elements (BER), some
of which end with a mark and state no length. Nothing is verified. Pure functions.
"""

from __future__ import annotations

import base64
import re
from typing import Final, NamedTuple

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason

SIGNED_TYPE: Final = "application/pkcs7-mime"

_SIGNED: Final = bytes.fromhex("06092a864886f70d010702")
_ENCRYPTED: Final = (bytes.fromhex("06092a864886f70d010703"), bytes.fromhex("060b2a864886f70d0109100117"))
_STAMPED: Final = bytes.fromhex("060b2a864886f70d010910011f")
_END, _OCTETS, _PARTS, _SEQUENCE, _EXPLICIT = 0x00, 0x04, 0x24, 0x30, 0xA0
"""Tags: the mark that ends an element, bytes, bytes in parts, a list, and what a list may lack."""
_ASCII_LINES: Final = re.compile(rb"-----[A-Z0-9 ]{1,40}-----")
_LONG_LENGTH: Final = 0x80
_MAX_LENGTH_BYTES: Final = 8
_NO_TEXT: Final = Unreadable(SkipReason.NO_TEXT, "a signature or certificates: the signed file is elsewhere")


class _Element(NamedTuple):
    tag: int
    start: int
    """Where its content begins."""
    end: int | None
    """None for an element that ends with a mark."""


def signed_content(content: bytes) -> bytes | Unreadable:
    """The bytes that were signed, or why there are none. Raises `ValueError` or `IndexError` for a damaged file."""
    if content[:1] != bytes([_SEQUENCE]):
        content = base64.b64decode(_ASCII_LINES.sub(b"", content))
    place = _element(content, 0).start
    if content.startswith(_SIGNED, place):
        # The version, the algorithms, and what is signed with its type.
        inner = _inside(content, _inside(content, place + len(_SIGNED)))
        signed = _element(content, _after(content, _after(content, inner))).start
        octets = _after(content, signed)
    elif content.startswith(_STAMPED, place):
        octets = _inside(content, _inside(content, place + len(_STAMPED)))
        while _element(content, octets).tag not in {_OCTETS, _PARTS, _END}:
            octets = _after(content, octets)
        return _joined(content, octets) or _NO_TEXT
    elif content.startswith(_ENCRYPTED, place):
        return Unreadable(SkipReason.ENCRYPTED, "encrypted for the people who may read it")
    else:
        raise ValueError("neither signed nor encrypted")
    explicit = _element(content, octets)
    return (_joined(content, explicit.start) if explicit.tag == _EXPLICIT else b"") or _NO_TEXT


def _element(content: bytes, place: int) -> _Element:
    tag, length = content[place], content[place + 1]
    start = place + 2
    if length == _LONG_LENGTH:
        return _Element(tag, start, None)
    if length > _LONG_LENGTH:
        count = length - _LONG_LENGTH
        if count > _MAX_LENGTH_BYTES:
            raise ValueError("an element without a length")
        length, start = int.from_bytes(content[start : start + count], "big"), start + count
    return _Element(tag, start, start + length)


def _inside(content: bytes, place: int) -> int:
    """The place of the first element inside of the one at a place."""
    return _element(content, place).start


def _after(content: bytes, place: int) -> int:
    """The place after an element and all that is inside of it."""
    depth = 0
    while True:
        element = _element(content, place)
        if element.end is None:
            depth += 1
            place = element.start
        else:
            depth -= element.tag == _END
            place = element.end
        if depth <= 0:
            return place


def _joined(content: bytes, place: int) -> bytes:
    """The bytes of an element that may be in parts, those in parts too."""
    found: list[bytes] = []
    ends: list[int | None] = []
    while place < len(content):
        element = _element(content, place)
        if element.tag == _PARTS:
            ends.append(element.end)
            place = element.start
        elif element.tag == _OCTETS and element.end is not None:
            found.append(content[element.start : element.end])
            place = element.end
        elif element.tag == _END and ends:
            ends.pop()
            place = element.start
        else:
            break
        while ends and (end := ends[-1]) is not None and place >= end:
            ends.pop()
        if not ends:
            break
    return b"".join(found)
