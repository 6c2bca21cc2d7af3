"""The names in archives are their text, and so are the texts of the files in small ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Final, cast

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.archives.member_names import zip_names
from magicfs.text.extract.archives.zip_excerpt import MAX_NAMES, MAX_READ_MEMBERS
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import TarMode, compressed_with_zstd, container, mail, picture, tar_archive, word_document
from tests.plugins.rar import rar_4, rar_5

_NAMES: Final = ("letters/an Müller.txt", "../outside.txt")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"a.zip", container({"letters/an Müller.txt": "hello", "x": ""})),
        (b"a.tar", tar_archive(_NAMES)),
        (b"a.tgz", tar_archive(_NAMES, mode="w:gz")),
        (b"a.tar.bz2", tar_archive(_NAMES, mode="w:bz2")),
        (b"a.tar.xz", tar_archive(_NAMES, mode="w:xz")),
        (b"a.tar.zst", compressed_with_zstd(tar_archive(_NAMES))),
        (b"a.zip", container({"old.tar.zst": compressed_with_zstd(tar_archive(_NAMES))})),
        (b"a.rar", rar_4(_NAMES)),
        (b"a.cbr", rar_5(_NAMES)),
    ],
)
def test_the_names_in_an_archive_are_its_text(extractor: FileExtractor, name: bytes, content: bytes) -> None:
    assert "letters/an Müller.txt" in read(extractor, content, name).text


LETTERS: Final = {
    "letters/sent/offer.docx": word_document("a stairlift for the annexe"),
    "letters/notes.txt": "die Wäscherei im Hof\n".encode("latin-1"),
    "__MACOSX/letters/._notes.txt": b"Mac OS X com.apple.quarantine",
    "letters/scan.png": picture(),
    "old.zip": container({"memo.txt": "inside of an archive inside", "oldest.zip": container({"a.txt": "deeper"})}),
    "heron.zip": container({"PKG-INFO": "Name: heron", "bird.txt": "a bittern"}),
}


@pytest.mark.parametrize("kind", ["zip", "w:", "w:gz", "w:bz2", "w:xz"])
def test_the_files_in_a_small_archive_are_read_after_the_names(extractor: FileExtractor, kind: str) -> None:
    document = read(extractor, _archive_of(kind, LETTERS), b"letters")
    ends = [*document.page_starts, None]
    names, *pages = [document.text[start:end].rstrip() for start, end in pairwise([0, *ends])]
    in_old = {f"old.zip/{name}" for name in ("memo.txt", "oldest.zip", "oldest.zip/a.txt")}
    assert set(names.split("\n")) == {*LETTERS, *in_old, "heron.zip/PKG-INFO", "heron.zip/bird.txt"}
    assert pages == [
        "letters/sent/offer.docx\n\na stairlift for the annexe",
        "letters/notes.txt\n\ndie Wäscherei im Hof",
        "old.zip/memo.txt\n\ninside of an archive inside",
    ]
    assert document.unread_parts is None


def test_the_files_in_an_archive_that_is_attached_to_a_message_are_read(extractor: FileExtractor) -> None:
    message = mail("see the files", subject="for you", attachments={"a.zip": _archive_of("zip", LETTERS)})
    assert "a stairlift for the annexe" in read(extractor, message, b"a.eml").text


@pytest.mark.parametrize("kind", ["zip", "w:gz"])
@pytest.mark.parametrize(("count", "is_read"), [(MAX_READ_MEMBERS, True), (MAX_READ_MEMBERS + 1, False)])
def test_only_the_names_in_a_large_archive_are_read(
    extractor: FileExtractor, kind: str, count: int, is_read: bool
) -> None:
    content = _archive_of(kind, {f"page{number}.txt": b"heron" for number in range(count)})
    text = read(extractor, content, b"pages").text
    assert f"page{count - 1}.txt" in text
    assert ("heron" in text) == is_read


@pytest.mark.parametrize("name", ["META-INF/MANIFEST.MF", "heron-1.0.dist-info/RECORD", "heron-1.0/PKG-INFO"])
def test_the_files_in_a_package_of_a_program_are_not_read(extractor: FileExtractor, name: str) -> None:
    content = _archive_of("zip", {"heron/NOTICE": b"a bittern", name: b"Manifest-Version: 1.0"})
    assert read(extractor, content, b"heron.jar").text == f"heron/NOTICE\n{name}"


def test_a_damaged_member_costs_its_own_text(extractor: FileExtractor) -> None:
    members = {"a.txt": b"a heron", "b.txt": b"a bittern", "c.docx": b"PK\3\4 no document", "d.txt": b"a crane"}
    document = read(extractor, _archive_of("zip", members).replace(b"a bittern", b"a Bittern"), b"a.zip")
    assert "a heron" in document.text
    assert "a crane" in document.text
    assert str(document.unread_parts) == "2 of 4 parts could not be read: b.txt (corrupt), c.docx (corrupt)"


def test_a_file_with_a_password_in_an_archive_inside_is_not_damaged(extractor: FileExtractor) -> None:
    inner = bytearray(container({"a.txt": "a heron"}))
    for place in (6, inner.index(b"PK\1\2") + 8):  # the flags of the member, and of its entry in the directory
        inner[place] |= 1
    document = read(extractor, container({"b.zip": bytes(inner), "c.txt": "a crane"}), b"a.zip")
    assert "a crane" in document.text
    assert str(document.unread_parts) == "1 of 3 parts could not be read: b.zip/a.txt (encrypted)"


def test_a_member_whose_compression_is_damaged_costs_its_own_text(extractor: FileExtractor) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("a.txt", "a heron " * 200)
        start = data.tell() - file.getinfo("a.txt").compress_size
        file.writestr("b.txt", "a crane")
    content = bytearray(data.getvalue())
    content[start + 9 : start + 20] = b"\xff" * 11  # behind the properties of the compression
    document = read(extractor, bytes(content), b"a.zip")
    assert "a crane" in document.text
    assert str(document.unread_parts) == "1 of 2 parts could not be read: a.txt (corrupt)"


@pytest.mark.parametrize("kind", ["zip", "w:gz"])
def test_a_member_that_is_too_large_costs_its_own_text(extractor: FileExtractor, kind: str) -> None:
    members = {"zeros.txt": bytes((64 << 20) + 1), "last.txt": b"a crane"}
    data = io.BytesIO(_archive_of(kind, members))
    if kind == "zip":
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in {**members, "noise": random.Random(1).randbytes(1 << 20)}.items():
                file.writestr(name, content)
    document = read(extractor, data.getvalue(), b"a")
    assert "a crane" in document.text
    assert "zeros.txt (too-large)" in str(document.unread_parts)


def test_names_that_need_a_password_say_so(extractor: FileExtractor) -> None:
    outcome = extractor.extract(rar_4(_NAMES, is_encrypted=True), name=b"a.rar")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason is SkipReason.ENCRYPTED


def test_a_rar_archive_of_many_members_takes_no_time_and_memory(extractor: FileExtractor) -> None:
    empty, one = rar_5([]), rar_5(["heron.txt"])
    member = one[len(empty) - 8 : -8]  # the last block has eight bytes
    content = empty[:-8] + member * 2_000_000
    assert read(extractor, content, b"a.rar").text == "heron.txt"


def test_the_names_before_a_size_beyond_any_file_are_read(extractor: FileExtractor) -> None:
    outcome = extractor.extract(rar_4(["a.txt", "b.txt"], is_endless=True), name=b"a.rar")
    assert isinstance(outcome, Document)
    assert outcome.text == "a.txt\nb.txt\nz"
    assert str(outcome.unread_parts) == "1 of 4 parts could not be read: what follows z (corrupt)"


def test_the_names_before_the_damage_of_a_rar_archive_are_read(extractor: FileExtractor) -> None:
    content = rar_5([f"letters/{number}.txt" for number in range(20)])
    assert "letters/3.txt" in read(extractor, content[:300] + bytes(40), b"a.rar").text
    damaged = extractor.extract(content[:12] + b"\xff" * 300, name=b"a.rar")
    assert isinstance(damaged, Unreadable)
    assert damaged.reason in {SkipReason.CORRUPT, SkipReason.BINARY}


def _archive_of(kind: str, members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(data, "w") as file:
            for name, content in members.items():
                file.writestr(name, content)
    else:
        with tarfile.open(fileobj=data, mode=cast("TarMode", kind)) as tar:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return data.getvalue()


@pytest.mark.parametrize("outer", ["zip", "w:", "w:gz"])
def test_the_names_in_an_archive_in_an_archive_are_read(extractor: FileExtractor, outer: str) -> None:
    letters = _archive_of("zip", {"letters/stairlift.pdf": b"x"})
    members = {"2023/year.zip": letters, "old.tar.gz": _archive_of("w:gz", {"soapbox.jpg": b"x", "more.zip": letters})}
    document = read(extractor, _archive_of(outer, {**members, "broken.zip": b"PK", "last.txt": b""}), b"a")
    assert document.text[: document.page_starts[0]].rstrip().split("\n") == [
        *("2023/year.zip", "old.tar.gz", "broken.zip", "last.txt"),
        *("2023/year.zip/letters/stairlift.pdf", "old.tar.gz/soapbox.jpg", "old.tar.gz/more.zip"),
        "old.tar.gz/more.zip/letters/stairlift.pdf",
    ]


@pytest.mark.parametrize("outer", ["zip", "w:", "w:gz"])
def test_names_in_inner_archives_take_no_place_of_others(extractor: FileExtractor, outer: str) -> None:
    inner = container({f"page{number}.txt": "" for number in range(MAX_NAMES + 1000)})
    contracts = {f"contracts/{number}.pdf": b"" for number in range(50)}
    text = read(extractor, _archive_of(outer, {"a.zip": inner, **contracts}), b"a").text
    names = text.split("\n")
    assert names[:51] == ["a.zip", *contracts]
    assert len(names) == MAX_NAMES


def test_names_in_inner_archives_are_read_before_damage(extractor: FileExtractor) -> None:
    members = {"a.zip": container({"page.txt": ""}), "b.txt": b"x" * 2000}
    cut = _archive_of("w:", members)[:2500]
    outcome = extractor.extract(cut, name=b"a.tar")
    assert isinstance(outcome, Document)
    assert outcome.text == "a.zip\nb.txt\na.zip/page.txt"
    assert outcome.unread_parts is not None
    assert [part.name for part in outcome.unread_parts.some] == ["what follows b.txt"]


@pytest.mark.parametrize("plain", [b"seventeen herons", tar_archive(_NAMES)], ids=["a file", "an archive"])
@pytest.mark.parametrize(
    ("compress", "name"), [(gzip.compress, b"a.gz"), (bz2.compress, b"a.bz2"), (lzma.compress, b"a.xz")]
)
def test_a_compressed_file_is_corrupt_whose_damage_leaves_nothing(
    extractor: FileExtractor, compress: Callable[[bytes], bytes], name: bytes, plain: bytes
) -> None:
    content = compress(plain)
    damaged = content[:10] + b"\xff" * (len(content) - 10)
    for cut in (damaged, content[:10]):
        outcome = extractor.extract(cut, name=name)
        assert isinstance(outcome, Unreadable)
        assert outcome.reason is SkipReason.CORRUPT


@pytest.mark.parametrize(
    ("name", "content"), [(b"a.tgz", tar_archive(_NAMES, mode="w:gz")), (b"a.zip", container({"x" * 50: "y"}))]
)
def test_a_damaged_archive_costs_nothing_else(extractor: FileExtractor, name: bytes, content: bytes) -> None:
    for cut in (12, len(content) // 2, len(content) - 3):
        outcome = extractor.extract(content[:cut], name=name)
        assert isinstance(outcome, Document) or outcome.reason in {SkipReason.BINARY, SkipReason.CORRUPT}


@pytest.mark.parametrize(
    ("name", "charset"),
    [
        ("Müller/grüß.txt", "cp437"),
        ("写真/富士山の朝.jpg", "cp932"),
        ("Отчёт/Матрёшка и самовар.doc", "cp866"),
        ("службаФНС94.zip", "cp866"),
        ("смета №5.xls", "cp866"),
        ("ПАСПОРТ.jpg", "cp866"),
        ("תמונה.jpg", "cp862"),
        ("Zaświadczenie.pdf", "cp852"),
        ("Jegyzőkönyv.doc", "cp852"),
        ("Životopis - Đorđe.doc", "cp852"),
        ("Účetní závěrka 2023.xls", "cp852"),
        ("Αίτηση.pdf", "cp737"),
        ("ΠΡΟΣΚΛΗΣΗ ΣΕ ΣΥΝΕΛΕΥΣΗ.doc", "cp737"),
        ("報告.pdf", "big5"),
        ("照片/日月潭.jpg", "big5"),
        ("议事录.doc", "gb18030"),
        ("議事録.doc", "cp932"),
        ("İzmir çalışma.doc", "cp857"),
        ("Ísland/smørrebrød.jpg", "cp850"),
        ("élève/crêpes.doc", "cp437"),
        ("договор.doc", "cp1251"),
        ("žirafa", "utf-8"),
    ],
)
def test_names_in_an_archive_may_be_in_the_charset_of_dos(extractor: FileExtractor, name: str, charset: str) -> None:
    raw = name.encode(charset)
    content = container({"x" * len(raw): ""}).replace(b"x" * len(raw), raw)
    assert read(extractor, content, b"a.zip").text == name


@pytest.mark.parametrize("is_renamed", [False, True], ids=["stated", "renamed"])
def test_a_name_may_have_its_unicode_form_in_a_field_beside_it(is_renamed: bool) -> None:
    """That of a name which was changed since is of no use."""
    raw = "简历.doc".encode("cp437", "replace")
    field = b"\1" + struct.pack("<I", zlib.crc32(b"old.doc" if is_renamed else raw)) + "简历.doc".encode()
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        member = zipfile.ZipInfo(raw.decode())
        member.extra = struct.pack("<4sHH", b"\1\0\0\0", 0x7075, len(field)) + field
        archive.writestr(member, b"")
    with zipfile.ZipFile(data) as archive:
        names = [name for _, name in zip_names(archive.infolist())]
    assert names == ["??.doc" if is_renamed else "简历.doc"]


def test_the_name_that_gzip_keeps_is_read(extractor: FileExtractor) -> None:
    data = io.BytesIO()
    with gzip.GzipFile("reports-hartebeest.csv", "wb", fileobj=data) as file:
        file.write(b"1,2")
    document = read(extractor, data.getvalue(), b"a.gz")
    assert (document.title, document.text) == ("reports-hartebeest.csv", "1,2")


def test_documents_that_nothing_reads_are_archives(extractor: FileExtractor) -> None:
    content = container({"mimetype": "application/x-krita", "heron/layers/layer1.xml": "<a/>"})
    assert "heron/layers/layer1.xml" in read(extractor, content, b"a.kra").text
