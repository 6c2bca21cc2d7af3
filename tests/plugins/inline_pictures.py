"""Documents that keep pictures in themselves and not in files of a container, written by hand for tests."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Sequence

from PIL import Image

from tests.plugins.ole import compound_file, holder, record, record_of_excel, streams_of_presentation, word_97

_STREAM_OF_SLIDES = "Pictures"


def data_url(picture: bytes, kind: str = "png") -> str:
    """The address that is the picture itself."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def page_of(words: str, *pictures: bytes) -> bytes:
    """A web page with pictures in it, one of them in its style, as programs save pages."""
    shown = "".join(f'<p><img alt="shown" src="{data_url(picture)}"></p>' for picture in pictures[1:])
    style = f"<style>:root {{ --first: url('{data_url(pictures[0])}') }}</style>" if pictures else ""
    return f"<html><head><title>Saved</title>{style}</head><body><p>{words}</p>{shown}</body></html>".encode()


def rtf_of(words: str, *pictures: bytes) -> bytes:
    """A document in RTF: the first picture in digits, the second one in bytes, the others as bitmaps."""
    shown = [rb"{\pict{\*\picprop{\sp{\sn n}{\sv v}}}\picw800\pich240\bliptag1 \pngblip", b"\n", b"}"]
    found = b""
    for number, picture in enumerate(pictures):
        if number == 0:
            found += b"".join([*shown[:2], "\n".join(_lines(picture.hex())).encode(), shown[2]])
        elif number == 1:
            found += rb"{\*\shppict{\pict\jpegblip\picw800\bin%d " % len(picture) + picture + b"}}"
        else:
            found += rb"{\pict\dibitmap0\picw800 " + bitmap_of(picture).hex().encode() + b"}"
    return rb"{\rtf1\ansi " + words.encode() + rb"\par " + found + b"the end}"


def _lines(digits: str) -> list[str]:
    return [digits[place : place + 128] for place in range(0, len(digits), 128)]


def bitmap_of(picture: bytes) -> bytes:
    """A picture as documents keep bitmaps: without the head of a file."""
    target = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("P", palette=Image.Palette.ADAPTIVE, colors=16).save(target, "BMP")
    return target.getvalue()[14:]


def drawn(picture: bytes) -> bytes:
    """The record of a picture in an old document of Office."""
    digest = bytes(16)
    if picture.startswith(b"\x89PNG"):
        return record(0xF01E, digest + b"\xff" + picture, instance=0x6E0)
    if picture.startswith(b"\xff\xd8"):
        return record(0xF01D, digest * 2 + b"\xff" + picture, instance=0x46B)
    return record(0xF01F, digest + b"\xff" + picture, instance=0x7A8)


def old_document_of(words: str, *pictures: bytes) -> bytes:
    """A document of Word 97 with pictures in its text."""
    return word_97(words, streams={"Data": b"".join(bytes(68) + drawn(picture) for picture in pictures)})


def old_workbook_of(words: str, *pictures: bytes) -> bytes:
    """A workbook of Excel 97 with a cell and pictures, which go on in several records."""
    group = holder(0xF000, holder(0xF001, *(record(0xF007, bytes(36) + drawn(picture)) for picture in pictures)))
    pieces = [group[place : place + 8224] for place in range(0, len(group), 8224)]
    begin = struct.pack("<HHII", 0x0600, 5, 0, 0) + bytes(4)
    sheet = struct.pack("<HHII", 0x0600, 0x10, 0, 0) + bytes(4)
    text = words.encode("latin-1")
    cell = struct.pack("<HHHHB", 0, 0, 0, len(text), 0) + text
    drawing = record_of_excel(0x00EB, pieces[0]) + b"".join(record_of_excel(0x003C, piece) for piece in pieces[1:])
    name = b"Stock"

    def book(place: int) -> bytes:
        listed = struct.pack("<IHBB", place, 0, len(name), 0) + name
        return record_of_excel(0x0809, begin) + record_of_excel(0x0085, listed) + drawing + record_of_excel(0x000A, b"")

    stream = book(len(book(0))) + record_of_excel(0x0809, sheet) + record_of_excel(0x0204, cell)
    return compound_file({"Workbook": stream + record_of_excel(0x000A, b"")})


def old_presentation_of(*slides: tuple[str, Sequence[bytes]]) -> bytes:
    """A presentation of PowerPoint 97: the words and the pictures of each slide."""
    pictures = list(dict.fromkeys(picture for _, shown in slides for picture in shown))
    stream, stored = b"", []
    for picture in pictures:
        stored.append(record(0xF007, bytes(28) + struct.pack("<II", len(stream), 0), instance=6, version=2))
        stream += drawn(picture)
    parts = []
    for words, shown in slides:
        shapes = [holder(0xF004, holder(0xF00D, record(4000, words.encode("utf-16-le"))))]
        for picture in shown:
            chosen = struct.pack("<HIHI", 0x4104, pictures.index(picture) + 1, 0x0180, 1)
            shapes.append(holder(0xF004, record(0xF00B, chosen, instance=2, version=3)))
        parts.append(holder(1006, holder(1036, *shapes)))
    listed = [record(1011, struct.pack("<IIIII", 2 + n, 0, 0, 256 + n, 0)) for n in range(len(slides))]
    parts.insert(0, holder(1000, holder(1035, holder(0xF000, holder(0xF001, *stored))), holder(4080, *listed)))
    return compound_file({**streams_of_presentation(parts), _STREAM_OF_SLIDES: stream})


def flat_opendocument_of(words: str, *pictures: bytes) -> bytes:
    """An OpenDocument in one piece of XML, with pictures in base64."""
    shown = "".join(
        "<draw:frame><draw:image><office:binary-data>\n"
        + "\n".join(_lines(base64.b64encode(picture).decode()))
        + "\n</office:binary-data></draw:image></draw:frame>"
        for picture in pictures
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><office:document'
        ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
        ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
        ' office:mimetype="application/vnd.oasis.opendocument.text"><office:body><office:text>'
        f"<text:p>{words}</text:p><text:p>{shown}</text:p></office:text></office:body></office:document>"
    ).encode()
