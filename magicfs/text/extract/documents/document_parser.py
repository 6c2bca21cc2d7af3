"""The `Parser` of the child process: gives each file to the reader of its type.

kreuzberg reads most formats; the readers in `own_readers` are for what it does not read. A file in a file, such as an
attachment, comes back here from `files_inside`. One thread.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.archives.archive_members import is_archive
from magicfs.text.extract.archives.archives import read_archive
from magicfs.text.extract.archives.compressed_files import CompressedFile, decompress_file
from magicfs.text.extract.archives.library_members import LIBRARY_TYPES, has_library
from magicfs.text.extract.detect import detect
from magicfs.text.extract.documents import container, xml_documents
from magicfs.text.extract.documents.access_databases import ACCESS_TYPE, read_access
from magicfs.text.extract.documents.document_parts import with_document_parts
from magicfs.text.extract.documents.document_pictures import reader_of_pictures, with_pictures
from magicfs.text.extract.documents.extended_documents import with_unread_parts
from magicfs.text.extract.documents.files_inside import FilesInside
from magicfs.text.extract.documents.html_parts import HTML_TYPES
from magicfs.text.extract.documents.inline_pictures import has_pictures, without_pictures
from magicfs.text.extract.documents.kreuzberg_parser import KreuzbergParser
from magicfs.text.extract.documents.mobipocket import MOBIPOCKET_TYPE, read_book
from magicfs.text.extract.documents.nested_pages import has_too_many_tags, is_nested_deeply, read_nested_page
from magicfs.text.extract.documents.own_readers import read_own_format
from magicfs.text.extract.documents.pictures import read_picture
from magicfs.text.extract.documents.readable_form import readable_form
from magicfs.text.extract.documents.running_text import read_running_text
from magicfs.text.extract.documents.sqlite_databases import DATABASE_TYPE, read_database
from magicfs.text.extract.file_types import FileType, Route
from magicfs.text.extract.mail.mail import MAILBOX_TYPE, MESSAGE_TYPE, MailReader, is_part_of_mail
from magicfs.text.extract.mail.mail_decoding import load_charsets
from magicfs.text.extract.mail.mail_pictures import PACKED_MAIL, READ_AGAIN, TYPES_OF_MAIL, AttachedPictures
from magicfs.text.extract.mail.outlook_stores import STORE_TYPE, read_store
from magicfs.text.extract.mail.signed_files import SIGNED_TYPE, signed_content
from magicfs.text.extract.media import picture_metadata
from magicfs.text.extract.media.recordings import read_recording
from magicfs.text.extract.options import Limits
from magicfs.text.extract.parsed import Parsed, PartialDocument
from magicfs.text.extract.pdf import pdf_text
from magicfs.text.extract.pdf.open_file import OpenFile
from magicfs.text.extract.pdf.pdf_documents import with_pdf_parts
from magicfs.text.extract.pdf.text_layers import KnownLayers, read_pdf
from magicfs.text.extract.plain.plain_text import clean
from magicfs.text.extract.process.page_reader import Pages

_XML_READERS: Final[dict[str, Callable[[bytes], Document | Unreadable]]] = {
    xml_documents.SVG_TYPE: xml_documents.read_svg,
    picture_metadata.SIDECAR_TYPE: picture_metadata.read_sidecar,
}

_DATABASES: Final = {DATABASE_TYPE: read_database, ACCESS_TYPE: read_access}

_PDF_TIME_SHARE: Final = 0.1
"""The share of a file's time in which the parts of a PDF file are read."""
_PARTS_TIME_SHARE: Final = 0.5
"""The share of a file's time in which files inside of it are read."""
_TIME_SHARE: Final = 0.8
"""The share of a file's time after which its reader stops, so that what was read is kept."""
_PICTURE_TIME_SHARE: Final = 0.2
"""The share of a file's time in which strips of a long page or picture are begun: see `LEAST_PAGE_SHARE`."""
_LOADED_LATE: Final = ("pypdf.filters", "pypdf._codecs._codecs", "cryptography.hazmat.backends.openssl.backend")
"""The modules that libraries load when a file needs them."""


class DocumentParser:
    """Reads files of every type that needs a parser."""

    def __init__(self, kreuzberg: KreuzbergParser, *, limits: Limits) -> None:
        self._kreuzberg = kreuzberg
        self._limits = limits
        self._layers = KnownLayers()
        self._inside = FilesInside(self._parse)
        self._started = 0.0

    def warm_up(self) -> None:
        """Load what the libraries load late: the process cannot read it any more behind its walls."""
        load_charsets()
        for module in _LOADED_LATE:
            with contextlib.suppress(ImportError):  # another version of the library may have no such module
                importlib.import_module(module)
        has_library()
        picture_metadata.warm_up()
        pdf_text.warm_up()
        self._kreuzberg.warm_up()

    def __call__(self, content: bytes | OpenFile, mime_type: str) -> Parsed:
        """The text of a file of the detected type, or why there is none. One that is not in memory is read by ranges.

        May raise any exception of the libraries; the caller reports a damaged file.
        """
        self._begin(time.monotonic())
        outcome = (
            self._read_open(content, mime_type) if isinstance(content, OpenFile) else self._parse(content, mime_type)
        )
        attached = self._inside.attached
        if attached is not None and isinstance(outcome, Document):
            outcome = replace(outcome, pictures=attached.found(first_message=outcome.first_page or 1))
        return with_unread_parts(outcome, self._inside.parts.unread)

    @property
    def is_spent(self) -> bool:
        """Whether kreuzberg has failed in a way after which it should read no other file."""
        return self._kreuzberg.has_panicked

    def open_pages(self, descriptor: int, mime_type: str) -> Pages:
        """The pages of an open PDF file, or the pictures of another document: see `KreuzbergParser`."""
        seconds = self._limits.seconds * _PICTURE_TIME_SHARE
        if mime_type == pdf_text.PDF_TYPE:
            return self._kreuzberg.open_pages(descriptor, seconds=seconds)
        content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        form = readable_form(content, mime_type)
        in_archive = form.exact_type == container.ARCHIVE or is_archive(form.mime_type)
        if form.exact_type not in TYPES_OF_MAIL and not in_archive:
            read = reader_of_pictures(form.content, form.exact_type)
        else:
            attached = AttachedPictures(keeps_bytes=True)
            self._begin(time.monotonic() if in_archive else math.inf, attached=attached)
            self._parse(form.content, form.mime_type)
            read = attached.read
        return self._kreuzberg.open_pictures(read, seconds=seconds)

    def _begin(self, started: float, *, attached: AttachedPictures | None = None) -> None:
        """Begin a file at a moment on the monotonic clock; one that began at infinity has any time."""
        self._started = started
        self._inside.begin(until=self._until(_PARTS_TIME_SHARE), attached=attached)

    def _until(self, share: float) -> float:
        """When a share of the file's time is over, on the monotonic clock."""
        return self._started + self._limits.seconds * share

    def _read_open(self, file: OpenFile, mime_type: str) -> Parsed:
        """The text of a file that is not in memory."""
        if mime_type == STORE_TYPE:
            return self._read_store(file)
        outcome = read_pdf(file)
        if isinstance(outcome, Unreadable):
            return outcome
        until = time.monotonic() + self._limits.seconds * _PDF_TIME_SHARE
        return with_pdf_parts(outcome, file, until=until, parts=self._inside.parts)

    def _parse(self, content: bytes, mime_type: str) -> Parsed:
        of_container = self._parse_container(content, mime_type)
        if of_container is not None:
            return of_container
        content, mime_type, exact = readable_form(content, mime_type)
        if isinstance(exact, Unreadable):
            return self._read_archive(content, mime_type) if exact == container.ARCHIVE else exact
        if exact in PACKED_MAIL:
            with self._inside.holder():
                return self._parse_here(content, exact) or Unreadable(SkipReason.NO_TEXT)
        attached = self._inside.pictures_of_document
        if attached is not None:
            attached.add_document(content, exact)
        encoded = 0
        if self._inside.wants_pictures_alone and exact not in READ_AGAIN:
            is_pdf = exact == pdf_text.PDF_TYPE and attached is not None and not attached.is_full
            outcome = self._layers.read(content) if is_pdf else Unreadable(SkipReason.NO_TEXT)
        else:
            text, encoded = without_pictures(content, exact) if has_pictures(content, exact) else (content, 0)
            outcome = self._parse_here(text, exact) or self._parse_by_library(text, mime_type, exact)
        if attached is not None:
            attached.add_pages(content, outcome)
        if isinstance(outcome, PartialDocument) or not self._inside.is_outermost:
            return outcome
        outcome = with_pictures(outcome, content, exact)
        return replace(outcome, encoded_characters=encoded) if isinstance(outcome, Document) else outcome

    def _parse_by_library(self, content: bytes, mime_type: str, exact_type: str) -> Parsed:
        """The outcome for PDF files and what kreuzberg reads, with what they have beside their text.

        Pages of HTML that it cannot read are read as a whole.
        """
        if exact_type == pdf_text.PDF_TYPE:
            outcome = self._layers.read(content)
        elif exact_type in HTML_TYPES and (has_too_many_tags(content) or is_nested_deeply(content)):
            return read_nested_page(content, exact_type)
        else:
            outcome = read_running_text(content, exact_type, library=self._kreuzberg, parts=self._inside.parts)
        if mime_type == container.ZIP and isinstance(outcome, Unreadable) and outcome.reason is SkipReason.BINARY:
            return self._read_archive(content, mime_type)
        seconds_of_pdf = self._limits.seconds * _PDF_TIME_SHARE
        return with_document_parts(
            outcome, content, exact_type, seconds_of_pdf=seconds_of_pdf, parts=self._inside.parts
        )

    def _parse_here(self, content: bytes, exact_type: str) -> Document | Unreadable | None:
        """The outcome for documents that kreuzberg does not read, or not well; None for any other."""
        if exact_type == MOBIPOCKET_TYPE:
            return self._read_book(content)
        if (read_tables := _DATABASES.get(exact_type)) is not None:
            return read_tables(content, parts=self._inside.parts, max_characters=self._limits.text_bytes)
        if exact_type == SIGNED_TYPE:
            return self._read_signed(content)
        if exact_type == STORE_TYPE:
            return self._read_store(content)
        outcome = read_own_format(content, exact_type, parts=self._inside.parts)
        if exact_type == container.XMIND and isinstance(outcome, Document) and not outcome.text:
            return self._read_archive(content, container.ZIP)
        return outcome

    def _read_book(self, content: bytes) -> Document | Unreadable:
        """The text of a book that is one page of HTML, or plain."""
        book = read_book(content)
        if isinstance(book, Unreadable):
            return book
        if not book.is_html:
            return Document(text=clean(book.text.decode("utf-8")), mime_type=MOBIPOCKET_TYPE, title=book.title)
        page = self._parse(book.text, "text/html")
        if not isinstance(page, Document):
            return page.document if isinstance(page, PartialDocument) else page
        stated = replace(page, title=book.title, author=book.author, keywords=book.keywords)
        return replace(stated, mime_type=MOBIPOCKET_TYPE, pictures=())

    def _read_store(self, source: bytes | OpenFile) -> Document | Unreadable:
        """The texts of the items of a file of Outlook."""
        until = self._until(_TIME_SHARE)
        return read_store(source, parts=self._inside.parts, max_bytes=self._limits.text_bytes, until=until)

    def _read_signed(self, content: bytes) -> Document | Unreadable:
        """The text of a file or a message that was signed."""
        signed = signed_content(content)
        if isinstance(signed, Unreadable):
            return signed
        inner = FileType(Route.PARSE, MESSAGE_TYPE) if is_part_of_mail(signed) else detect(signed, name=b"")
        text = self._inside.read(signed, b"", inner)
        return Document(text=text, mime_type=inner.mime_type)

    def _parse_container(self, content: bytes, mime_type: str) -> Document | Unreadable | None:
        """The outcome for mail, media and archives, which the detected type tells; None for any other type."""
        if mime_type in {MESSAGE_TYPE, MAILBOX_TYPE}:
            with self._inside.holder():
                return self._read_mail(content, mime_type)
        if mime_type in _XML_READERS:
            return _XML_READERS[mime_type](content)
        if mime_type.startswith("image/"):
            until = self._until(_TIME_SHARE)
            return read_picture(content, mime_type, library=self._kreuzberg, parts=self._inside.parts, until=until)
        if mime_type.startswith(("audio/", "video/")):
            return read_recording(content, mime_type) or Unreadable(SkipReason.BINARY, "sound or a film")
        return self._read_archive(content, mime_type) if is_archive(mime_type) else None

    def _read_archive(self, content: bytes, mime_type: str) -> Document | Unreadable:
        """The text of a compressed file, or of an archive."""
        with self._inside.holder():
            file = decompress_file(content, mime_type)
            document = self._read_compressed(file) if file is not None else None
            return document or self._read_members(content, mime_type, is_damaged=file is not None and file.is_damaged)

    def _read_compressed(self, file: CompressedFile) -> Document | None:
        """The text of a file that was compressed alone; None where nothing is read in it."""
        inner = detect(file.content, name=file.name)
        text = self._inside.read(file.content, file.name, inner)
        if not text and not self._inside.has_pictures_of_outermost:
            return None
        if file.is_damaged:
            self._inside.parts.add_unread("what follows the damage")
        title = file.name.decode("utf-8", "replace") or None
        cut_bytes = file.count_rest(until=self._inside.parts.until)
        return Document(text=text, mime_type=inner.mime_type, title=title, cut_bytes=cut_bytes)

    def _read_members(self, content: bytes, mime_type: str, *, is_damaged: bool) -> Document | Unreadable:
        """The names in an archive, and the texts of the files in a small one.

        `is_damaged` says whether it was compressed, and that is damaged.
        """
        archive = read_archive(
            content,
            mime_type,
            parts=self._inside.parts,
            max_characters=self._limits.text_bytes,
            pictures=self._inside.pictures_of_members,
            is_outermost=self._inside.is_outermost,
        )
        if archive is None and (is_damaged or (mime_type in LIBRARY_TYPES and self._inside.parts.unread is not None)):
            return Unreadable(SkipReason.CORRUPT, "a damaged archive")
        return archive or Unreadable(SkipReason.BINARY, "an archive whose names are not read")

    def _read_mail(self, content: bytes, mime_type: str) -> Document:
        until = self._until(_TIME_SHARE)
        reader = MailReader(self._inside.parts, max_bytes=self._limits.text_bytes, until=until)
        if mime_type == MESSAGE_TYPE:
            return reader.read_message(content)
        attached = self._inside.attached if self._inside.is_outermost else None
        return reader.read_mailbox(content, begin=attached.begin if attached is not None else None)
