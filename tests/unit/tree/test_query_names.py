from __future__ import annotations

import pytest

from magicfs.tree.query_names import plausible


@pytest.mark.parametrize(
    "name",
    [
        "tax invoice",
        "python",
        "machine learning ext:md",
        '"exact phrase" -without',
        "name:*.zip",
        "name:archive.tar.gz",
        "readme.md",
        "how to open a .zip",
        "e.g. this",
        "v1.2",
        "Übergröße",
        "税金の請求書",
        "in:%2Fhome",
        "after:2026-01-31 size:>1m",
        "what is new?",
        "C++",
    ],
)
def test_what_people_type(name: str) -> None:
    assert plausible(name.encode())


@pytest.mark.parametrize(
    "name",
    [
        ".git",
        ".Trash-1000",
        ".hidden",
        "..anything",
        "noise.zip",
        "holiday photos.ZIP",
        "a.tar.gz",
        "x.swp",
        "x.tmp",
        "Thumbs.db",
        "THUMBS.DB",
        "desktop.ini",
        "lost+found",
        "System Volume Information",
        "file~",
        "~$letter.docx",
        "#draft#",
        "*",
        "-",
        "???",
        "a.part",
    ],
)
def test_what_programs_look_for(name: str) -> None:
    assert not plausible(name.encode())


def test_bytes_that_are_no_text() -> None:
    assert plausible(b"caf\xe9")
    assert not plausible(b"\xff\xfe")
