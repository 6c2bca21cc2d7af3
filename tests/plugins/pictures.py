"""Pictures of text, and documents that show them, written by hand for tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Final

from PIL import Image, ImageDraw, ImageFont

_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_CONTENT_TYPES: Final = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_ODF: Final = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
)


def picture_of(words: str, *, size: tuple[int, int] = (800, 240), image_format: str = "PNG") -> bytes:
    """A picture in which a person reads the words, as on a screenshot."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((20, 20), words, fill="black", font=ImageFont.load_default(32))
    target = io.BytesIO()
    image.save(target, image_format)
    return target.getvalue()


def long_picture_of(first: str, last: str) -> bytes:
    """A screenshot of a long page, with words at both of its ends: as large as a page, it is not legible."""
    return picture_of("\n".join([first, *[""] * 380, last]), size=(900, 16_000))


def members(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip container with these members."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in parts.items():
            container.writestr(name, content)
    return target.getvalue()


def relations(targets: Mapping[str, tuple[str, str]]) -> str:
    """A member of relationships: the kind and the target of each, by its number."""
    entries = "".join(
        f'<Relationship Id="{key}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{entries}</Relationships>'
    )


def presentation_of(*slides: tuple[str, Sequence[bytes]], more: Mapping[str, str | bytes] | None = None) -> bytes:
    """A `.pptx` presentation: the words and the pictures of each slide, and further members."""
    numbers = range(1, len(slides) + 1)
    ids = "".join(f'<p:sldId id="{255 + number}" r:id="r{number}"/>' for number in numbers)
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": relations({"r1": ("officeDocument", "ppt/presentation.xml")}),
        "ppt/presentation.xml": f'<p:presentation xmlns:p="p" xmlns:r="{_RELATIONS}">'
        f"<p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations({f"r{n}": ("slide", f"slides/slide{n}.xml") for n in numbers}),
    }
    for number, (words, pictures) in zip(numbers, slides, strict=True):
        names = [f"image{number}x{place}.png" for place in range(len(pictures))]
        shown = {f"r{place}": ("image", f"../media/{name}") for place, name in enumerate(names)}
        parts[f"ppt/slides/slide{number}.xml"] = (
            f'<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:spTree>'
            "</p:cSld></p:sld>"
        )
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = relations(shown)
        parts |= {f"ppt/media/{name}": picture for name, picture in zip(names, pictures, strict=True)}
    return members(parts | dict(more or {}))


def word_document_of(
    words: str, *pictures: bytes, header: bytes | None = None, more: Mapping[str, bytes] | None = None
) -> bytes:
    """A `.docx` document with pictures, one in the header of its pages, and further members."""
    names = [f"image{number}.png" for number in range(1, len(pictures) + 1)]
    shown = {f"r{number}": ("image", f"media/{name}") for number, name in enumerate(names)}
    body = f"<w:body><w:p><w:r><w:t>{words}</w:t></w:r></w:p></w:body>"
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": relations({"r1": ("officeDocument", "word/document.xml")}),
        "word/document.xml": f'<w:document xmlns:w="{_WORD}">{body}</w:document>',
        "word/_rels/document.xml.rels": relations(shown),
        **{f"word/media/{name}": picture for name, picture in zip(names, pictures, strict=True)},
    }
    if header is not None:
        parts["word/header1.xml"] = f'<w:hdr xmlns:w="{_WORD}"/>'
        parts["word/_rels/header1.xml.rels"] = relations({"r1": ("image", "media/logo.png")})
        parts["word/media/logo.png"] = header
    return members(parts | dict(more or {}))


def opendocument_of(kind: str, *pages: tuple[str, Sequence[bytes]]) -> bytes:
    """A document of OpenDocument of this kind, `text` or `presentation`, and its pages or paragraphs."""
    pictures = {f"Pictures/{n}x{m}.png": shown for n, (_, all_) in enumerate(pages) for m, shown in enumerate(all_)}
    body = ""
    for number, (words, shown) in enumerate(pages):
        frames = "".join(
            f'<draw:frame><draw:image xlink:href="Pictures/{number}x{place}.png"/></draw:frame>'
            for place in range(len(shown))
        )
        content = f"<text:p>{words}</text:p>{frames}"
        body += f"<draw:page>{content}</draw:page>" if kind == "presentation" else content
    return members(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {_ODF}><office:body><office:{kind}>{body}</office:{kind}>"
            "</office:body></office:document-content>",
            **pictures,
        }
    )


def book_of(words: str, *pictures: bytes) -> bytes:
    """An EPUB book of one page."""
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/><manifest>'
        '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    root = '<rootfiles><rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    return members(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
            f'version="1.0">{root}</container>',
            "book.opf": opf,
            "a.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{words}</p></body></html>',
            **{f"images/plate{number}.png": picture for number, picture in enumerate(pictures)},
        }
    )
