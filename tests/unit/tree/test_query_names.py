from __future__ import annotations

import pytest

from magicfs.tree.results.probed_names import PROBED_NAMES
from magicfs.tree.results.searches import is_query_name


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
        ".NET garbage collector",
        "functools.partial",
        "🎉",
        "#define MAX_RETRIES",
        "~/.bashrc",
        "~%2F.bashrc",
        "noise.zip",
        "x.tmp",
        ".gitattributes in a monorepo",
        "git",
        "trash",
        "report.docx",
        "New Folder",
        "☎",
        "≤",
        "∑ ≠",
        "€",
        "→",
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
        "Thumbs.db",
        "THUMBS.DB",
        "desktop.ini",
        "lost+found",
        "System Volume Information",
        "._report.pdf",
        ".~lock.letter.odt#",
        ".notes.md.swp",
        ".#draft",
        "*",
        "-",
        "???",
        '""',
        "&&",
        "$",
    ],
)
def test_names_that_programs_look_up_everywhere_are_not(name: str) -> None:
    assert not is_query_name(name.encode())


def test_each_probed_name_says_who_asks() -> None:
    assert all(name == name.casefold() and who for name, who in PROBED_NAMES.items())
    assert len(PROBED_NAMES) < 50


def test_names_that_are_not_utf8() -> None:
    assert is_query_name(b"caf\xe9")
    assert not is_query_name(b"\xff\xfe")
