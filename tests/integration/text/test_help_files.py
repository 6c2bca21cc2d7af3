"""The topics of the help and the books of Windows are read in the order of their table of contents."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.archives import library_members
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.help_files import help_of

pytestmark = pytest.mark.skipif(
    not library_members.has_library() and "CI" not in os.environ, reason="libarchive is not installed"
)

CONTENTS = b"""<ul><li><object type="text/sitemap"><param name="Name" value="Rivers">
<param name="Local" value="html/rivers.htm#top"></object></ul>
<param name="Local" value="html/birds%20of%20the%20marsh.htm"><param name="Local" value="missing.htm">"""


def topic(text: str, *, more: str = "") -> bytes:
    return f"<html><head><meta charset=utf-8></head><body><p>{text}</p><pre>{more}</pre></body></html>".encode()


def test_topics_are_pages_in_the_order_of_the_contents(extractor: FileExtractor) -> None:
    content = help_of(
        {
            "/contents.hhc": CONTENTS,
            "/html/annexe.htm": topic("the annexe is not listed"),
            "/html/birds of the marsh.htm": topic("seventeen herons"),
            "/html/pictures/a.gif": b"GIF89a",
            # It is longer than what is decompressed at once.
            "/html/rivers.htm": topic("a river begins", more="water under the bridge\n" * 5000 + "it ends in the sea"),
        },
        title="The marsh",
    )
    document = read(extractor, content, b"a.chm")
    pages = [document.text[start:end].strip() for start, end in pairwise([*document.page_starts, None])]
    assert document.title == "The marsh"
    assert pages[0].startswith("a river begins")
    assert pages[0].endswith("it ends in the sea")
    assert pages[1:] == ["seventeen herons", "the annexe is not listed"]
    assert document.unread_parts is None


def test_one_with_many_topics_has_them_all(extractor: FileExtractor) -> None:
    files = {f"/html/a topic with quite a long name {number}.htm": topic(f"heron {number}") for number in range(200)}
    document = read(extractor, help_of(files), b"a.chm")
    assert set(document.text.split()) == {"heron", *map(str, range(200))}


def test_what_stands_before_damage_is_read(extractor: FileExtractor) -> None:
    content = help_of({f"/{number}.htm": topic(f"heron {number}", more="reeds " * 20_000) for number in range(6)})
    document = read(extractor, content[: content.index(b"heron 4")], b"a.chm")
    assert "heron 2" in document.text
    assert "heron 4" not in document.text
    assert "the topics behind the damage (corrupt)" in str(document.unread_parts)


def test_a_damaged_part_of_the_list_costs_the_topics_in_it(extractor: FileExtractor) -> None:
    files = {f"/html/a topic with quite a long name {number}.htm": topic(f"heron {number}") for number in range(200)}
    content = bytearray(help_of(files))
    second = content.index(b"PMGL", content.index(b"PMGL") + 1)
    content[second + 0x14 : second + 0x18] = b"\xff" * 4
    document = read(extractor, bytes(content), b"a.chm")
    assert 100 < len(set(document.text.split())) < 200
    assert "the topics in a damaged part of the list (corrupt)" in str(document.unread_parts)


@pytest.mark.parametrize("kept", [40, 0x60])
def test_a_cut_one_is_damaged(extractor: FileExtractor, kept: int) -> None:
    outcome = extractor.extract(help_of({"/a.htm": topic("a heron")})[:kept], name=b"a.chm")
    assert isinstance(outcome, Unreadable)
    assert outcome.reason in {SkipReason.CORRUPT, SkipReason.NO_TEXT}
