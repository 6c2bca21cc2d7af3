"""Of a large mailbox, the last messages are kept, each by itself, without pictures."""

from __future__ import annotations

import base64

import pytest

from magicfs.text.extract.mail import mailboxes
from magicfs.text.extract.mail.mailboxes import NEXT_MESSAGE, last_messages

PICTURE = base64.encodebytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20).replace(b"\n", b"%s")


def message(subject: str, body: bytes = b"", *, end: bytes = b"\n") -> bytes:
    lines = ("From c@d Mon Jan  2 00:00:00 2024", f"Subject: {subject}", "Content-Transfer-Encoding: base64", "")
    return b"".join(line.encode() + end for line in lines) + body.replace(b"%s", end) + end


def kept(content: bytes, max_bytes: int = 1 << 20) -> bytes:
    return last_messages(
        lambda offset, length: content[offset : offset + length], len(content), max_bytes=max_bytes
    ).content


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("begins", [b"", b"%PDF-1.4"], ids=["picture", "document"])
def test_a_message_behind_one_that_is_a_file_is_a_message(
    monkeypatch: pytest.MonkeyPatch, begins: bytes, end: bytes
) -> None:
    monkeypatch.setattr(mailboxes, "LARGE_BYTES", 2000)
    body = base64.encodebytes(begins * 500).replace(b"\n", b"%s") if begins else PICTURE
    assert body.count(b"%s") > 30
    content = (
        message("one", body, end=end) + message("two", b"It is late.%s", end=end) + message("three", body, end=end)
    )
    found = kept(content)
    assert found == message("one", end=end) + message("two", b"It is late.%s", end=end) + message("three", end=end)
    assert len(NEXT_MESSAGE.findall(b"\n" + found)) == 3


def test_a_picture_at_the_end_of_the_file_or_in_one_line_is_left_out() -> None:
    body = PICTURE.replace(b"%s", b"")
    assert kept(message("one", body)) == message("one")[:-1]
    assert kept(message("one", body).rstrip()) == message("one")[:-1]


def test_words_and_short_pictures_stay() -> None:
    words = b"Yes%s%sNo%sMaybe%s" + b"word%s" * 500
    content = (
        message("one", words) + message("two", PICTURE[:700]) + message("three", b"iVBORw0KGgo is how one begins%s")
    )
    assert kept(content) == content


def test_no_more_is_read_when_the_time_is_over_even_if_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "READ_SECONDS", 0)
    assert kept(message("one", b"text%s")) == b""
