"""Films and podcasts for tests, without pictures and sound: Matroska, QuickTime, AVI and ID3, written by hand."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence


def film(
    *,
    title: str,
    chapter: str = "",
    tags: Mapping[str, str] | None = None,
    subtitles: Sequence[bytes] = (),
    codec: str = "S_TEXT/UTF8",
    cluster_bytes: int = 0,
    tags_last: bool = False,
) -> bytes:
    """A Matroska film. Its tags stand before what would be its pictures, of `cluster_bytes`, or after them."""
    info = _element("1549A966", _element("7BA9", title.encode()))
    atom = _element("B6", _element("80", _element("85", chapter.encode())))
    chapters = _element("1043A770", _element("45B9", atom))
    named = (
        _element("67C8", _element("45A3", name.encode()) + _element("4487", text.encode()))
        for name, text in (tags or {}).items()
    )
    tag = _element("1254C367", _element("7373", b"".join(named)))
    track = _element("AE", _element("D7", b"\1") + _element("83", b"\x11") + _element("86", codec.encode()))
    tracks = _element("1654AE6B", track) if subtitles else b""
    shown = b"".join(_element("A0", _element("A1", b"\x81\0\0\0" + text)) for text in subtitles)
    others = _element("A3", b"\x82\0\0\0not for people") if subtitles else b""
    cluster = _element("1F43B675", others + shown + bytes(cluster_bytes))
    behind = [tracks + chapters, cluster, tag] if tags_last else [tag, tracks + chapters, cluster]
    contents = 22  # bytes of the table of contents
    position = contents + len(info) + sum(map(len, behind[: behind.index(tag)]))
    seek = _element("53AB", bytes.fromhex("1254C367")) + _element("53AC", position.to_bytes(4, "big"))
    table = _element("114D9B74", _element("4DBB", seek))
    assert len(table) == contents
    return _element("1A45DFA3", b"") + _element("18538067", table + info + b"".join(behind))


def _element(identifier: str, data: bytes) -> bytes:
    size = bytes([0x80 | len(data)]) if len(data) < 0x7F else (len(data) | 1 << 56).to_bytes(8, "big")
    return bytes.fromhex(identifier) + size + data


def phone_film(fields: Mapping[str, str], *, pictures_bytes: int = 0, made: int = 0) -> bytes:
    """A QuickTime film with the metadata of a phone, behind what would be its pictures.

    It was made so many seconds after 1904.
    """
    keys = b"".join(atom(b"mdta", name.encode()) for name in fields)
    values = (
        atom(number.to_bytes(4, "big"), atom(b"data", b"\0\0\0\1\0\0\0\0" + text.encode()))
        for number, text in enumerate(fields.values(), start=1)
    )
    lists = atom(b"keys", bytes(4) + len(fields).to_bytes(4, "big") + keys) + atom(b"ilst", b"".join(values))
    handler = atom(b"hdlr", bytes(8) + b"mdta" + bytes(13))
    movie = atom(
        b"moov", atom(b"mvhd", bytes(4) + made.to_bytes(4, "big") + bytes(92)) + atom(b"meta", handler + lists)
    )
    return atom(b"ftyp", b"qt  \0\0\0\0qt  ") + atom(b"mdat", bytes(pictures_bytes)) + movie


def camera_film(*, made: int = 0, pictures_bytes: int = 0) -> bytes:
    """A film of an old camera, which begins with what would be its pictures."""
    return phone_film({}, pictures_bytes=pictures_bytes, made=made)[len(atom(b"ftyp", b"qt  \0\0\0\0qt  ")) :]


def atom(kind: bytes, data: bytes) -> bytes:
    """An atom of QuickTime and of what came of it."""
    return (8 + len(data)).to_bytes(4, "big") + kind + data


def audio_book(chapters: Sequence[str]) -> bytes:
    """An audio book whose chapters stand in a list."""
    listed = b"".join(bytes(8) + bytes([len(title.encode())]) + title.encode() for title in chapters)
    listing = atom(b"chpl", b"\1" + bytes(7) + bytes([len(chapters)]) + listed)
    return atom(b"ftyp", b"M4B \0\0\0\0M4B ") + atom(b"moov", atom(b"udta", listing))


def film_with_texts(texts: Sequence[str], *, handler: bytes) -> bytes:
    """A film with a track of texts: subtitles (`sbtl`) or chapters (`text`)."""
    samples = [struct.pack(">H", len(text.encode())) + text.encode() for text in texts]
    head = atom(b"ftyp", b"isom\0\0\0\0isom")
    sizes = b"".join(struct.pack(">I", len(sample)) for sample in samples)
    table = (
        atom(b"stsc", struct.pack(">5I", 0, 1, 1, len(samples), 1))
        + atom(b"stsz", struct.pack(">3I", 0, 0, len(samples)) + sizes)
        + atom(b"stco", struct.pack(">3I", 0, 1, len(head) + 8))
    )
    media = atom(b"hdlr", bytes(8) + handler + bytes(13)) + atom(b"minf", atom(b"stbl", table))
    return head + atom(b"mdat", b"".join(samples)) + atom(b"moov", atom(b"trak", atom(b"mdia", media)))


def avi_film(fields: Mapping[bytes, bytes]) -> bytes:
    """A film in AVI, whose fields stand before what would be its pictures."""
    texts = b"".join(_chunk(name, text + b"\0") for name, text in fields.items())
    parts = _chunk(b"LIST", b"hdrl" + _chunk(b"avih", bytes(56))) + _chunk(b"LIST", b"INFO" + texts)
    return _chunk(b"RIFF", b"AVI " + parts + _chunk(b"LIST", b"movi" + bytes(99)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def podcast(chapters: Sequence[str]) -> bytes:
    """A podcast in MP3 with chapters."""
    frames = b"".join(
        _id3_frame(b"CHAP", b"chp%d\0" % number + bytes(16) + _id3_frame(b"TIT2", b"\3" + title.encode()))
        for number, title in enumerate(chapters)
    )
    return b"ID3\4\0\0" + _seven_bits(len(frames)) + frames + b"\xff\xfb\x90\0" + bytes(413)


def unsynchronised_song(title: str, *, version: int, extended: bool = False) -> bytes:
    """A song in MP3 whose texts, in UTF-16, have zeros behind bytes that old players take for sound."""
    data = b"\1" + title.encode("utf-16")
    if version == 4:
        written = len(data).to_bytes(4, "big") + data.replace(b"\xff", b"\xff\0")
        frames = b"TIT2" + _seven_bits(len(written)) + b"\0\3" + written
    else:
        frame = b"TIT2" + len(data).to_bytes(4, "big") + b"\0\0" + data
        frames = (b"\0\0\0\6" + bytes(6) if extended else b"") + frame.replace(b"\xff", b"\xff\0")
    flags = bytes([0x80 | 0x40 * extended])
    return b"ID3" + bytes([version, 0]) + flags + _seven_bits(len(frames)) + frames + b"\xff\xfb\x90\0" + bytes(413)


def _id3_frame(name: bytes, data: bytes) -> bytes:
    return name + _seven_bits(len(data)) + b"\0\0" + data


def _seven_bits(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
