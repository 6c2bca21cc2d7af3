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
from collections.abc import Callable
from typing import Any

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.framing import Disconnected, Message, receive, send
from magicfs.text.extract import confine
from magicfs.text.extract.options import Limits, Ocr
from magicfs.text.extract.plain_text import clean, truncate

Parser = Callable[[bytes, str], Document | Unreadable]
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
        outcome = _run(parser, request, limits=limits)
        served += 1
        del request
        is_last = served >= limits.files_per_child or confine.resident() > limits.child_rss_bytes
        send(connection, _encode_answer(outcome, is_last=is_last))
        if is_last:
            return


def _run(parser: Parser, request: Message, *, limits: Limits) -> Document | Unreadable:
    """The parser's outcome, its text cut to the limit. An exception becomes an `Unreadable`."""
    try:
        outcome = parser(request.body, str(request.head["mime_type"]))
    except MemoryError:
        return Unreadable(SkipReason.BOMB, f"needs more than {limits.memory_bytes >> 20} MiB to read")
    except Exception as error:  # noqa: BLE001  (a parser may raise anything; it must not end this process)
        return Unreadable(SkipReason.CORRUPT, f"{type(error).__name__}: {error}"[:_MAX_LINE_CHARACTERS])
    if isinstance(outcome, Unreadable):
        return outcome
    text, cut_bytes = truncate(outcome.text, max_bytes=limits.text_bytes)
    if not text or text.isspace():
        return Unreadable(SkipReason.NO_TEXT)
    page_starts = tuple(start for start in outcome.page_starts if start < len(text))
    return dataclasses.replace(outcome, text=text, page_starts=page_starts, cut_bytes=cut_bytes)


def _encode_answer(outcome: Document | Unreadable, *, is_last: bool) -> Message:
    if isinstance(outcome, Unreadable):
        head = {"reason": outcome.reason.value, "detail": _one_line(outcome.detail), "last": is_last}
        return Message(head)
    metadata: dict[str, Any] = {
        "mime_type": outcome.mime_type,
        "title": _one_line(outcome.title),
        "author": _one_line(outcome.author),
        "language": _one_line(outcome.language),
        "page_starts": outcome.page_starts,
        "cut_bytes": outcome.cut_bytes,
        "last": is_last,
    }
    return Message(metadata, outcome.text.encode("utf-8"))


def _one_line(value: str | None) -> str | None:
    """Metadata as one clean line of bounded length, or None when it is blank."""
    return None if value is None else " ".join(clean(value).split())[:_MAX_LINE_CHARACTERS] or None


def main(arguments: list[str]) -> None:
    """Run `python -m magicfs.text.extract.child LIMITS LANGUAGES`; both arguments are JSON."""
    limits = Limits(**json.loads(arguments[0]))
    languages = json.loads(arguments[1])
    ocr = Ocr(data_dir=os.environ["TESSDATA_PREFIX"], languages=tuple(languages)) if languages else None
    drop_privileges(limits, ocr=ocr)
    # Imported only now: the library starts threads on import.
    from magicfs.text.extract.kreuzberg_parser import KreuzbergParser

    parser = KreuzbergParser(ocr=ocr)
    parser.warm_up()
    serve(parser, limits=limits)


if __name__ == "__main__":
    main(sys.argv[1:])
