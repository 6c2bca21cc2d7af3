"""Files and messages in what signs or encrypts them (CMS), as a test wants them. The signatures are none."""

from __future__ import annotations

_SIGNED, _ENVELOPED, _DATA = (bytes.fromhex(f"06092a864886f70d0107{number}") for number in ("02", "03", "01"))
_STAMPED = bytes.fromhex("060b2a864886f70d010910011f")
_ALGORITHMS = bytes.fromhex("310f300d06096086480165030402010500")
_VERSION = b"\2\1\1"


def element(tag: int, *content: bytes, is_open: bool = False) -> bytes:
    """An element with its length; one that is open ends with a mark instead."""
    data = b"".join(content)
    if is_open:
        return bytes([tag, 0x80]) + data + b"\0\0"
    length = len(data).to_bytes(4, "big").lstrip(b"\0") or b"\0"
    head = length if len(data) < 0x80 else bytes([0x80 | len(length)]) + length
    return bytes([tag]) + head + data


def signed(content: bytes, *, parts: int = 0, is_open: bool = False) -> bytes:
    """A content that is signed, perhaps in so many parts, as programs write it that do not know its length."""
    if parts:
        size = len(content) // parts + 1
        pieces = (element(0x04, content[at : at + size]) for at in range(0, len(content), size))
        octets = element(0x24, *pieces, is_open=is_open)
    else:
        octets = element(0x04, content)
    what = element(0x30, _DATA, element(0xA0, octets, is_open=is_open), is_open=is_open)
    return _in_envelope(what, is_open=is_open)


def signature() -> bytes:
    """A signature of a file that is elsewhere."""
    return _in_envelope(element(0x30, _DATA), is_open=False)


def _in_envelope(what: bytes, *, is_open: bool) -> bytes:
    body = element(0x30, _VERSION, _ALGORITHMS, what, element(0x31, b"\2\1\7"), is_open=is_open)
    return element(0x30, _SIGNED, element(0xA0, body, is_open=is_open), is_open=is_open)


def encrypted() -> bytes:
    return element(0x30, _ENVELOPED, element(0xA0, element(0x30, _VERSION, bytes(200))))


def stamped(content: bytes) -> bytes:
    """A file with a time stamp and the address that it had."""
    address = element(0x16, b"https://example.org/a")
    body = element(0x30, _VERSION, address, element(0x04, content), element(0xA0, b"\2\1\7"))
    return element(0x30, _STAMPED, element(0xA0, body))
