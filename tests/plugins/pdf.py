"""PDF files for tests, written by hand: pages with a text layer, scanned ones, and what stands beside the pages."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from magicfs.text.extract.pdf.pdf_text import PdfFile
from magicfs.text.extract.pdf.shown_pictures import Box

WIDTH, HEIGHT = 612, 792
DPI = 150


@dataclass(frozen=True)
class Scan:
    """A page that is a picture of these lines, with a text layer of one line over it if there is a stamp."""

    text: str
    stamp: str = ""
    share: float = 1.0
    """The share of the page's width and height that the picture takes."""
    piece: tuple[int, int] = (0, 1)
    """Which piece of the picture it is, of how many, from the top down: programs cut pictures."""


@dataclass(frozen=True)
class Page:
    """A page with a text layer of small lines at its top, over pictures at its lower left corner."""

    text: str
    pictures: tuple[Scan, ...]


@dataclass(frozen=True)
class Drawing:
    """A page with these instructions of PDF; `/F` is a font."""

    instructions: str


def pdf_file(*pages: str | Scan | Drawing | Page) -> bytes:
    """A PDF file with these pages; a string is a page with a text layer."""
    objects = {1: b"<</Type/Catalog/Pages 2 0 R>>", 3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"}
    kids = []
    for number, page in enumerate(pages):
        kid, content, picture = (4 + 3 * number + offset for offset in range(3))
        kids.append(b"%d 0 R" % kid)
        if isinstance(page, Scan):
            objects[picture] = _picture(page)
            drawing = b"q %d 0 0 %d 0 0 cm /I Do Q" % (page.share * WIDTH, page.share * HEIGHT)
            drawing += b" BT /F 20 Tf 50 740 Td (%s) Tj ET" % page.stamp.encode("ascii") if page.stamp else b""
            resources = b"/XObject<</I %d 0 R>>/Font<</F 3 0 R>>" % picture
        elif isinstance(page, Page):
            first = 4 + 3 * len(pages) + 100 * number
            objects |= {first + place: _picture(scan) for place, scan in enumerate(page.pictures)}
            shown = b" ".join(b"(%s) Tj T*" % line.encode("ascii") for line in page.text.splitlines())
            drawing = b" ".join(_placed(scan, b"/I%d" % place) for place, scan in enumerate(page.pictures))
            drawing += b" BT /F 10 Tf 14 TL 50 760 Td " + shown + b" ET"
            names = b"".join(b"/I%d %d 0 R" % (place, first + place) for place in range(len(page.pictures)))
            resources = b"/XObject<<%s>>/Font<</F 3 0 R>>" % names
        elif isinstance(page, Drawing):
            drawing, resources = page.instructions.encode("ascii"), b"/Font<</F 3 0 R>>"
        else:
            shown = b" ".join(b"(%s) Tj T*" % line.encode("ascii") for line in page.splitlines())
            drawing = b"BT /F 20 Tf 24 TL 50 700 Td " + shown + b" ET"
            resources = b"/Font<</F 3 0 R>>"
        objects[kid] = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources<<%s>>>>" % (
            WIDTH, HEIGHT, content, resources,
        )  # fmt: skip
        objects[content] = _stream(b"", drawing)
    objects[2] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(kids), len(kids))
    return _file(b"%PDF-1.5\n", objects)


def pdf_of_objects(objects: list[bytes]) -> bytes:
    """A PDF file of these objects, numbered from 1; the first is its catalogue."""
    return _file(b"%PDF-1.4\n", dict(enumerate(objects, 1)))


def _file(head: bytes, objects: dict[int, bytes]) -> bytes:
    """A file of numbered objects; the first is its catalogue."""
    parts, length, table = [head], len(head), {}
    for number, body in sorted(objects.items()):
        table[number] = length
        parts.append(b"%d 0 obj%s\nendobj\n" % (number, body))
        length += len(parts[-1])
    size = max(objects) + 1
    rows = [b"%010d 00000 n \n" % table[n] if n in table else b"0000000000 65535 f \n" for n in range(size)]
    parts.append(b"xref\n0 %d\n%s" % (size, b"".join(rows)))
    parts.append(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, length))
    return b"".join(parts)


def pdf_with_parts(text: str, *, fields: dict[str, str], note: str = "", outline: str = "") -> bytes:
    """A PDF file of one page with form fields, a note on the page, and one title of an outline."""
    widgets = [
        b"<</Type/Annot/Subtype/Widget/FT/Tx/T(%s)/V(%s)/Rect[0 0 9 9]>>" % (name.encode(), value.encode())
        for name, value in fields.items()
    ]
    annotations = widgets + [b"<</Type/Annot/Subtype/Text/Contents(%s)/Rect[0 0 9 9]>>" % note.encode()] * bool(note)
    numbers = b" ".join(b"%d 0 R" % number for number in range(7, 7 + len(annotations)))
    return pdf_of_objects(
        [
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%s]>>/Outlines<</First 6 0 R>>>>"
            % b" ".join(b"%d 0 R" % number for number in range(7, 7 + len(widgets))),
            b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Resources<</Font<</F 3 0 R>>>>/Contents 5 0 R/Annots[%s]>>"
            % (WIDTH, HEIGHT, numbers),
            _stream(b"", b"BT /F 20 Tf 50 700 Td (%s) Tj ET" % text.encode("ascii")),
            b"<</Title(%s)>>" % outline.encode(),
            *annotations,
        ]
    )


def pdf_with_button(caption: str) -> bytes:
    """A PDF file of one page that shows nothing but a button."""
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 300 40]/Resources<</Font<</F 3 0 R>>>>"
    return pdf_of_objects(
        [
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]>>>>",
            b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Annots[5 0 R]>>" % (WIDTH, HEIGHT),
            b"<</Type/Annot/Subtype/Widget/FT/Btn/Ff 65536/F 4/T(b)/Rect[50 600 350 640]/AP<</N 6 0 R>>>>",
            _stream(form, b"BT /F 20 Tf 5 10 Td (%s) Tj ET" % caption.encode("ascii")),
        ]
    )


def pdf_whose_page_never_ends(*pages: str, depth: int = 30) -> bytes:
    """A PDF file of pages with a text layer, the second of which draws forms that draw forms, 2 ** `depth` in all."""
    first = 4 + 2 * len(pages)
    kids, objects = [], []
    for number, text in enumerate(pages):
        kid = 4 + 2 * number
        kids.append(b"%d 0 R" % kid)
        resources = b"/XObject<</X %d 0 R>>" % first if number == 1 else b"/Font<</F 3 0 R>>"
        drawing = b"/X Do" if number == 1 else b"BT /F 20 Tf 50 700 Td (%s) Tj ET" % text.encode("ascii")
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources<<%s>>>>"
            % (WIDTH, HEIGHT, kid + 1, resources),
            _stream(b"", drawing),
        ]
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 %d %d]/Resources<<" % (WIDTH, HEIGHT)
    for number in range(first, first + depth):
        objects.append(_stream(form + b"/XObject<</X %d 0 R>>>>" % (number + 1), b"/X Do /X Do"))
    objects.append(_stream(form + b"/Font<</F 3 0 R>>>>", b"BT /F 20 Tf 50 700 Td (never) Tj ET"))
    head = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(kids), len(kids)),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    return pdf_of_objects(head + objects)


def _stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data), dictionary, data)


def _placed(scan: Scan, name: bytes) -> bytes:
    """The instructions that show a picture, or a piece of one."""
    number, pieces = scan.piece
    height = scan.share * HEIGHT / pieces
    return b"q %f 0 0 %f 0 %f cm %s Do Q" % (scan.share * WIDTH, height, (pieces - 1 - number) * height, name)


def _picture(scan: Scan) -> bytes:
    """An image object of the drawn page: PDF stores pictures as PNG does."""
    png = _drawn(scan.text, scan.piece)
    width, height, depth, kind = struct.unpack("!IIBB", png[16:26])
    assert (depth, kind) == (8, 2), "a picture in RGB"
    data = b"".join(content for name, content in _png_chunks(png) if name == b"IDAT")
    shape = b"/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8" % (width, height)
    coding = b"/Filter/FlateDecode/DecodeParms<</Predictor 15/Colors 3/Columns %d>>" % width
    return _stream(b"/Type/XObject/Subtype/Image" + shape + coding, data)


@lru_cache(maxsize=64)
def _drawn(text: str, piece: tuple[int, int]) -> bytes:
    number, pieces = piece
    height = HEIGHT / pieces
    box = None if pieces == 1 else Box(0.0, (pieces - 1 - number) * height, WIDTH, (pieces - number) * height)
    with PdfFile(pdf_file(text)) as file:
        return file.draw(0, dpi=DPI, max_pixels=HEIGHT * DPI, box=box)


def _png_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 8
    while position < len(png):
        length, name = struct.unpack("!I4s", png[position : position + 8])
        yield name, png[position + 8 : position + 8 + length]
        position += 12 + length


def pdf_with_many_annotations(text: str, *, count: int = 60_000) -> bytes:
    """A PDF file of one page with as many annotations, all in one object stream: pypdf walks through it for each."""
    numbers = range(6, 6 + count)
    bodies = b"<</Type/Annot/Subtype/Text/Rect[0 0 9 9]>>"
    head = b" ".join(b"%d %d" % (number, at * (len(bodies) + 1)) for at, number in enumerate(numbers)) + b"\n"
    packed = zlib.compress(head + b" ".join([bodies] * count))
    annotations = b" ".join(b"%d 0 R" % number for number in numbers)
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1"
    )
    page += b"/BaseFont/Helvetica>>>>>>/Annots[%s]>>"
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: page % (WIDTH, HEIGHT, annotations),
        4: _stream(b"", b"BT /F 20 Tf 50 700 Td (%s) Tj ET" % text.encode("ascii")),
        5: _stream(b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (count, len(head)), packed),
    }
    body, places = b"%PDF-1.5\n", {}
    for number, content in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj%s\nendobj\n" % (number, content)
    table = 6 + count
    rows = [b"\0\0\0\0\0\xff\xff", *(b"\1" + places[number].to_bytes(4) + b"\0\0" for number in objects)]
    rows += [b"\2" + (5).to_bytes(4) + at.to_bytes(2) for at in range(count)]
    rows.append(b"\1" + len(body).to_bytes(4) + b"\0\0")
    keys = b"/Type/XRef/W[1 4 2]/Size %d/Root 1 0 R/Filter/FlateDecode" % (table + 1)
    end = b"\nendobj\nstartxref\n%d\n%%%%EOF" % len(body)
    return body + b"%d 0 obj%s" % (table, _stream(keys, zlib.compress(b"".join(rows)))) + end
