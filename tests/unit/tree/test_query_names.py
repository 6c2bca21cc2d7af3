from __future__ import annotations

import pytest

from magicfs.tree.searches import is_query_name


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
def test_names_that_people_type_are_queries(name: str) -> None:
    assert is_query_name(name.encode())


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
def test_names_that_only_programs_look_up_are_not(name: str) -> None:
    assert not is_query_name(name.encode())


def test_names_that_are_not_utf8() -> None:
    assert is_query_name(b"caf\xe9")
    assert not is_query_name(b"\xff\xfe")
