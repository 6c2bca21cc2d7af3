"""Reads what PDF files hold beside their pages' text: values of form fields, and annotations.

Runs in the child process, called by `document_parser`. The only module that imports pypdf; kreuzberg reads the pages.
"""

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import Iterator
from typing import Any, Final

import pypdf

from magicfs.text.extract.plain_text import clean

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # a line for each fault of a damaged file

_MAY_HAVE_PARTS: Final = re.compile(rb"/Annots|/AcroForm|/ObjStm")
"""A file without any of these has neither fields nor annotations; in an object stream, names are compressed."""
_MAX_VALUE_CHARACTERS: Final = 20_000


def pdf_parts(content: bytes, *, until: float) -> dict[int, str]:
    """The values and annotations of each page that has any, by number from 0, until a moment on the monotonic clock.

    May raise any exception of the library.
    """
    if not _MAY_HAVE_PARTS.search(content):
        return {}
    reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
    if reader.is_encrypted:
        return {}
    parts: dict[int, str] = {}
    for number, page in enumerate(reader.pages):
        if time.monotonic() > until:
            break
        texts = dict.fromkeys(text for text in _annotation_texts(page) if text)
        if texts:
            parts[number] = "\n".join(texts)
    return parts


def _annotation_texts(page: Any) -> Iterator[str]:
    for reference in page.get("/Annots") or ():
        annotation = reference.get_object()
        if not isinstance(annotation, pypdf.generic.DictionaryObject):
            continue
        kind = annotation.get("/Subtype")
        if kind == "/Widget":
            yield _field_text(annotation)
        elif kind != "/Link":
            yield _value(annotation.get("/Contents"))
        else:
            action = annotation.get("/A")
            yield _value(action.get_object().get("/URI")) if action is not None else ""


def _field_text(widget: Any) -> str:
    """The name of a form field and its value, which its parent may hold; empty for a field without a value."""
    field, label, value = widget, "", ""
    for _ in range(8):
        label = label or _value(field.get("/TU")) or _value(field.get("/T"))
        value = value or _value(field.get("/V"))
        parent = field.get("/Parent")
        if parent is None:
            break
        field = parent.get_object()
    return f"{label}: {value}" if label and value else value


def _value(value: Any) -> str:
    """A text, a name such as `/Yes`, or a list of texts as one text; empty for anything else."""
    value = value.get_object() if hasattr(value, "get_object") else value
    if isinstance(value, list):
        return ", ".join(filter(None, map(_value, value)))
    if not isinstance(value, str):
        return ""
    return clean(value.lstrip("/"))[:_MAX_VALUE_CHARACTERS].strip()
