"""Documents that every program opens without asking are read, although they are encrypted."""

from __future__ import annotations

import functools
import io
import random
import struct
from hashlib import md5

import pytest
from msoffcrypto.format.ooxml import OOXMLFile
from msoffcrypto.format.xls97 import Xls97File
from msoffcrypto.method.rc4 import DocumentRC4

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import word_document
from tests.plugins.excel import number, shared, workbook_97
from tests.plugins.ole import record_of_excel

KNOWN = "VelvetSweatshop"
SALT, VERIFIER = bytes(range(16)), bytes(range(16, 32))


@functools.cache
def encrypted(password: str) -> bytes:
    """A document of Word with a password, larger than what a compound file keeps apart."""
    found = io.BytesIO()
    picture = random.Random(7).randbytes(9000).hex()
    OOXMLFile(io.BytesIO(word_document(comments="the quartermaster", footnotes=picture))).encrypt(password, found)
    return found.getvalue()


def encrypted_97(password: str) -> bytes:
    """A workbook of Excel 97 with a password. What decrypts it encrypts it too."""
    hashed = DocumentRC4.decrypt(password, SALT, io.BytesIO(VERIFIER + md5(VERIFIER).digest())).read()
    record = record_of_excel(0x002F, struct.pack("<HHH", 1, 1, 1) + SALT + hashed)
    cells = [shared(0, 0, 0), number(0, 1, 1234.5)]
    plain = workbook_97({"Cash": cells}, texts=[b"\x0b\0\0the bittern"], more=record)
    document = Xls97File(io.BytesIO(plain))
    document.load_key(password)
    found = io.BytesIO()
    document.decrypt(found)
    place = plain.index(record)
    return found.getvalue()[:place] + record + found.getvalue()[place + len(record) :]


def test_a_document_with_the_known_password_is_read(extractor: FileExtractor) -> None:
    assert "the quartermaster" in read(extractor, encrypted(KNOWN), b"a.docx").text


def test_a_workbook_of_excel_97_with_it_is_read(extractor: FileExtractor) -> None:
    content = encrypted_97(KNOWN)
    assert b"bittern" not in content
    assert read(extractor, content, b"a.xls").text == "Cash\nthe bittern\t1234.5"


@pytest.mark.parametrize("content", [encrypted("another"), encrypted_97("another"), encrypted(KNOWN)[:-2000]])
def test_any_other_is_encrypted(extractor: FileExtractor, content: bytes) -> None:
    outcome = extractor.extract(content, name=b"a.docx")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.ENCRYPTED


def test_a_damaged_document_with_it_is_damaged(extractor: FileExtractor) -> None:
    """What decrypts to noise is no text."""
    content = bytearray(encrypted(KNOWN))
    for place in range(0, len(content), 512):
        sector = content[place : place + 512]
        if sector.count(0) < 10 and not sector.isascii():
            content[place : place + 512] = random.Random(place).randbytes(512)
    outcome = extractor.extract(bytes(content), name=b"a.docx")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.CORRUPT
