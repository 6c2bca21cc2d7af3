"""Reads the texts of a Matroska or WebM file: title, tags, chapters, subtitles, names of tracks and of attached files.

Runs in the child process, called by `recordings`; in the worker itself, `recording_excerpt` reads the headers too, and
nothing else of untrusted bytes. https://www.rfc-editor.org/rfc/rfc9559
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

MATROSKA_TYPE: Final = "video/x-matroska"

SEGMENT: Final = 0x18538067
CLUSTER: Final = 0x1F43B675
"""A part of the film itself: seconds of pictures and sound."""
INFO: Final = 0x1549A966
TAGS: Final = 0x1254C367
CHAPTERS: Final = 0x1043A770
TRACKS: Final = 0x1654AE6B
ATTACHMENTS: Final = 0x1941A469
SEEK_HEAD: Final = 0x114D9B74
SEEK_ID: Final = 0x53AB
SEEK_POSITION: Final = 0x53AC
_SIMPLE_TAG: Final = 0x67C8
_TAG_NAME: Final = 0x45A3
_TAG_STRING: Final = 0x4487

_MASTERS: Final = frozenset(
    {SEGMENT, INFO, TAGS, CHAPTERS, TRACKS, ATTACHMENTS, 0x7373, 0x45B9, 0xB6, 0x80, 0xAE, 0x61A7}
)
"""Elements that hold those with a text: tags, editions, chapters and how they are shown, tracks, files."""
_TEXTS: Final = {0x7BA9: "title", 0x85: "chapter", 0x536E: "track", 0x466E: "file", 0x467E: "file"}

_TRACK: Final = 0xAE
_TRACK_NUMBER: Final = 0xD7
_CODEC: Final = 0x86
_BLOCK_GROUP: Final = 0xA0
_BLOCKS: Final = frozenset({0xA1, 0xA3})
"""What a film has at a moment: pictures, sound, or a subtitle."""
_SUBTITLE_CODEC: Final = re.compile(rb"S_TEXT/(?:UTF8|ASCII|(SSA|ASS)|WEBVTT)|D_WEBVTT/SUBTITLES|S_(SSA|ASS)")
_STYLED_FIELDS: Final = 8
"""The fields before the text of a subtitle that states its style."""
_BLOCK_HEAD_BYTES: Final = 3
"""The moment and the flags of a block, behind the number of its track."""
_LACING: Final = 0x06
_MAX_SUBTITLES: Final = 20_000
_MAX_BLOCKS: Final = 2_000_000

_MAX_ID_BYTES: Final = 4
MAX_HEADER_BYTES: Final = _MAX_ID_BYTES + 8
"""The bytes of an id and of a size, at most."""
_MAX_DEPTH: Final = 8
_MAX_ELEMENTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a file."""

    id: int
    begin: int
    """Where its data begin."""
    end: int
    """Where they end: the end of what holds it, if the file does not say."""


def element_at(content: bytes | memoryview, position: int, end: int) -> Element | None:
    """The element that begins at a position, whose data may end beyond `content`; None if none begins there."""
    identifier = _number(content, position, keeps_marker=True)
    if identifier is None or identifier[1] > _MAX_ID_BYTES:
        return None
    begin = position + identifier[1]
    size = _number(content, begin, keeps_marker=False)
    if size is None:
        return None
    begin += size[1]
    is_unknown = size[0] == (1 << 7 * size[1]) - 1
    return Element(identifier[0], begin, end if is_unknown else min(begin + size[0], end))


def _number(content: bytes | memoryview, position: int, *, keeps_marker: bool) -> tuple[int, int] | None:
    """The number of variable length at a position, and its length in bytes; None if there is none."""
    if position >= len(content) or not content[position]:
        return None
    length = 9 - content[position].bit_length()
    data = bytes(content[position : position + length])
    if len(data) < length:
        return None
    value = int.from_bytes(data, "big")
    return (value if keeps_marker else value & ((1 << 7 * length) - 1)), length


def read_matroska(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each text, in the order of the file. Damage ends it early."""
    left = [_MAX_ELEMENTS]
    yield from _texts(memoryview(content), 0, len(content), _MAX_DEPTH, left)


def read_subtitles(content: bytes) -> Iterator[str]:
    """Yield the subtitles that are texts, in the order of the file. The excerpt of a large film has none."""
    yield from islice(_subtitles(memoryview(content)), _MAX_SUBTITLES)


def _subtitles(content: memoryview) -> Iterator[str]:
    tracks: dict[int, bool] = {}
    left = _MAX_BLOCKS
    for part in _inside(content, 0, len(content), {SEGMENT}):
        if part.id == TRACKS:
            tracks |= _text_tracks(content, part)
        if part.id != CLUSTER or not tracks:
            continue
        for block in _inside(content, part.begin, part.end, {_BLOCK_GROUP}):
            left -= 1
            if left < 0:
                return
            if block.id in _BLOCKS and (text := _subtitle(content, block, tracks)):
                yield text


def _inside(content: memoryview, begin: int, end: int, holders: set[int]) -> Iterator[Element]:
    """Yield the elements between two positions; in the place of each holder, those in it."""
    for element in elements(content, begin, end):
        if element.id in holders:
            yield from elements(content, element.begin, element.end)
        else:
            yield element


def _text_tracks(content: memoryview, tracks: Element) -> dict[int, bool]:
    """The numbers of the tracks of subtitles, each with whether these state their style."""
    found = {}
    for track in elements(content, tracks.begin, tracks.end):
        inside = {each.id: bytes(content[each.begin : each.end]) for each in elements(content, track.begin, track.end)}
        codec = _SUBTITLE_CODEC.fullmatch(inside.get(_CODEC, b"").rstrip(b"\0"))
        if track.id == _TRACK and codec is not None:
            found[int.from_bytes(inside.get(_TRACK_NUMBER, b""), "big")] = any(codec.groups())
    return found


def _subtitle(content: memoryview, block: Element, tracks: dict[int, bool]) -> str:
    """The text of a block; empty for one of another track."""
    number = _number(content, block.begin, keeps_marker=False)
    if number is None or number[0] not in tracks:
        return ""
    begin = block.begin + number[1] + _BLOCK_HEAD_BYTES
    if begin > block.end or content[begin - 1] & _LACING:
        return ""
    text = _text(content, Element(block.id, begin, block.end))
    return text.split(",", _STYLED_FIELDS)[-1] if tracks[number[0]] else text


def elements(content: bytes | memoryview, begin: int, end: int) -> Iterator[Element]:
    """Yield the elements between two positions. Damage ends it early."""
    while begin < end:
        element = element_at(content, begin, end)
        if element is None:
            return
        yield element
        begin = element.end


def _texts(content: memoryview, begin: int, end: int, depth: int, left: list[int]) -> Iterator[tuple[str, str]]:
    for element in elements(content, begin, end):
        left[0] -= 1
        if left[0] < 0:
            return
        if element.id in _TEXTS:
            yield _TEXTS[element.id], _text(content, element)
        elif element.id == _SIMPLE_TAG and depth:
            inside = {each.id: each for each in elements(content, element.begin, element.end)}
            if _TAG_NAME in inside and _TAG_STRING in inside:
                yield _text(content, inside[_TAG_NAME]), _text(content, inside[_TAG_STRING])
        elif element.id in _MASTERS and depth:
            yield from _texts(content, element.begin, element.end, depth - 1, left)


def _text(content: memoryview, element: Element) -> str:
    return bytes(content[element.begin : element.end]).rstrip(b"\0").decode("utf-8", "replace")
