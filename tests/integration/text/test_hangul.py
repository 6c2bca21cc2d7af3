"""Documents of Hangul 5 are read."""

from __future__ import annotations

import struct
import zlib

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.ole import (
    compound_file,
)


def hangul(text: str, *, flags: int = 1) -> bytes:
    """A document of Hangul 5, whose first paragraph begins with a control of eight characters."""
    data = ("\x02" + "secd!!!" + text + "\r").encode("utf-16-le")
    section = zlib.compressobj(wbits=-15)
    packed = section.compress(struct.pack("<II", 67 | 0xFFF << 20, len(data)) + data) + section.flush()
    header = b"HWP Document File".ljust(36, b"\0") + struct.pack("<I", flags)
    return compound_file({"FileHeader": header, "BodyText/Section0": packed, "PrvText": "미리".encode("utf-16-le")})


def test_hangul_documents_are_read(extractor: FileExtractor) -> None:
    assert read(extractor, hangul("서울의 날씨"), b"a.hwp").text.strip() == "서울의 날씨"
    locked = read(extractor, hangul("서울의 날씨", flags=5), b"a.hwp")
    assert locked.text == "미리"
    assert "encrypted" in str(locked.unread_parts)
    outcome = extractor.extract(hangul("서울의 날씨", flags=3), name=b"a.hwp")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.ENCRYPTED


def test_a_file_with_a_header_of_another_program_is_no_hangul_document(extractor: FileExtractor) -> None:
    outcome = extractor.extract(compound_file({"FileHeader": b"|HEADER=Schematic|" * 9}), name=b"a.SchDoc")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.BINARY
