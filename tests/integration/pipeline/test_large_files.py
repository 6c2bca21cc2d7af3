"""Files beyond the size limit, which is a megabyte here: what they say first and last is found, on its lines."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from magicfs.db.search.file_facts import read_file_facts
from magicfs.pipeline import counted_lines
from magicfs.text.chunking import TokenChunker
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.mail import mailboxes
from magicfs.text.extract.options import Limits
from tests.plugins.index import FOUND_TEXT, Index
from tests.plugins.statistics_files import old_stata, spss, stata

LINES = 60_000
PLACES = """SELECT c.first_line, c.last_line, k.text FROM chunks k JOIN content_chunks c ON c.chunk_id = k.id
    JOIN files USING (content_id) WHERE k.text LIKE %s"""

PAGES = """SELECT c.page FROM chunks k JOIN content_chunks c ON c.chunk_id = k.id
    JOIN files USING (content_id) WHERE k.text LIKE %s"""

CONTENT_TYPES = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
    <Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType=
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"""
BODY = """<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
    <w:body><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:body></w:document>"""


@pytest.fixture
def large(index: Index, tokenizer_path: Path) -> Iterator[Index]:
    index.chunker = TokenChunker(tokenizer_path, max_tokens=200)
    with FileExtractor(limits=Limits(text_bytes=200_000)) as reader:
        index.reader = reader
        yield index


def write_log(path: Path, *, first: int = 1, last: int = LINES) -> None:
    with path.open("a") as file:
        for number in range(first, last + 1):
            file.write(f"{number}: request {number * 7919} took {number % 97} ms\n")


def cut_bytes(index: Index, name: str) -> int:
    """The bytes of a file that is in the index that are left out of it."""
    with index.database.transaction() as connection:
        facts = read_file_facts(connection, index.root.id, name.encode())
    assert facts is not None
    assert facts.reason is None, facts.detail
    return facts.cut_bytes


def line_of(index: Index, words: str) -> int:
    """The line of some words in the only chunk that has them."""
    [(first, _, text)] = index.rows(PLACES, f"%{words}%")
    return first + text.split(words)[0].count("\n")


def test_the_beginning_and_the_end_of_a_log_are_found_on_their_lines(large: Index) -> None:
    path = large.folder / "server.log"
    path.write_text("server starts with heliotrope\n")
    write_log(path, last=LINES // 2)
    with path.open("a") as file:
        file.write("nobody reads of the okapi\n")
    write_log(path, first=LINES // 2)
    with path.open("a") as file:
        file.write("FATAL out of memory in module gyroscope\n")
    size = path.stat().st_size
    assert size > 1 << 20
    large.settle()
    assert large.states() == {"server.log": ("indexed", None)}
    lines = path.read_text().splitlines()
    assert line_of(large, "heliotrope") == 1
    assert line_of(large, "gyroscope") == len(lines)
    assert large.rows(PLACES, "%okapi%") == []
    for first, last, text in large.rows(PLACES, "%request%"):
        assert text == "\n".join(lines[first - 1 : last])
    with large.database.transaction() as connection:
        facts = read_file_facts(connection, large.root.id, b"server.log")
    assert facts is not None
    assert facts.partly_read
    assert size - 200_000 <= facts.cut_bytes <= size - 190_000


def test_a_log_that_grows_is_found_by_what_is_new_and_read_no_further_than_that(
    large: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = large.folder / "server.log"
    write_log(path)
    large.scan()
    extraction = large.extraction()
    extraction.run_batch()
    read: list[int] = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: (read.append(length), pread(fd, length, offset))[1])
    write_log(path, first=LINES + 1, last=LINES + 100)
    with path.open("a") as file:
        file.write("the new line is of a quokka\n")
    large.end_pauses()
    large.scan()
    extraction.run_batch()
    assert line_of(large, "quokka") == LINES + 101
    assert sum(read) < (1 << 20) + 300_000, "its ends, and what has come to the part between them"


def test_copies_of_a_large_text_are_one_content_and_near_ones_are_not(large: Index) -> None:
    for name, middle in (("a.log", "x"), ("b.log", "x"), ("c.log", "y")):
        path = large.folder / name
        write_log(path, last=LINES // 2)
        with path.open("a") as file:
            file.write(f"{middle}\n")
        write_log(path, first=LINES // 2)
    large.settle()
    assert large.rows("SELECT count(*) FROM files GROUP BY content_id ORDER BY 1") == [(1,), (2,)]


def test_a_text_with_too_many_lines_to_count_is_found_by_its_beginning(
    large: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted_lines, "COUNT_SECONDS", 0.0)
    path = large.folder / "dump.csv"
    path.write_text("number,heliotrope\n")
    write_log(path)
    with path.open("a") as file:
        file.write("0,gyroscope\n")
    large.settle()
    assert line_of(large, "heliotrope") == 1
    assert large.rows(PLACES, "%gyroscope%") == []
    with large.database.transaction() as connection:
        facts = read_file_facts(connection, large.root.id, b"dump.csv")
    assert facts is not None
    assert facts.cut_bytes > path.stat().st_size - 200_000


def test_a_script_with_a_program_behind_it_is_named(large: Index) -> None:
    (large.folder / "install.sh").write_bytes(b"#!/bin/sh\nexit\n" * 5000 + os.urandom(2 << 20))
    large.settle()
    assert large.states() == {"install.sh": ("named", None)}


def mailbox(*, messages: int, attached_bytes: int = 0, begins: str = "iVBORw0KGgoA") -> bytes:
    """A mailbox whose messages have a word of their own each, and an attachment."""
    attached = "\n".join([begins * 6] * (attached_bytes // 73))
    return "".join(
        f"From ada@kelp.example Mon Jan  1 00:00:00 2024\nFrom: ada@kelp.example\nSubject: number w{number}w\n"
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\nThe tide of day {number}.\n{'It is a long letter. ' * 50}\n"
        f'--b\nContent-Type: image/jpeg; name="p{number}-photo.jpg"\nContent-Transfer-Encoding: base64\n\n{attached}\n'
        "--b--\n\n"
        for number in range(1, messages + 1)
    ).encode()


class TestMailboxes:
    def found(self, index: Index, word: str) -> list[int | None]:
        return [page for (page,) in index.rows(PAGES, f"%{word}%")]

    def test_the_last_messages_of_a_large_mailbox_are_found(self, large: Index) -> None:
        content = mailbox(messages=2000)
        assert len(content) > 2 << 20
        (large.folder / "Inbox").write_bytes(content)
        large.settle()
        assert large.states() == {"Inbox": ("indexed", None)}
        assert self.found(large, "w2000w") == [None], "nobody has counted the messages before it"
        assert self.found(large, "w1950w") == [None]
        assert self.found(large, "w1w") == []
        assert cut_bytes(large, "Inbox") > len(content) - 400_000

    def test_large_attachments_leave_room_for_messages(self, large: Index) -> None:
        content = mailbox(messages=12, attached_bytes=300_000)
        assert len(content) > 3 << 20
        (large.folder / "Archive.mbox").write_bytes(content)
        large.settle()
        for number in (1, 7, 12):
            assert self.found(large, f"w{number}w") == [None]
            assert self.found(large, f"p{number}-photo.jpg") == [None], "they are found by their names"
        assert cut_bytes(large, "Archive.mbox") == 0, "they are pictures"

    def test_a_large_attachment_that_may_have_text_is_told(self, large: Index, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mailboxes, "LARGE_BYTES", 200_000)
        content = mailbox(messages=12, attached_bytes=300_000, begins="JVBERi0xLjQK")
        (large.folder / "Archive.mbox").write_bytes(content)
        large.settle()
        for number in (1, 7, 12):
            assert self.found(large, f"w{number}w") == [None]
            assert self.found(large, f"p{number}-photo.jpg") == [None]
        assert len(content) - 100_000 < cut_bytes(large, "Archive.mbox") < len(content)

    def test_a_mailbox_that_ends_with_a_message_beyond_all_is_found_by_its_beginning(
        self, large: Index, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mailboxes, "LARGE_BYTES", 1 << 30)
        content = mailbox(messages=3) + mailbox(messages=1, attached_bytes=3 << 20, begins="JVBERi0xLjQK")
        (large.folder / "Sent").write_bytes(content)
        large.settle()
        assert self.found(large, "w3w") == [3]
        assert cut_bytes(large, "Sent") > 2 << 20

    def test_a_mailbox_with_too_much_text_is_found_by_its_last_messages(self, large: Index) -> None:
        content = mailbox(messages=400)
        assert len(content) < 1 << 20
        (large.folder / "Inbox").write_bytes(content)
        large.settle()
        assert self.found(large, "w400w") == [400], "a message has its number"
        assert self.found(large, "w1w") == []
        assert cut_bytes(large, "Inbox") > len(content) // 3

    def test_a_message_with_a_large_attachment_is_found(self, large: Index) -> None:
        _, _, message = mailbox(messages=1, attached_bytes=3 << 20).partition(b"\n")
        (large.folder / "holiday.eml").write_bytes(message)
        large.settle()
        assert self.found(large, "w1w") == [None]
        assert self.found(large, "p1-photo.jpg") == [None]
        assert cut_bytes(large, "holiday.eml") > 2 << 20


class TestContainers:
    def test_an_archive_is_found_by_its_names(self, large: Index) -> None:
        with zipfile.ZipFile(large.folder / "photos.zip", "w") as archive:
            for number in range(300):
                archive.writestr(f"holiday/skarholm {number}.jpg", os.urandom(5000))
        large.settle()
        assert large.states() == {"photos.zip": ("indexed", None)}
        [(text,)] = large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%skarholm 299.jpg%")
        assert "skarholm" in text
        assert cut_bytes(large, "photos.zip") == 0

    def test_letters_in_an_archive_of_few_files_are_read_and_large_ones_are_told(self, large: Index) -> None:
        with zipfile.ZipFile(large.folder / "post.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("picture.png", os.urandom(1 << 20))
            archive.writestr("letter.txt", "The narwhal writes. " * 20)
            archive.writestr("dump.txt", "The okapi. " + os.urandom(1 << 20).hex())
        large.settle()
        assert large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%narwhal writes%")
        assert large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%dump.txt%")
        assert not large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%okapi%")
        assert cut_bytes(large, "post.zip") > 1 << 20

    def test_a_tar_archive_is_read_without_its_pictures(self, large: Index, tmp_path: Path) -> None:
        files = {"holiday/skarholm.jpg": os.urandom(2 << 20), "letter.txt": b"The narwhal writes. " * 20}
        with tarfile.open(large.folder / "post.tar", "w") as archive:
            for name, content in files.items():
                path = tmp_path / "member"
                path.write_bytes(content)
                archive.add(path, arcname=name)
        large.settle()
        assert large.states() == {"post.tar": ("indexed", None)}
        assert large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%narwhal writes%")
        assert large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%skarholm.jpg%")
        assert cut_bytes(large, "post.tar") == 0

    def test_a_compressed_log_is_found_by_its_beginning(self, large: Index) -> None:
        with gzip.open(large.folder / "server.log.gz", "wb") as file:
            file.write(b"server starts with heliotrope\n" + os.urandom(1 << 20).hex(" ", 4).encode())
        assert (large.folder / "server.log.gz").stat().st_size > 1 << 20
        large.settle()
        assert large.states() == {"server.log.gz": ("indexed", None)}
        assert large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%heliotrope%")
        assert cut_bytes(large, "server.log.gz") > 0

    @pytest.mark.parametrize(
        ("name", "content"),
        [("a.sav", spss("<")), ("a.dta", stata(118, "<")), ("old.dta", old_stata(114, "<"))],
        ids=["SPSS", "Stata 14", "Stata 10"],
    )
    def test_a_data_set_is_found_by_its_variables(self, large: Index, name: str, content: bytes) -> None:
        (large.folder / name).write_bytes(content + os.urandom(3 << 20))
        large.settle()
        assert large.states() == {name: ("indexed", None)}
        assert large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%Where they live%")
        assert cut_bytes(large, name) > 0

    def test_a_compressed_archive_is_found_by_its_first_names(self, large: Index) -> None:
        with tarfile.open(large.folder / "backup.tgz", "w:gz") as archive:
            for name, size in (("letter.txt", 200), ("skarholm.jpg", 400_000), ("gull.jpg", 2 << 20), ("okapi.txt", 9)):
                entry = tarfile.TarInfo(name)
                entry.size = size
                archive.addfile(entry, io.BytesIO(os.urandom(size)))
        large.settle()
        assert large.states() == {"backup.tgz": ("indexed", None)}
        assert large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%skarholm.jpg%")
        assert not large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%okapi.txt%")
        [(unread,)] = large.rows("SELECT unread_parts FROM contents")
        assert "what follows gull.jpg (too-large)" in unread

    @pytest.mark.parametrize("big_numbers", [False, True], ids=["zip", "zip64"])
    def test_a_presentation_with_large_pictures_is_read(
        self, large: Index, monkeypatch: pytest.MonkeyPatch, big_numbers: bool
    ) -> None:
        if big_numbers:
            monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
            monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
        with zipfile.ZipFile(large.folder / "talk.docx", "w", zipfile.ZIP_DEFLATED) as document:
            document.writestr("[Content_Types].xml", CONTENT_TYPES)
            document.writestr("word/media/image1.png", os.urandom(2 << 20))
            document.writestr("word/document.xml", BODY.format("The gyroscope turns. " * 30))
        large.settle()
        assert large.states() == {"talk.docx": ("indexed", None)}
        assert large.rows(FOUND_TEXT + " WHERE text LIKE %s", "%gyroscope turns%")
        assert cut_bytes(large, "talk.docx") == 0
        assert large.rows("SELECT mime_type LIKE '%%wordprocessingml%%' FROM contents") == [(True,)]

    def test_a_container_with_a_password_is_told_as_one(self, large: Index) -> None:
        path = large.folder / "secret.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.txt", os.urandom(2 << 20))
        content = bytearray(path.read_bytes())
        content[content.rfind(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(content)
        large.settle()
        assert large.states() == {"secret.zip": ("skipped", "encrypted")}

    @pytest.mark.parametrize("cut", [0, 10, 100, 3000])
    def test_one_that_is_cut_or_is_none_is_named(self, large: Index, cut: int) -> None:
        path = large.folder / "broken.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(20):
                archive.writestr(f"{number}.jpg", os.urandom(100_000))
        content = bytearray(path.read_bytes())
        if cut:
            content = content[:-cut]
        else:
            directory = content.find(b"PK\x01\x02")
            content[directory : directory + 200] = os.urandom(200)
        path.write_bytes(content)
        large.settle()
        assert large.states() == {"broken.zip": ("named", None)}


def test_files_that_an_older_version_found_too_large_are_read(large: Index) -> None:
    from tests.plugins.services import make_maintenance

    write_log(large.folder / "server.log")
    large.scan()
    large.rows("UPDATE files SET state = 'skipped', reason = 'too-large', extractor = 41 RETURNING 1")
    make_maintenance(large.database).sweep()
    large.settle()
    assert large.states() == {"server.log": ("indexed", None)}
