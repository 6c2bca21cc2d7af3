"""The program that parses files: it reads requests from the socket that is its standard input, and answers on it.

Started by `sandbox`, never imported by it. It trusts its parent but no file: a native crash here costs this process
and one file. Single-threaded but for the threads of the parser library, one file at a time.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import socket
import sys
import tempfile
import time
from typing import Protocol

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.ipc.framing import Disconnected, Message, receive, receive_descriptor, send
from magicfs.text.extract.documents.stated_metadata import with_statements
from magicfs.text.extract.options import Limits, Ocr, OcrEngine
from magicfs.text.extract.parsed import Parsed, PartialDocument
from magicfs.text.extract.pdf.open_file import OpenFile, expect_reading, has_failed_to_read
from magicfs.text.extract.pdf.page_texts import letters_of_pages, pages_in_order
from magicfs.text.extract.plain.plain_text import truncate
from magicfs.text.extract.process import confine
from magicfs.text.extract.process.answer_messages import (
    MAX_LINE_CHARACTERS,
    as_final,
    encode_document,
    encode_unreadable,
)
from magicfs.text.extract.process.page_reader import PageReader, Pages, Recogniser, unreadable_of


class Parser(Protocol):
    """Extracts the text of files. Its methods may raise any exception."""

    @property
    def is_spent(self) -> bool:
        """Whether it has failed in a way after which it should read no other file."""
        ...

    def __call__(self, content: bytes | OpenFile, mime_type: str, /) -> Parsed:
        """The text of a file's bytes, of the detected MIME type."""
        ...

    def open_pages(self, descriptor: int, mime_type: str, /) -> Pages:
        """The pages of an open PDF file, or the pictures of another document."""
        ...


MAX_FILE_BYTES = 2**31
"""A sanity check of the announced length. The setting `max_file_mb` bounds files before they are sent."""

_CPU_SECONDS_PER_SECOND = 2.0
"""A parser may keep two threads busy until its time limit."""

_WORKING_BYTES = 256 << 20
"""The resident memory that a process with rapidocr may keep beside what it has loaded, before it is replaced."""


def drop_privileges(limits: Limits, *, ocr: Ocr | None = None) -> None:
    """Give up what no parser needs. Call it before any library starts a thread: see `confine`."""
    confine.die_with_parent()
    os.nice(limits.nice)
    confine.restrict_files(writable=tempfile.gettempdir(), readable=ocr.data_dir if ocr else None)
    confine.refuse_dangerous_calls()
    confine.drop_capabilities()


def serve(parser: Parser, *, limits: Limits, shared: int, recogniser: Recogniser = Recogniser.HERE) -> None:
    """Answer requests until the parent closes the connection or this process is due for replacement (`Limits`).

    `shared` is the descriptor of the file that holds each PDF file while it is parsed: see `parser_process`.
    """
    # Not before: the libraries were loaded, perhaps from directories that only root can read.
    confine.become_nobody()
    confine.limit_resources(memory_bytes=limits.memory_bytes)
    confine.refuse_attribute_changes()
    connection = socket.socket(fileno=0)
    served = 0
    send(connection, Message({"ready": True, "walls": confine.standing_walls()}))
    while True:
        try:
            request = receive(connection, max_body_bytes=MAX_FILE_BYTES)
        except Disconnected:
            return
        confine.limit_cpu(seconds=limits.seconds * _CPU_SECONDS_PER_SECOND)
        is_sent = bool(request.head.get("opened"))
        pdf = receive_descriptor(connection) if is_sent else shared
        expect_reading(pdf)
        try:
            final = _answer(connection, request, parser, pdf=pdf, limits=limits, recogniser=recogniser)
            is_out_of_reach = has_failed_to_read(pdf)
        finally:
            if is_sent:
                os.close(pdf)
        del request
        served += 1
        is_worn = parser.is_spent or confine.resident() > limits.child_rss_bytes
        is_last = is_worn or served >= limits.files_per_child
        send(connection, as_final(final, is_last=is_last, is_out_of_reach=is_out_of_reach))
        if is_last:
            return


def _answer(
    connection: socket.socket, request: Message, parser: Parser, *, pdf: int, limits: Limits, recogniser: Recogniser
) -> Message:
    """Send all answers to a request but the last one, and return that. `pdf` is the open file, if it is a PDF file."""
    head = request.head
    if "pages" in head:
        # Another child has failed at the file, or at one of its pages.
        page_reader = PageReader(
            connection,
            parser.open_pages(pdf, str(head["mime_type"])),
            room=head["room"],
            deadline=time.monotonic() + head["seconds"],
            recogniser=recogniser,
        )
        rest = {int(page): letters for page, letters in head["pages"]}
        layers = head["layers"]
        return page_reader.read_layers(rest, known=head["known"]) if layers else page_reader.recognise(rest)
    deadline = time.monotonic() + limits.seconds
    content = OpenFile(pdf) if head.get("opened") else request.body
    mime_type, goes_on = str(head["mime_type"]), "known" in head
    outcome = _run(parser, content, mime_type, limits=limits)
    if isinstance(outcome, Unreadable):
        return encode_unreadable(outcome)
    # Pictures are read when no file waits: the text is read at once.
    if isinstance(outcome, PartialDocument):
        document, pages, later = outcome.document, outcome.pages, outcome.beside_text
    else:
        document, pages, later = outcome, (), tuple(range(len(outcome.pictures))) if goes_on else ()
    if goes_on:
        pages, later = tuple(sorted({*pages, *later})), ()
    answer = encode_document(document, pages=pages, later=later)
    if not pages:
        return answer
    send(connection, answer)
    known, room = frozenset[int](), limits.text_bytes - len(answer.body)
    if goes_on:  # it was read before, and has its time for pages anew
        known, room = frozenset(head["known"]), max(room - head["known_bytes"], 0)
        deadline = time.monotonic() + head["seconds"]
    page_reader = PageReader(
        connection, parser.open_pages(pdf, mime_type), room=room, deadline=deadline, recogniser=recogniser
    )
    unknown = [page for page in pages if page not in known]
    return page_reader.recognise(pages_in_order(letters_of_pages(document, unknown)))


def _run(parser: Parser, content: bytes | OpenFile, mime_type: str, *, limits: Limits) -> Parsed:
    """The parser's outcome, its text cut to the limit. An exception becomes an `Unreadable`."""
    try:
        outcome = parser(content, mime_type)
    except MemoryError:
        return Unreadable(SkipReason.BOMB, f"needs more than {limits.memory_bytes >> 20} MiB to read")
    except Exception as error:  # it must not end this process
        return unreadable_of(error)
    match outcome:
        case Unreadable():
            return outcome
        case Document():
            document = _truncate_document(with_statements(outcome, max_characters=MAX_LINE_CHARACTERS), limits=limits)
            is_blank = not document.text or document.text.isspace()
            return Unreadable(SkipReason.NO_TEXT) if is_blank and not document.pictures else document
        case PartialDocument():
            document = _truncate_document(outcome.document, limits=limits)
            kept = range(len(document.page_starts))
            pages = tuple(page for page in outcome.pages if page in kept)
            beside_text = tuple(page for page in outcome.beside_text if page in kept)
            return PartialDocument(document, pages, beside_text) if pages or beside_text else document


def _truncate_document(document: Document, *, limits: Limits) -> Document:
    text, cut_bytes = truncate(document.text, max_bytes=limits.text_bytes)
    if not cut_bytes:
        return document
    page_starts = tuple(start for start in document.page_starts if start < len(text))
    return dataclasses.replace(document, text=text, page_starts=page_starts, cut_bytes=cut_bytes)


def main(arguments: list[str]) -> None:
    """Run `python -m magicfs.text.extract.process.child LIMITS OCR RECOGNISES DESCRIPTOR`; the first three are JSON.

    The descriptor is that of the shared file: see `serve`.
    """
    limits = Limits(**json.loads(arguments[0]))
    fields = json.loads(arguments[1])
    ocr = Ocr(OcrEngine(fields["engine"]), fields["data_dir"], tuple(fields["languages"])) if fields else None
    recognises = ocr is not None and json.loads(arguments[2])
    drop_privileges(limits, ocr=ocr if recognises else None)
    # It makes no garbage, and looking for some takes a tenth of the time.
    gc.disable()
    # Imported only now: the library starts threads on import.
    from magicfs.text.extract.documents.document_parser import DocumentParser
    from magicfs.text.extract.documents.kreuzberg_parser import KreuzbergParser

    kreuzberg = KreuzbergParser(ocr=ocr if recognises else None)
    parser = DocumentParser(kreuzberg, limits=limits)
    parser.warm_up()
    gc.freeze()
    gc.enable()
    if recognises and ocr is not None and ocr.engine is OcrEngine.RAPIDOCR:
        most_bytes = max(limits.child_rss_bytes, confine.resident() + _WORKING_BYTES)
        limits = dataclasses.replace(limits, child_rss_bytes=most_bytes)
    recogniser = Recogniser.HERE if recognises else Recogniser.ELSEWHERE if ocr is not None else Recogniser.NOBODY
    serve(parser, limits=limits, shared=int(arguments[3]), recogniser=recogniser)


if __name__ == "__main__":
    main(sys.argv[1:])
