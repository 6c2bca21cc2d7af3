"""The directory of a zip or OLE container tells its type, a password and a bomb."""

from __future__ import annotations

import copy
import io
import os
import struct
import zipfile

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.container import ole_type, zip_type
from tests.plugins.office_files import zipped
from tests.plugins.ole import compound_file


def reason(outcome: str | Unreadable) -> SkipReason:
    assert isinstance(outcome, Unreadable)
    return outcome.reason


@pytest.mark.parametrize(
    ("members", "ending"),
    [
        ({"[Content_Types].xml": "", "word/document2.xml": ""}, "wordprocessingml.document"),
        ({"[Content_Types].xml": "", "xl/workbook.xml": ""}, "spreadsheetml.sheet"),
        ({"[Content_Types].xml": "", "xl/workbook.bin": ""}, "binary.macroEnabled.12"),
        ({"[Content_Types].xml": "", "ppt/presentation.xml": ""}, "presentationml.presentation"),
        ({"word/document.xml": ""}, "wordprocessingml.document"),
        ({"xl/workbook.xml": ""}, "spreadsheetml.sheet"),
        ({"ppt/presentation.xml": ""}, "presentationml.presentation"),
        ({"mimetype": "application/epub+zip"}, "application/epub+zip"),
        ({"mimetype": "application/vnd.oasis.opendocument.text-template"}, "opendocument.text"),
        ({"mimetype": "application/x-ibooks+zip"}, "application/epub+zip"),
        (
            {
                "content.xml": "",
                "META-INF/manifest.xml": '<e media-type="application/vnd.sun.xml.writer" full-path="/"/>',
            },
            "vnd.sun.xml.writer",
        ),
        ({"Index/Document.iwa": ""}, "pages-sffpages"),
        ({"index.xml": "", "QuickLook/Preview.pdf": ""}, "x-iwork-preview"),
        ({"[Content_Types].xml": "", "visio/document.xml": ""}, "visio.drawing"),
        ({"content.json": "", "manifest.json": "", "metadata.json": ""}, "xmind.workbook"),
    ],
)
def test_the_document_in_a_zip(members: dict[str, str | bytes], ending: str) -> None:
    found = zip_type(zipped(members))
    assert isinstance(found, str)
    assert found.endswith(ending)


def test_an_archive_is_not_opened() -> None:
    assert reason(zip_type(zipped({"a.txt": "text", "word/fake.txt": "", "content.json": ""}))) is SkipReason.BINARY
    assert reason(zip_type(zipped({"QuickLook/Preview.pdf": ""}))) is SkipReason.BINARY


def test_an_opendocument_file_with_a_password() -> None:
    content = zipped({"mimetype": "x", "META-INF/manifest.xml": "<manifest:encryption-data/>"})
    assert reason(zip_type(content)) is SkipReason.ENCRYPTED


def test_a_document_of_iwork_with_a_password() -> None:
    content = bytearray(zipped({"index.xml": "locked"}))
    struct.pack_into("<H", content, content.rfind(b"PK\x01\x02") + 10, 25452)
    assert reason(zip_type(bytes(content))) is SkipReason.ENCRYPTED


def test_a_zip_that_unpacks_to_too_much() -> None:
    assert reason(zip_type(zipped({"big": b"\0" * (80 << 20)}))) is SkipReason.BOMB


def test_zip_members_that_overlap() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as container:
        container.writestr("kernel", bytes(100_000))
        for number in range(20):
            shared = copy.copy(container.getinfo("kernel"))
            shared.filename = f"copy-{number}"
            container.filelist.append(shared)
    assert reason(zip_type(target.getvalue())) is SkipReason.BOMB


@pytest.mark.parametrize(("place", "size"), [(20, 1 << 30), (24, (1 << 31) - 1), (20, (1 << 32) - 2)])
def test_sizes_that_only_a_damaged_directory_states_are_no_bomb(place: int, size: int) -> None:
    content = bytearray(zipped({"[Content_Types].xml": "", "word/document.xml": "text"}))
    struct.pack_into("<I", content, content.rfind(b"PK\x01\x02") + place, size)
    assert reason(zip_type(bytes(content))) is SkipReason.CORRUPT


def test_a_directory_after_missing_bytes_is_no_bomb() -> None:
    members: dict[str, str | bytes] = {f"{number}.txt": os.urandom(2000) for number in range(3)}
    content = bytearray(zipped(members))
    del content[3000:3500]
    struct.pack_into("<I", content, content.rfind(b"PK\x01\x02") + 20, 9000)
    assert reason(zip_type(bytes(content))) is SkipReason.CORRUPT


def test_a_bomb_whose_members_have_their_sizes_behind_them() -> None:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError

        def tell(self) -> int:
            raise OSError

    target = Unseekable()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("big", bytes(80 << 20))
    assert reason(zip_type(target.getvalue())) is SkipReason.BOMB


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04", b"PK\x05\x06" + b"\xff" * 18, zipped({"a": "text"})[:-10]],
    ids=["only a beginning", "a wrong directory", "cut off"],  # the archive holds the time, so it cannot be its name
)
def test_a_broken_zip(content: bytes) -> None:
    assert reason(zip_type(content)) is SkipReason.CORRUPT


def ole(*names: str, stream: bytes = b"") -> bytes:
    return compound_file(dict.fromkeys(names, stream))


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("WordDocument", "msword"),
        ("Workbook", "ms-excel"),
        ("PowerPoint Document", "ms-powerpoint"),
        ("__properties_version1.0", "ms-outlook"),
    ],
)
def test_the_document_in_an_ole_container(name: str, ending: str) -> None:
    found = ole_type(ole(name))
    assert isinstance(found, str)
    assert found.endswith(ending)


@pytest.mark.parametrize(
    ("names", "stream"),
    [
        (("EncryptionInfo", "EncryptedPackage"), b""),
        (("WordDocument",), struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0, 0, 0x0100)),
        (("Workbook",), struct.pack("<HHIHH", 0x0809, 4, 0, 0x2F, 0)),
        (("PowerPoint Document", "EncryptedSummary"), b""),
    ],
)
def test_ole_documents_with_a_password(names: tuple[str, ...], stream: bytes) -> None:
    assert reason(ole_type(ole(*names, stream=stream))) is SkipReason.ENCRYPTED


def test_an_ole_container_of_something_else() -> None:
    assert reason(ole_type(ole("Thumbs"))) is SkipReason.BINARY
    assert reason(ole_type(b"\xd0\xcf\x11\xe0")) is SkipReason.CORRUPT


def test_documents_inside_of_a_container_do_not_tell_its_type() -> None:
    found = ole_type(compound_file({"Attachment/WordDocument": b"x", "__properties_version1.0": b"x"}))
    assert isinstance(found, str)
    assert found.endswith("ms-outlook")
