"""Zip containers and office files, as small or as large and as wrong as a test wants them."""

from __future__ import annotations

import io
import struct
import zipfile

CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="word/document.xml" Type='
    '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
BODY = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}</w:body></w:document>'


def zipped(members: dict[str, str | bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in members.items():
            container.writestr(name, content)
    return target.getvalue()


def docx(document: str, **more: str | bytes) -> bytes:
    parts = {"[Content_Types].xml": CONTENT_TYPES, "_rels/.rels": RELATIONS, "word/document.xml": document}
    return zipped({**parts, **more})


def opendocument(kind: str, content: str) -> bytes:
    return zipped({"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content})


def paragraphs(count: int) -> str:
    return BODY.format("".join(f"<w:p><w:r><w:t>Paragraph {at} of many.</w:t></w:r></w:p>" for at in range(count)))


def laughs(root: str) -> str:
    """XML of a few hundred bytes that would expand to gigabytes."""
    entities = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 11))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{entities}]>{root.format("&l10;")}'


def with_declared_size(content: bytes, size: int) -> bytes:
    """Change what the central directory says of the size of its last member."""
    changed = bytearray(content)
    struct.pack_into("<I", changed, changed.rfind(b"PK\x01\x02") + 24, size)
    return bytes(changed)
