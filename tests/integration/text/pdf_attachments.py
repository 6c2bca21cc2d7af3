"""PDF files with attached files."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pypdf
from pypdf.generic import DictionaryObject, NameObject

from tests.plugins.pdf import pdf_file


def pdf_with_damaged_attachment(files: Mapping[str, bytes], *, outline: str = "") -> bytes:
    """A PDF file of a page with attached files, the first of them damaged; with an entry of an outline if given."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf_file("The page that carries them")))
    if outline:
        writer.add_outline_item(title=outline, page_number=0)
    for name, content in files.items():
        writer.add_attachment(name, content)
    embedded = next(iter(writer.attachment_list)).pdf_object["/EF"]
    assert isinstance(embedded, DictionaryObject)
    stream = embedded["/F"].get_object()
    assert isinstance(stream, DictionaryObject)
    stream[NameObject("/Filter")] = NameObject("/NoSuchFilter")
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()
