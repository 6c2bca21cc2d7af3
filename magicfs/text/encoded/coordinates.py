"""Finds the lines and areas of maps: coordinates in GeoJSON, KML, GML and WKT, and the points of recorded tracks.

And the ways of machines and the points of solids in files for printing these: G-code, OBJ, STL, 3MF and COLLADA.

Used by `strip`. Only in texts that say so: elsewhere, rows of such numbers are a table. Single places stay, and so does
the first point of a track, which says when and where it began, and the first time of each later day. Pure; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from magicfs.text.encoded.base64_runs import Span

ANNOUNCEMENTS: Final = (
    *(b'"coordinates"', b"<coordinates>", b"posList", b"POLYGON", b"LINESTRING", b"<trkpt", b"<Trackpoint>"),
    *(b"\nG1 ", b"\nG01", b"\nv ", b"outer loop", b"<vertex ", b"<float_array"),
)
"""What a text with coordinates has before them."""

_NUMBER: Final = r"-?[0-9]{1,3}\.[0-9]{3,17}"
_BETWEEN: Final = r"[\s,\[\]()]{1,80}+"
_HEIGHT: Final = r"(?:,\s{0,40}+| )-?[0-9]{1,5}(?:\.[0-9]{1,17})?(?![0-9.])"
_BEFORE: Final = (
    r'(?:"coordinates"\s{0,40}:[\s\[]{0,200}+|<coordinates>\s{0,200}+|posList\b[^>]{0,300}+>\s{0,200}+'
    r"|(?:POLYGON|LINESTRING)[ZM\s]{0,20}+\([\s(]{0,80}+)"
)
_LINE: Final = re.compile(rf"{_BEFORE}((?:{_NUMBER}{_BETWEEN}{_NUMBER}(?:{_HEIGHT})?{_BETWEEN}){{16,}}+)")
"""Places in a row, some with a height, right behind what announces them."""
_TRACK: Final = re.compile(
    r"(?<=</trkpt>)((?:\s*<trkpt\b[^>]{0,300}>(?:[^<]|<(?!/?trkpt\b|name\b|desc\b|cmt\b)){0,3000}+</trkpt>){15,}+)"
)
_ACTIVITY: Final = re.compile(
    r"(?<=</Trackpoint>)((?:\s*<Trackpoint>(?:[^<]|<(?!/?Trackpoint>|Notes\b)){0,3000}+</Trackpoint>){15,}+)"
)
"""Points of GPX and of TCX, after the first one, in which nobody has written anything."""
_SIZE: Final = r"-?(?:[0-9]{1,10}+\.?[0-9]{0,17}+|\.[0-9]{1,17}+)(?:[eE][-+]?[0-9]{1,3})?"
_SHAPE: Final = re.compile(
    rf"""(?:(?<![^\n])(?:
    (?:N[0-9]{{1,8}}[ ])?G0?[0-3](?=[ ]?[XYZEF])(?:[ ]?[XYZABCEFIJKRS]{_SIZE}){{1,12}}+
    |M[0-9]{{1,4}}(?:[ ]?[A-Z]{_SIZE}){{0,8}}+|;[A-Z_]{{1,30}}(?::[^\n]{{0,40}})?
    |(?:v[np]?(?=(?:[ ]{{1,4}}\S{{1,40}}){{3}})|vt)(?:[ ]{{1,4}}{_SIZE}){{2,8}}+
    |(?:l|f(?=(?:[ ]{{1,4}}\S{{1,40}}){{3}}))(?:[ ]{{1,4}}-?[0-9]{{1,10}}(?:/-?[0-9]{{0,10}}){{0,2}}){{2,32}}+
    |[ \t]{{0,20}}(?:facet[ ]normal|vertex)(?:[ ]{{1,8}}{_SIZE}){{3}}|[ \t]{{0,20}}(?:outer[ ]loop|endloop|endfacet)
    )[ \t]{{0,8}}\n){{16,}}+""",
    re.VERBOSE,
)
"""Lines of movements, with what programs note between them, of points, and of the faces between these."""
_NOTE_OF_PROGRAM: Final = re.compile(r"(?<![^\n])[M;]")
_MESH: Final = re.compile(
    r"(?:<(?:vertex|triangle)(?:\s{1,9}[a-z0-9:]{1,12}=\"[-+.0-9eE]{1,30}\"){2,12}+\s{0,9}/>\s{0,80}){16,}+"
)
_NUMBERS: Final = re.compile(rf"<float_array\b[^<>]{{0,500}}>(?P<numbers>(?:\s{{0,80}}{_SIZE}){{32,}}+)")
"""The points and triangles of 3MF, and the numbers of COLLADA."""
_TIME: Final = re.compile(r"<[Tt]ime>([0-9]{4}-[0-9]{2}-[0-9]{2})[^<]{0,30}</[Tt]ime>")
_POINT_CHARACTERS: Final = 4000
"""More than the first point has."""


def coordinates(text: str) -> Iterator[Span]:
    """The spans of coordinates."""
    yield from (match.span(1) for match in _LINE.finditer(text))
    yield from (match.span() for match in _SHAPE.finditer(text) if not _is_of_notes(match[0]))
    yield from (match.span() for match in _MESH.finditer(text))
    yield from (match.span("numbers") for match in _NUMBERS.finditer(text))
    for pattern in (_TRACK, _ACTIVITY):
        for match in pattern.finditer(text):
            yield from _within_days(text, match.span(1))


def _is_of_notes(lines: str) -> bool:
    """Whether most of some lines move nothing: a list of galaxies (`M31`), or of settings."""
    return len(_NOTE_OF_PROGRAM.findall(lines)) * 2 > lines.count("\n")


def _within_days(text: str, points: Span) -> Iterator[Span]:
    """The spans between the first times of days; the day of the point before all others has its time already."""
    start, end = points
    *_, day = "", *_TIME.findall(text, max(0, start - _POINT_CHARACTERS), start)
    for time in _TIME.finditer(text, start, end):
        if time[1] != day:
            day = time[1]
            yield start, time.start()
            start = time.end()
    yield start, end
