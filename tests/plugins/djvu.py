"""Pages in DjVu for tests, written by hand."""

from __future__ import annotations

import io
import struct

from PIL import Image


def djvu_page(text: str = "", *, title: str = "", picture: bytes = b"") -> bytes:
    """A document of one page with a text layer, which shows a picture."""
    image = Image.open(io.BytesIO(picture)) if picture else Image.new("L", (300, 100), 255)
    shown = io.BytesIO()
    image.convert("RGB").save(shown, "JPEG")
    chunks = _chunk(b"INFO", struct.pack(">HH", *image.size) + struct.pack("<BBHBB", 24, 0, 100, 22, 1))
    chunks += _chunk(b"BGjp", shown.getvalue())
    if title:
        chunks += _chunk(b"ANTa", f'(metadata (title "{title}"))'.encode())
    if text:
        layer = text.encode()
        chunks += _chunk(b"TXTa", len(layer).to_bytes(3) + layer)
    return b"AT&T" + _chunk(b"FORM", b"DJVU" + chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
