"""Reads the chapters of sound and films, and the subtitles of films: the atoms and text tracks of MP4.

Runs in the child process, called by `recordings`; `matroska` has those of Matroska, `id3_tags` those of MP3.
Untrusted bytes; pure functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.media.atoms import atoms

CHAPTER: Final = "chapter"
SUBTITLE: Final = "subtitle"

_PATH_TO_SAMPLES: Final = (b"mdia", b"minf", b"stbl")
_TEXT_TRACKS: Final = frozenset({b"text", b"sbtl", b"subt", b"clcp"})
_CHAPTER_TRACK: Final = b"text"
_HANDLER: Final = slice(8, 12)
_MAX_SAMPLES: Final = 20_000
_MAX_SAMPLES_OF_FILE: Final = 200_000
_MAX_SAMPLE_BYTES: Final = 4096


def mp4_texts(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield the chapters and subtitles of a film or an audio book, in the order of the file. Damage ends it early.

    What stands among pictures and sound is missing in the excerpt of a large file.
    """
    data = memoryview(content)
    left = [_MAX_SAMPLES_OF_FILE, len(content)]
    for name, movie in atoms(data):
        if name == b"moov":
            for kind, atom in atoms(movie):
                if kind == b"udta":
                    yield from (
                        (CHAPTER, text) for inner, part in atoms(atom) if inner == b"chpl" for text in _listed(part)
                    )
                elif kind == b"trak":
                    yield from _track_texts(data, atom, left)


def _listed(data: memoryview) -> Iterator[str]:
    """Yield the titles of a list of chapters: version, flags, in the newer form four bytes more, and their number."""
    position = 9 if bytes(data[:1]) == b"\1" else 5
    while position + 9 <= len(data):
        length = data[position + 8]
        yield bytes(data[position + 9 : position + 9 + length]).decode("utf-8", "replace")
        position += 9 + length


def _track_texts(file: memoryview, track: memoryview, left: list[int]) -> Iterator[tuple[str, str]]:
    """Yield the texts of a track. `left` is how many samples, and bytes of them, may be read of all tracks."""
    parts = dict(atoms(track))
    handler = bytes(dict(atoms(parts.get(b"mdia", memoryview(b"")))).get(b"hdlr", memoryview(b""))[_HANDLER])
    if handler not in _TEXT_TRACKS:
        return
    for name in _PATH_TO_SAMPLES:
        parts = dict(atoms(parts.get(name, memoryview(b""))))
    for begin, size in _samples(parts):
        sample = file[begin : begin + min(size, _MAX_SAMPLE_BYTES)]
        left[0] -= 1
        left[1] -= len(sample)
        if min(left) < 0:
            return
        text = bytes(sample[2 : 2 + int.from_bytes(sample[:2], "big")])
        is_wide = text.startswith((b"\xfe\xff", b"\xff\xfe"))
        yield (
            CHAPTER if handler == _CHAPTER_TRACK else SUBTITLE,
            text.decode("utf-16" if is_wide else "utf-8", "replace"),
        )


def _samples(table: dict[bytes, memoryview]) -> Iterator[tuple[int, int]]:
    """Yield where each sample of a track stands in the file, and its size: samples stand in chunks."""
    offsets = _numbers(table.get(b"stco", b""), "I") or _numbers(table.get(b"co64", b""), "Q")
    runs = _numbers(table.get(b"stsc", b""), "III")
    fixed, sizes = _sizes(bytes(table.get(b"stsz", b"")))
    counts = {first: count for first, count, _ in runs}
    sample = in_chunk = 0
    for chunk, (offset,) in enumerate(offsets, start=1):
        position = offset
        in_chunk = counts.get(chunk, in_chunk)
        for _ in range(min(in_chunk, _MAX_SAMPLES)):
            if sample >= min(len(sizes), _MAX_SAMPLES):
                return
            size = fixed or sizes[sample][0]
            yield position, size
            position += size
            sample += 1


def _numbers(data: bytes | memoryview, form: str) -> list[tuple[int, ...]]:
    """The rows of a table, behind version, flags and their number."""
    row = struct.Struct(f">{form}")
    count = min(int.from_bytes(data[4:8], "big"), (len(data) - 8) // row.size, _MAX_SAMPLES)
    return [row.unpack_from(data, 8 + index * row.size) for index in range(count)]


def _sizes(data: bytes) -> tuple[int, list[tuple[int, ...]]]:
    """The size of all samples, or 0, and that of each."""
    fixed = int.from_bytes(data[4:8], "big")
    if fixed:
        return fixed, [(fixed,)] * min(int.from_bytes(data[8:12], "big"), _MAX_SAMPLES)
    return 0, _numbers(data[4:], "I")
