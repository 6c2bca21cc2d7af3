"""Reads what PDF files hold beside their pages' text: form fields, annotations, titles of the outline, attached files.

Runs in the child process, called by `pdf_documents`, and reads with pypdf. `pdf_text` reads the pages.
"""

from __future__ import annotations

import html
import io
import logging
import re
import time
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import pypdf
from pypdf.errors import DependencyError
from pypdf.generic import DictionaryObject as _Dictionary
from pypdf.generic import StreamObject as _Stream
from pypdf.generic import create_string_object

from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.pdf.open_file import OpenFile
from magicfs.text.extract.pdf.xfa_forms import xfa_texts
from magicfs.text.extract.plain.plain_text import clean
from magicfs.text.extract.process.interruption import interrupted_at, not_interrupted

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # a line for each fault of a damaged file

BESIDE_PAGES: Final = "its fields, annotations and attached files"
"""What a person is told that is missing where none of it could be read, or not all."""
_MAY_HAVE_PARTS: Final = re.compile(rb"/Annots|/AcroForm|/Outlines|/EmbeddedFiles|/ObjStm")
"""A file without any of these has neither fields nor annotations; in an object stream, names are compressed."""
_MAX_VALUE_CHARACTERS: Final = 20_000
_MAX_ENTRIES: Final = 5000
"""Entries of an outline, attached files and fields that are read."""
_PAIR: Final = 2
_MAX_OPTIONS: Final = 50
"""Longer lists are those of countries and the like, which say nothing of a form."""
_BUTTON, _CHOICE = "Btn", "Ch"
_PUSHED: Final = 1 << 16
"""The flag of a button that keeps no value. The captions of others are signs."""
_SIGNED_DAY: Final = re.compile(r"D:(\d{4})(\d\d)(\d\d)")
_SIGNATURE, _STAMP = "Sig", "/Stamp"
_XML: Final = re.compile(r"\s*<\?xml\b")
_TAG: Final = re.compile(r"<[^<>]{0,5000}>")


@lru_cache(maxsize=1)
def opened(source: bytes | OpenFile) -> pypdf.PdfReader | None:
    """The file, which is kept until `opened.cache_clear`: opening may take seconds. None where it needs a password."""
    stream = io.BufferedReader(OpenFile(source.fileno())) if isinstance(source, OpenFile) else io.BytesIO(source)
    reader = pypdf.PdfReader(stream, strict=False)
    return None if reader.is_encrypted and not reader.decrypt("") else reader


def pdf_parts(source: bytes | OpenFile, *, running_text: str | None, until: float, parts: FileParts) -> dict[int, str]:
    """The values and annotations of each page that has any, by number from 0, until a moment on the monotonic clock.

    The first page has those of the whole document too: titles of its outline, names and texts of attached files, and
    values of fields that are on no page, where the running text lacks them; not if there is none. What is damaged, or
    not read in time, is left out and counted. May raise any exception of the library: `DependencyError` for a file that
    is encrypted with AES, which the library alone does not read.
    """
    if isinstance(source, bytes) and not _MAY_HAVE_PARTS.search(source):
        return {}
    found: dict[int, str] = {}
    of_document: list[str] = []
    try:
        # The library may take minutes for a single object of a damaged file.
        with interrupted_at(until):
            reader = opened(source)
            if reader is None:
                return {}
            _read_pages(reader, found, until=until, parts=parts)
            if running_text is not None:
                texts = _document_texts(reader.trailer["/Root"], until=until, parts=parts)
                of_document.extend(islice(texts, _MAX_ENTRIES))
    except TimeoutError:
        parts.add_unread(BESIDE_PAGES, SkipReason.TIMEOUT)
    known = "\n".join([running_text or "", *found.values()])
    more = list(missing_texts(of_document, in_text=known))
    if more:
        found[0] = "\n".join([*filter(None, [found.get(0)]), *more])
    return dict(sorted(found.items()))


def _read_pages(reader: pypdf.PdfReader, found: dict[int, str], *, until: float, parts: FileParts) -> None:
    for number, page in enumerate(reader.pages):
        try:
            texts = dict.fromkeys(text for text in _annotation_texts(page, until=until, parts=parts) if text)
        except DependencyError:
            raise
        except Exception:
            parts.add_unread(f"fields and annotations of page {number + 1}")
            continue
        if texts:
            found[number] = "\n".join(texts)


def _annotation_texts(page: Any, *, until: float, parts: FileParts) -> Iterator[str]:
    for reference in page.get("/Annots") or ():
        annotation = reference.get_object()
        if not isinstance(annotation, _Dictionary):
            continue
        kind = annotation.get("/Subtype")
        if kind == "/Widget":
            yield _field_text(annotation)
            if _field_type(annotation) == _SIGNATURE:
                yield _drawn_text(page, annotation)
        elif kind != "/Link":
            yield from _comment_texts(annotation)
            if kind == _STAMP:
                yield _drawn_text(page, annotation)
            if annotation.get("/FS") is not None:
                yield from _attached_texts(annotation["/FS"], until=until, parts=parts)
        else:
            action = annotation.get("/A")
            yield _value(action.get_object().get("/URI")) if action is not None else ""


def _comment_texts(annotation: Any) -> Iterator[str]:
    """Yield the text of a comment, and who wrote it."""
    text = _value(annotation.get("/Contents")) or _without_tags(_value(annotation.get("/RC")))
    author = _value(annotation.get("/T"))
    yield f"{author}: {text}" if author and text else text


def _drawn_text(page: Any, annotation: Any) -> str:
    """What a signature or a stamp shows, such as the name in the certificate; nothing where that cannot be read."""
    drawing = _resolved(_resolved(annotation.get("/AP")).get("/N"))
    if not isinstance(drawing, _Stream):
        return ""
    try:
        return "\n".join(filter(None, map(str.strip, clean(page.extract_xform_text(drawing)).splitlines())))
    except Exception:  # the other annotations of the page are read all the same
        return ""


def _field_type(widget: Any) -> str:
    """The type of a form field, which its parent may state."""
    return _value(widget.get("/FT")) or _value(_resolved(widget.get("/Parent")).get("/FT"))


def _document_texts(root: Any, *, until: float, parts: FileParts) -> Iterator[str]:
    """Yield what belongs to no page. Each object is visited once, whatever refers to it."""
    names = _resolved(_resolved(root.get("/Names")).get("/EmbeddedFiles"))
    form = _resolved(root.get("/AcroForm"))
    fields = form.get("/Fields")
    if "/XFA" in form:
        yield from xfa_texts(_packets(form["/XFA"]))
    # What is visited last is pushed first.
    pending = [*_list(fields), names, _resolved(root.get("/Outlines")).get("/First")]
    seen: set[int] = set()
    while pending and time.monotonic() < until:
        entry = _resolved(pending.pop())
        if not entry or id(entry) in seen:
            continue
        seen.add(id(entry))
        if "/Title" in entry:
            yield _value(entry["/Title"])
            pending += [entry.get("/Next"), entry.get("/First")]
        elif "/T" in entry or "/V" in entry:
            yield _field_text(entry)
        else:
            for specification in _list(entry.get("/Names")):
                yield from _attached_texts(specification, until=until, parts=parts)
        pending += _list(entry.get("/Kids"))


def _packets(form: Any) -> bytes:
    """The XML of a form of Adobe's designer, which is a stream, or a list of names and streams."""
    streams = [part.get_object() for part in _list(form) or [form]]
    return b"".join(stream.get_data() for stream in streams if isinstance(stream, _Stream))


def _attached_texts(specification: Any, *, until: float, parts: FileParts) -> Iterator[str]:
    """Yield the name of an attached file, and its text if there is time. Of XML, such as an invoice, its values."""
    name = _file_name(specification)
    yield name
    files = _resolved(_resolved(specification).get("/EF"))
    stream = files.get("/UF") or files.get("/F")
    if stream is None:
        return
    if time.monotonic() > until:
        parts.add_unread(name, SkipReason.TIMEOUT)
        return
    try:
        content = stream.get_object().get_data()
    except Exception:  # a damaged attachment costs its own text only
        parts.add_unread(name)
        return
    with not_interrupted():
        text = parts.read(content, name.encode("utf-8", "replace"))
    if _XML.match(text):
        text = _TAG.sub("\n", text)
    yield "\n".join(filter(None, map(str.strip, text.splitlines())))


def _field_text(widget: Any) -> str:
    """The name of a form field and its value, which its parent may hold, and what else it says.

    That is the caption of a button, what a list lets choose, or who has signed, why and where. Empty for a field that
    is empty.
    """
    field, label, value, kind, flags, options, signed = widget, "", "", "", 0, None, ""
    for _ in range(8):
        label = label or _value(field.get("/TU")) or _value(field.get("/T"))
        value = value or _value(field.get("/V"))
        signed = signed or _signature_text(field.get("/V"))
        kind = kind or _value(field.get("/FT"))
        flags = flags or field.get("/Ff") or 0
        options = options or field.get("/Opt")
        parent = field.get("/Parent")
        if parent is None:
            break
        field = parent.get_object()
    pairs = [_option(option) for option in _list(options)] if kind == _CHOICE else []
    shown = signed or next((f"{text} ({sent})" for sent, text in pairs if value == sent != text), value)
    said = [f"{label}: {shown}" if label and shown else shown]
    if kind == _BUTTON and int(flags) & _PUSHED:
        said.append(_value(_resolved(widget.get("/MK")).get("/CA")))
    if len(pairs) <= _MAX_OPTIONS:
        said += [text for sent, text in pairs if value != sent]
    return "\n".join(filter(None, said))


def _option(option: Any) -> tuple[str, str]:
    """What a form sends for an option, and what a person reads: `/Opt` has pairs of them, or one text for both."""
    pair = [_value(item) for item in _list(option)]
    return (pair[0], pair[1]) if len(pair) == _PAIR else (_value(option), _value(option))


def _signature_text(value: Any) -> str:
    """Who has signed, why, where and on which day."""
    signature = _resolved(value)
    date = _SIGNED_DAY.match(_value(signature.get("/M")))
    said = [_value(signature.get(key)) for key in ("/Name", "/Reason", "/Location", "/ContactInfo")]
    return ", ".join(filter(None, [*said, "-".join(date.groups()) if date else ""]))


def _file_name(specification: Any) -> str:
    entry = _resolved(specification)
    return _value(entry.get("/UF")) or _value(entry.get("/F"))


def _resolved(value: Any) -> Any:
    """The dictionary that a value is or refers to; an empty one for anything else."""
    value = value.get_object() if hasattr(value, "get_object") else value
    return value if isinstance(value, _Dictionary) else _Dictionary()


def _list(value: Any) -> list[Any]:
    value = value.get_object() if hasattr(value, "get_object") else value
    return list(value) if isinstance(value, list) else []


def _without_tags(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^<>]{0,1000}>", " ", text)).split())


def _value(value: Any) -> str:
    """A text, which may be a stream, a name such as `/Yes`, or a list of texts as one text; empty for anything else."""
    value = value.get_object() if hasattr(value, "get_object") else value
    if isinstance(value, list):
        return ", ".join(filter(None, map(_value, value)))
    if isinstance(value, _Stream):
        value = _decoded(value.get_data()[: 4 * _MAX_VALUE_CHARACTERS])
    if not isinstance(value, str):
        return ""
    return clean(value.lstrip("/"))[:_MAX_VALUE_CHARACTERS].strip()


def _decoded(data: bytes) -> str:
    """The text of a stream, in the charsets that texts of PDF files have."""
    text = create_string_object(data)
    return text if isinstance(text, str) else ""
