"""PDF files for tests, written by hand: pages with a text layer, scanned ones, and what stands beside the pages."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import kreuzberg

WIDTH, HEIGHT = 612, 792
DPI = 150


@dataclass(frozen=True)
class Scan:
    """A page that is a picture of these lines."""

    text: str


@dataclass(frozen=True)
class Drawing:
    """A page with these instructions of PDF; `/F` is a font."""

    instructions: str


def pdf_file(*pages: str | Scan | Drawing) -> bytes:
    """A PDF file with these pages; a string is a page with a text layer."""
    objects = {1: b"<</Type/Catalog/Pages 2 0 R>>", 3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"}
    kids = []
    for number, page in enumerate(pages):
        kid, content, picture = (4 + 3 * number + offset for offset in range(3))
        kids.append(b"%d 0 R" % kid)
        if isinstance(page, Scan):
            objects[picture] = _picture(page)
            drawing = b"q %d 0 0 %d 0 0 cm /I Do Q" % (WIDTH, HEIGHT)
            resources = b"/XObject<</I %d 0 R>>" % picture
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
    body = b"".join(b"%d 0 obj%s endobj\n" % item for item in sorted(objects.items()))
    return b"%PDF-1.5\n" + body + b"trailer<</Root 1 0 R>>\n"


def pdf_of_objects(objects: list[bytes]) -> bytes:
    """A PDF file of these objects, numbered from 1; the first is its catalogue."""
    data = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return data + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1, table, len(objects) + 1, len(data),
    )  # fmt: skip


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


def _stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data), dictionary, data)


def _picture(scan: Scan) -> bytes:
    """An image object of the drawn page: PDF stores pictures as PNG does."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf_file(scan.text))
        file.flush()
        png = kreuzberg.render_pdf_page(file.name, 0, dpi=DPI)
    width, height, depth, kind = struct.unpack("!IIBB", png[16:26])
    assert (depth, kind) == (8, 2), "a picture in RGB"
    data = b"".join(content for name, content in _png_chunks(png) if name == b"IDAT")
    shape = b"/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8" % (width, height)
    coding = b"/Filter/FlateDecode/DecodeParms<</Predictor 15/Colors 3/Columns %d>>" % width
    return _stream(b"/Type/XObject/Subtype/Image" + shape + coding, data)


def _png_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 8
    while position < len(png):
        length, name = struct.unpack("!I4s", png[position : position + 8])
        yield name, png[position + 8 : position + 8 + length]
        position += 12 + length
