"""Films for tests, without pictures and sound: Matroska and QuickTime, written by hand."""

from __future__ import annotations

from collections.abc import Mapping


def film(
    *,
    title: str,
    chapter: str = "",
    tags: Mapping[str, str] | None = None,
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
    cluster = _element("1F43B675", bytes(cluster_bytes))
    behind = [chapters, cluster, tag] if tags_last else [tag, chapters, cluster]
    contents = 22  # bytes of the table of contents
    position = contents + len(info) + sum(map(len, behind[: behind.index(tag)]))
    seek = _element("53AB", bytes.fromhex("1254C367")) + _element("53AC", position.to_bytes(4, "big"))
    table = _element("114D9B74", _element("4DBB", seek))
    assert len(table) == contents
    return _element("1A45DFA3", b"") + _element("18538067", table + info + b"".join(behind))


def _element(identifier: str, data: bytes) -> bytes:
    size = bytes([0x80 | len(data)]) if len(data) < 0x7F else (len(data) | 1 << 56).to_bytes(8, "big")
    return bytes.fromhex(identifier) + size + data


def phone_film(fields: Mapping[str, str], *, pictures_bytes: int = 0) -> bytes:
    """A QuickTime film with the metadata of a phone, behind what would be its pictures."""
    keys = b"".join(_atom(b"mdta", name.encode()) for name in fields)
    values = (
        _atom(number.to_bytes(4, "big"), _atom(b"data", b"\0\0\0\1\0\0\0\0" + text.encode()))
        for number, text in enumerate(fields.values(), start=1)
    )
    lists = _atom(b"keys", bytes(4) + len(fields).to_bytes(4, "big") + keys) + _atom(b"ilst", b"".join(values))
    handler = _atom(b"hdlr", bytes(8) + b"mdta" + bytes(13))
    movie = _atom(b"moov", _atom(b"mvhd", bytes(100)) + _atom(b"meta", handler + lists))
    return _atom(b"ftyp", b"qt  \0\0\0\0qt  ") + _atom(b"mdat", bytes(pictures_bytes)) + movie


def _atom(kind: bytes, data: bytes) -> bytes:
    return (8 + len(data)).to_bytes(4, "big") + kind + data
