"""Files that are made so that a reader would never end, or would lose what stands before the damage."""

from __future__ import annotations

import io
import plistlib
import struct
import time
import tracemalloc
from collections.abc import Collection

import pytest
from PIL import ExifTags, Image

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.analysis.markup import without_markup
from magicfs.text.extract.documents import document_parser, notebooks
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.linked_data import stated_texts
from magicfs.text.extract.documents.picture_pages import later_pages
from magicfs.text.extract.documents.plists import read_plist
from magicfs.text.extract.documents.stata_files import read_stata
from magicfs.text.extract.media import camera_files, photoshop_files, spoken_texts
from magicfs.text.extract.office import onenote_files, publisher_files, word_comments
from magicfs.text.extract.office.project_files import read_project
from magicfs.text.extract.options import Limits
from magicfs.text.extract.pdf.xfa_forms import xfa_texts
from magicfs.text.extract.plain.escapes import unescape
from tests.plugins.films import atom
from tests.plugins.ole import compound_file
from tests.plugins.statistics_files import old_stata

_COMPRESSION = 259


def fax(pages: int, *, damaged: Collection[int]) -> bytes:
    """A scan of pages of different heights, from 1 on, of which some have a compression that nobody knows."""
    first, *others = (Image.new("L", (400, 400 + number), 255) for number in range(1, pages + 1))
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "a heron"
    stored = io.BytesIO()
    first.save(stored, "TIFF", save_all=True, append_images=others, exif=exif)
    content = bytearray(stored.getvalue())
    (place,) = struct.unpack_from("<I", content, 4)
    for number in range(1, pages + 1):
        (count,) = struct.unpack_from("<H", content, place)
        for entry in range(place + 2, place + 2 + 12 * count, 12):
            if number in damaged and struct.unpack_from("<H", content, entry)[0] == _COMPRESSION:
                struct.pack_into("<H", content, entry + 8, 9999)
        (place,) = struct.unpack_from("<I", content, place + 2 + 12 * count)
    return bytes(content)


def height(page: bytes | None) -> int | None:
    return None if page is None else Image.open(io.BytesIO(page)).height


def test_a_damaged_page_of_a_scan_costs_itself_alone() -> None:
    pages = [(number, height(page)) for number, page in later_pages(fax(4, damaged={2, 4}))]
    assert pages == [(2, None), (3, 403), (4, None)]


def test_pages_whose_place_is_damaged_are_one() -> None:
    content = fax(2, damaged=())
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    cut = bytearray(content)
    struct.pack_into("<I", cut, first + 2 + 12 * count, len(content) - 1)
    assert [number for number, _ in later_pages(bytes(cut))] == [2]


class Recogniser:
    """Recognises the height of a page; fails at some."""

    recognises_pictures = True

    def __init__(self, *fails_at: int) -> None:
        self._fails_at = fails_at

    def __call__(self, content: bytes, mime_type: str) -> Document:
        found = Image.open(io.BytesIO(content)).height
        if found in self._fails_at:
            raise RuntimeError("no such page")
        return Document(text=f"page of {found}", mime_type=mime_type)


@pytest.mark.parametrize(
    ("damaged", "fails_at", "texts", "unread"),
    [
        ((2,), (), ["401", "403"], ["page 2"]),
        ((), (402,), ["401", "403"], ["page 2"]),
        ((), (401,), ["402", "403"], []),
    ],
)
def test_the_texts_of_other_pages_are_kept(
    damaged: Collection[int], fails_at: tuple[int, ...], texts: list[str], unread: list[str]
) -> None:
    parser = document_parser.DocumentParser(Recogniser(*fails_at), limits=Limits(seconds=600))  # type: ignore[arg-type]
    document = parser(fax(3, damaged=damaged), "image/tiff")
    assert isinstance(document, Document)
    assert "a heron" in document.text
    assert [line.removeprefix("page of ") for line in document.text.split("\n") if line.startswith("page")] == texts
    assert [part.name for part in (document.unread_parts.some if document.unread_parts else ())] == unread


@pytest.mark.parametrize(
    "data",
    [
        b"".join(struct.pack("<I", 0x3400 + number % 0x6B00) for number in range(4000)),
        # Letters of one script, until a sign that no text has.
        (struct.pack("<HH", 0xFFFF, 0).join([b""] * 2) + "\u0434".encode("utf-16-le") * 100) * 100 + b"\xff\xff",
    ],
)
def test_what_looks_like_many_lengths_is_read_few_times(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    read = []
    text_of = onenote_files._text
    monkeypatch.setattr(onenote_files, "_text", lambda each: read.append(len(each)) or text_of(each))
    note = "a note about quinces".encode("utf-16-le")
    content = data + bytes(16) + struct.pack("<I", len(note)) + note
    document = onenote_files.read_onenote(content, parts=FileParts())
    assert isinstance(document, Document)
    assert "a note about quinces" in document.text
    assert sum(read) < 10 * len(content)


def test_addresses_of_any_length_are_no_text() -> None:
    picture = "data:image/png;base64," + "AAAA/" * 200_000
    assert list(stated_texts(f'{{"image": "{picture}", "name": "a gull", "url": "a/b.c/d.html"}}')) == ["a gull"]
    # Some scripts have no blanks.
    text = "鸟/" * 200_000
    assert list(stated_texts(f'{{"text": "{text}"}}')) == [text]


def test_a_string_without_an_end_is_searched_once() -> None:
    text = r'{"a": "\\u00e4 ' + r"\"" * 300_000
    assert unescape(text, mime_type="application/json") == '{"a": "ä ' + '"' * 300_000


class CountedFields(camera_files._Fields):
    """Counts what is read."""

    reads = 0

    def number(self, size: int) -> int:
        self.reads += 1
        return super().number(size)


def test_pieces_of_no_size_are_not_counted() -> None:
    items = b"".join(struct.pack(">HHH", number, 0, 0xFFFF) for number in range(5))
    fields = CountedFields(struct.pack(">IHH", 0, 0, 5) + items + bytes(4))
    assert [number for number, _, _ in camera_files._places(fields)] == [0, 1, 2, 3, 4]
    assert fields.reads < 100


@pytest.mark.parametrize("start", [b"<x:xmpmeta ", b"/Text (\xfe\xff"])
def test_parts_of_a_picture_that_only_begin_are_passed_over(start: bytes) -> None:
    content = start * 500_000 + b")" + b"<x:xmpmeta>a</x:xmpmeta>/Text (\xfe\xff\0s\0e\0a)"
    assert photoshop_files.xmp_of(content).endswith(b"a</x:xmpmeta>")
    assert "sea" in list(photoshop_files.layer_lines(content))


def test_texts_of_a_publication_are_no_longer_than_it() -> None:
    text = "Sommerfest ".encode("utf-16-le") * 500
    entries = struct.pack("<H4s6s4sII", 24, b"TEXT", b"", b"TEXT", 24_512, len(text)) * 1000
    table = b"CHNKINK ".ljust(32, b"\0") + entries
    stored = table.ljust(24_512, b"\0") + text
    document = publisher_files.read_publication(
        compound_file({"Quill/QuillSub/CONTENTS": stored}), mime_type=publisher_files.PUBLISHER_TYPE
    )
    assert isinstance(document, Document)
    assert "Sommerfest" in document.text
    assert len(document.text) < len(stored)


def test_sizes_that_reach_far_are_passed_over() -> None:
    """Each of them is that of half of the file."""
    sizes = struct.pack("<H", 30) * 2_000_000
    plan = compound_file({"Props12": bytes(64), "112/TBkndTask/Var2Data": sizes})
    began = time.process_time()
    assert read_project(plan, parts=FileParts()) == Unreadable(SkipReason.NO_TEXT)
    assert time.process_time() - began < 10


def labels_of_stata(table: bytes) -> bytes:
    """A data set whose labels of values are in another table."""
    content = old_stata(114, "<")
    return content[: content.rindex(b"sexes") - 4] + struct.pack("<i33s3x", len(table), b"sexes") + table


def test_values_that_share_a_label_are_no_longer_than_the_file() -> None:
    content = labels_of_stata(struct.pack("<2i", 2000, 16_001) + bytes(16_000) + b"a" * 16_000 + b"\0")
    document = read_stata(content, parts=(parts := FileParts()))
    assert isinstance(document, Document)
    assert "0 = aaaa" in document.text
    assert len(document.text) < len(content)
    assert parts.unread is not None


def test_a_table_of_labels_whose_size_leads_back_is_read_once() -> None:
    content = bytearray(labels_of_stata(bytes(88)))
    place = content.rindex(b"sexes") - 4
    # Each leads to the other: a negative place counts from the end.
    struct.pack_into("<i", content, place, -8 - (place + 40))
    struct.pack_into("<i", content, len(content) - 8, place - 32)
    content[32:40] = bytes(8)
    document = read_stata(bytes(content), parts=FileParts())
    assert isinstance(document, Document)
    assert "SEX: Geschlecht" in document.text


def test_many_short_texts_in_an_unknown_charset_are_decoded_at_once() -> None:
    """A look at a text that shows its charset takes a while."""
    texts = plistlib.dumps([f"{number:05} ------" for number in range(30_000)], fmt=plistlib.FMT_BINARY)
    content = texts.replace(b"------", "жалоба".encode("cp1251"))
    began = time.process_time()
    document = read_plist(content, parts=FileParts())
    assert time.process_time() - began < 5
    assert document.text.endswith("29999 жалоба")


def test_tracks_that_share_a_text_are_read_until_the_file_is_read_once() -> None:
    text = struct.pack(">H", 3000) + b"tern " * 600

    def full(kind: bytes, *numbers: int) -> bytes:
        return atom(kind, struct.pack(f">{len(numbers) + 1}I", 0, *numbers))

    table = full(b"stco", 1000, *[8] * 1000) + full(b"stsc", 1, 1, 1, 1) + full(b"stsz", len(text), 1000)
    media = atom(b"hdlr", bytes(8) + b"sbtl" + bytes(13)) + atom(b"minf", atom(b"stbl", table))
    content = atom(b"free", text) + atom(b"moov", atom(b"trak", atom(b"mdia", media)) * 3)
    texts = [each for _, each in spoken_texts.mp4_texts(content)]
    assert texts[0] == "tern " * 600
    assert sum(map(len, texts)) <= len(content)


def test_a_heading_of_any_level_is_read() -> None:
    cell = f'{{"cell_type": "heading", "level": {10**20}, "source": "Reeds"}}'
    document = notebooks.read_notebook(f'{{"worksheets": [{{"cells": [{cell}]}}]}}'.encode())
    assert isinstance(document, Document)
    assert document.text == "###### Reeds"


def test_a_link_that_only_begins_is_passed_over() -> None:
    asides: list[str] = []
    assert without_markup("](" + " " * 1_000_000 + "[b](  c  'd'  )", asides) == "](" + " " * 1_000_000 + "[b"
    assert asides == ["c 'd'"]


def test_authors_without_a_name_take_no_memory() -> None:
    table = bytes(4 << 20)
    main = bytearray(450)
    for place, size in ((186, 38), (194, 8), (442, len(table))):
        struct.pack_into("<II", main, place, 0, size)
    tracemalloc.start()
    assert word_comments.authors_of_comments(bytes(main), table) == {}
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 2 * len(table)


@pytest.mark.parametrize(
    ("before", "repeated", "behind"),
    [
        (b"", b"<template>", b""),
        (b"", b"<xfa:data>", b""),
        (b"<template>", b"<keep>", b"</template>"),
        (b"<template>", b"<items>", b"</template>"),
        (b"<template>", b"<text>a", b"</template>"),
        (b"<template>", b"<items><text>", b"</template>"),
    ],
    ids=["templates", "data", "not shown", "lists", "texts", "texts in lists"],
)
def test_ends_that_are_missing_in_a_form_are_searched_once(before: bytes, repeated: bytes, behind: bytes) -> None:
    form = before + repeated * (1_000_000 // len(repeated)) + behind
    whole = b"<template><text>a heron</text></template><data>a gull</data>"
    assert list(xfa_texts(whole + form)) == ["a heron", "a gull"]
