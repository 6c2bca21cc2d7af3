"""Files of binary formats for tests, small and written by hand: documents of offices, pictures, songs, archives, mail.

`pdf` has PDF files. Each function returns the bytes of a file.
"""

from __future__ import annotations

import email.message
import io
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from html import escape
from typing import Literal

import lz4.frame
from PIL import ExifTags, Image

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SLIDE = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
DRAWING = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
CONTENT_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OPENDOCUMENT = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
)


def container(members: Mapping[str, str | bytes]) -> bytes:
    """A zip container with these members."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return data.getvalue()


def word_document(text: str = "running text", **parts: str) -> bytes:
    """A `.docx` document; a part is a member such as `header1` or `comments` with one paragraph."""
    members = {
        "[Content_Types].xml": CONTENT_TYPES,
        "word/document.xml": f"<w:document {WORD}><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body>"
        "</w:document>",
    }
    for name, content in parts.items():
        runs = f"<w:r><w:t>{content}</w:t></w:r><w:r><w:br/></w:r>"
        members[f"word/{name}.xml"] = f"<w:root {WORD}><w:p>{runs}</w:p></w:root>"
    return container(members)


def workbook(members: Mapping[str, str], *, names: Iterable[str] = ()) -> bytes:
    """An `.xlsx` workbook with one sheet, these further members and named ranges."""
    defined = "".join(f'<definedName name="{name}">S!$A$1</definedName>' for name in names)
    sheets = f'<sheets><sheet name="S" sheetId="1" r:id="r1" xmlns:r="{_RELATIONS}"/></sheets>'
    return container(
        {
            "[Content_Types].xml": CONTENT_TYPES,
            "_rels/.rels": _relationship("officeDocument", "xl/workbook.xml"),
            "xl/workbook.xml": f"<workbook {SHEET}>{sheets}<definedNames>{defined}</definedNames></workbook>",
            "xl/_rels/workbook.xml.rels": _relationship("worksheet", "worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": f'<worksheet {SHEET}><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
            "</sheetData></worksheet>",
            **members,
        }
    )


def sheet_comments(text: str) -> str:
    """The member of a workbook that holds one comment."""
    comment = f"<comment><text><r><t>{text}</t></r></text></comment>"
    return f"<comments {SHEET}><commentList>{comment}</commentList></comments>"


def presentation(*slides: str | None, notes: str) -> bytes:
    """A `.pptx` presentation of these slides, with the notes of its speaker at the first; None is a missing slide."""

    def slide(tag: str, words: str) -> str:
        body = f"<p:txBody><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:txBody>"
        return f"<p:{tag} {SLIDE} {DRAWING}><p:cSld><p:spTree><p:sp>{body}</p:sp></p:spTree></p:cSld></p:{tag}>"

    numbers = range(1, len(slides) + 1)
    ids = "".join(f'<p:sldId id="{255 + n}" r:id="r{n}" xmlns:r="{_RELATIONS}"/>' for n in numbers)
    members = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": _relationship("officeDocument", "ppt/presentation.xml"),
        "ppt/presentation.xml": f"<p:presentation {SLIDE}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": _relationship("slide", *(f"slides/slide{n}.xml" for n in numbers)),
        "ppt/slides/_rels/slide1.xml.rels": _relationship("notesSlide", "../notesSlides/notesSlide1.xml"),
        "ppt/notesSlides/notesSlide1.xml": slide("notes", notes),
    }
    texts = {f"ppt/slides/slide{n}.xml": words for n, words in zip(numbers, slides, strict=True)}
    return container(members | {name: slide("sld", words) for name, words in texts.items() if words is not None})


def _relationship(kind: str, *targets: str) -> str:
    entries = "".join(
        f'<Relationship Id="r{n}" Type="{_RELATIONS}/{kind}" Target="{target}"/>' for n, target in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}">{entries}</Relationships>'


def text_document(text: str, *, header: str) -> bytes:
    """An `.odt` document with a header on its pages."""
    page = f"<office:master-styles><text:p>{header}</text:p></office:master-styles>"
    body = f"<office:body><office:text><text:p>{text}</text:p></office:text></office:body>"
    return container(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {_OPENDOCUMENT}>{body}</office:document-content>",
            "META-INF/manifest.xml": "<manifest/>",
            "styles.xml": f"<office:document-styles {_OPENDOCUMENT}>{page}</office:document-styles>",
        }
    )


def fiction_book(text: str, *, keywords: str) -> bytes:
    """A book of FictionBook with keywords."""
    about = f"<title-info><book-title>A book</book-title><keywords>{escape(keywords)}</keywords></title-info>"
    return (
        '<?xml version="1.0" encoding="utf-8"?><FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0">'
        f"<description>{about}</description><body><section><p>{escape(text)}</p></section></body></FictionBook>"
    ).encode()


def photograph(
    *, camera: str = "", date: str = "", place: tuple[float, float] | None = None, keywords: str = ""
) -> bytes:
    """A JPEG picture that says by EXIF how it was taken.

    `date` is like `2019:07:03 12:30:00`, `place` a latitude and a longitude in degrees.
    """
    exif = Image.Exif()
    if camera:
        exif[ExifTags.Base.Make], _, exif[ExifTags.Base.Model] = camera.partition(" ")
    if keywords:
        exif[ExifTags.Base.XPKeywords] = keywords.encode("utf-16-le") + b"\0\0"
    if date:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = date
    if place:
        latitude, longitude = place
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {
                1: "N" if latitude >= 0 else "S",
                2: (abs(latitude), 0.0, 0.0),
                3: "E" if longitude >= 0 else "W",
                4: (abs(longitude), 0.0, 0.0),
            }
        )
    return _picture("JPEG", exif=exif)


def picture() -> bytes:
    """A PNG picture that says nothing."""
    return _picture("PNG")


def _picture(image_format: str, **options: object) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, image_format, **options)
    return data.getvalue()


def song(*, title: str = "", artist: str = "", album: str = "", year: str = "", charset: str = "") -> bytes:
    """An MP3 file with ID3 tags, and hardly a sound. With a `charset`, the tags are in it and say Latin-1."""
    tags = {b"TIT2": title, b"TPE1": artist, b"TALB": album, b"TYER": year}
    frames = b"".join(_frame(name, text, charset) for name, text in tags.items() if text)
    size = len(frames)
    header = b"ID3\x03\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return header + frames + b"\xff\xfb\x90\0" + bytes(413)


def _frame(name: bytes, text: str, charset: str) -> bytes:
    body = b"\0" + text.encode(charset) if charset else b"\x01" + text.encode("utf-16")
    return name + len(body).to_bytes(4) + b"\0\0" + body


TarMode = Literal["w", "w:gz", "w:bz2", "w:xz"]
"""Modes of `tarfile` in which archives are written."""


def tar_archive(names: Iterable[str], *, mode: TarMode = "w") -> bytes:
    """A tar archive with members of these names; `mode` is one of `tarfile`."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 5
            archive.addfile(member, io.BytesIO(b"hello"))
    return data.getvalue()


def compressed_with_zstd(content: bytes) -> bytes:
    """A file that is compressed with Zstandard."""
    return zstd.compress(content)


def compressed_with_lz4(content: bytes) -> bytes:
    """A file compressed with LZ4."""
    return bytes(lz4.frame.compress(content))


def mail(text: str, *, subject: str, attachments: Mapping[str, bytes]) -> bytes:
    """A message with attached files, by their names."""
    message = email.message.EmailMessage()
    message["From"], message["Subject"] = "ada@example.org", subject
    message.set_content(text)
    for name, content in attachments.items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()
