"""The program that parses files: it reads requests from the socket that is its standard input, and answers on it.

Started by `sandbox`, never imported by it. It trusts its parent but no file: a native crash here costs this process
and one file. Single-threaded but for the threads of the parser library, one file at a time.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.framing import Disconnected, Message, receive, send
from magicfs.text.extract import confine
from magicfs.text.extract.answers import PartialDocument, encode_document, encode_end, encode_page, encode_unreadable
from magicfs.text.extract.options import Limits, Ocr
from magicfs.text.extract.plain_text import truncate

Parser = Callable[[bytes, str], Document | PartialDocument | Unreadable]
"""Takes a file's bytes and their detected MIME type."""

MAX_FILE_BYTES = 2**31
"""A sanity check of the announced length. The setting `max_file_mb` bounds files before they are sent."""

_CPU_SECONDS_PER_SECOND = 2.0
"""A parser may keep two threads busy until its time limit."""

_MAX_LINE_CHARACTERS = 300


def drop_privileges(limits: Limits, *, ocr: Ocr | None = None) -> None:
    """Give up what no parser needs. Call it before any library starts a thread: see `confine`."""
    confine.die_with_parent()
    os.nice(limits.nice)
    confine.restrict_files(writable=tempfile.gettempdir(), readable=ocr.data_dir if ocr else None)
    confine.refuse_dangerous_calls()
    confine.drop_capabilities()


def serve(parser: Parser, *, limits: Limits) -> None:
    """Answer requests until the parent closes the connection or this process is due for replacement (`Limits`)."""
    # Not before: the library had to unpack a shared object and to set its mode, perhaps in directories of root alone.
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
        started = time.monotonic()
        outcome = _run(parser, request, limits=limits)
        served += 1
        del request
        cut_bytes = 0
        if isinstance(outcome, PartialDocument):
            cut_bytes = _send_partial(connection, outcome, limits=limits, deadline=started + limits.seconds)
        is_last = served >= limits.files_per_child or confine.resident() > limits.child_rss_bytes
        match outcome:
            case Unreadable():
                send(connection, encode_unreadable(outcome, is_last=is_last))
            case Document():
                send(connection, encode_document(outcome, is_last=is_last))
            case PartialDocument():
                send(connection, encode_end(cut_bytes=cut_bytes, is_last=is_last))
        if is_last:
            return


def _send_partial(connection: socket.socket, partial: PartialDocument, *, limits: Limits, deadline: float) -> int:
    """Send a document, and then its recognised pages one by one, as long as there are time and room.

    Returns how many bytes of them were cut off. No page is begun that would end after `deadline` if it took as long as
    the slowest one before.
    """
    send(connection, encode_document(partial.document, pages=partial.pages))
    room = limits.text_bytes - len(partial.document.text.encode("utf-8"))
    slowest = 0.0
    for page in partial.pages:
        started = time.monotonic()
        if started + slowest >= deadline:
            break
        try:
            text = partial.recognise(page)
        except Exception:  # noqa: BLE001, S112  (a parser may raise anything; the page counts as not recognised)
            continue
        text, cut_bytes = truncate(text, max_bytes=room)
        send(connection, encode_page(page, text))
        if cut_bytes:
            return cut_bytes
        room -= len(text.encode("utf-8"))
        slowest = max(slowest, time.monotonic() - started)
    return 0


def _run(parser: Parser, request: Message, *, limits: Limits) -> Document | PartialDocument | Unreadable:
    """The parser's outcome, its text cut to the limit. An exception becomes an `Unreadable`."""
    try:
        outcome = parser(request.body, str(request.head["mime_type"]))
    except MemoryError:
        return Unreadable(SkipReason.BOMB, f"needs more than {limits.memory_bytes >> 20} MiB to read")
    except Exception as error:  # noqa: BLE001  (a parser may raise anything; it must not end this process)
        return Unreadable(SkipReason.CORRUPT, f"{type(error).__name__}: {error}"[:_MAX_LINE_CHARACTERS])
    match outcome:
        case Unreadable():
            return outcome
        case Document():
            document = _truncate_document(outcome, limits=limits)
            return Unreadable(SkipReason.NO_TEXT) if not document.text or document.text.isspace() else document
        case PartialDocument():
            document = _truncate_document(outcome.document, limits=limits)
            pages = tuple(page for page in outcome.pages if page < len(document.page_starts))
            return PartialDocument(document, pages, outcome.recognise) if pages else document


def _truncate_document(document: Document, *, limits: Limits) -> Document:
    text, cut_bytes = truncate(document.text, max_bytes=limits.text_bytes)
    if not cut_bytes:
        return document
    page_starts = tuple(start for start in document.page_starts if start < len(text))
    return dataclasses.replace(document, text=text, page_starts=page_starts, cut_bytes=cut_bytes)


def main(arguments: list[str]) -> None:
    """Run `python -m magicfs.text.extract.child LIMITS LANGUAGES [DESCRIPTOR]`; the arguments are JSON.

    The descriptor is that of the file that holds each PDF file while it is parsed: see `sandbox`.
    """
    limits = Limits(**json.loads(arguments[0]))
    languages = json.loads(arguments[1])
    ocr = Ocr(data_dir=os.environ["TESSDATA_PREFIX"], languages=tuple(languages)) if languages else None
    drop_privileges(limits, ocr=ocr)
    # Imported only now: the library starts threads on import.
    from magicfs.text.extract.document_parser import DocumentParser
    from magicfs.text.extract.kreuzberg_parser import KreuzbergParser

    kreuzberg = KreuzbergParser(ocr=ocr, pdf_path=f"/proc/self/fd/{int(arguments[2])}" if ocr else None)
    parser = DocumentParser(kreuzberg, limits=limits)
    parser.warm_up()
    serve(parser, limits=limits)


if __name__ == "__main__":
    main(sys.argv[1:])
