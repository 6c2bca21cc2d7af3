"""The words in a vector drawing, without its geometry. Runs in the child process."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from magicfs.domain.contents import Document

MIME_TYPE = "image/svg+xml"

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_WORDED = frozenset(prefix + name for name in ("title", "desc", "text", "foreignObject") for prefix in ("", _NAMESPACE))


def read(content: bytes) -> Document:
    """Return what a drawing says. Raises `ET.ParseError` for damage and for entities that expand without end."""
    drawing = ET.fromstring(content)  # noqa: S314  (see above)
    texts = [" ".join("".join(element.itertext()).split()) for element in drawing.iter() if element.tag in _WORDED]
    title = drawing.findtext(_NAMESPACE + "title") or drawing.findtext("title")
    return Document(text="\n".join(text for text in texts if text), mime_type=MIME_TYPE, title=title)
