"""The process in which files are parsed: reads requests from its standard input, answers on the same socket.

Started by `sandbox`, never imported by it. It trusts its parent and nothing in the files. One file at a time, one
thread of ours; a native crash here costs this process and the file, nothing else.
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
from magicfs.text.extract import confine
from magicfs.text.extract.decode import clean, cut
from magicfs.text.extract.limits import Limits
from magicfs.text.extract.ocr import Ocr
from magicfs.text.extract.wire import Disconnected, Message, receive, send

Parser = Callable[[bytes, str], Document | Unreadable]
"""Gets a file's bytes and the MIME type that they have been taken for."""

MOST_FILE_BYTES = 2**31
"""The caller bounds files by a setting; this only keeps a broken length from being believed."""

_CPU_FACTOR = 2.0
"""A parser may use two threads for as long as it may run."""


def begin(limits: Limits) -> None:
    """Give up what no parser needs. Before anything starts a thread: much of it holds for later threads alone."""
    confine.die_with_parent()
    os.nice(limits.nice)
    confine.refuse_changes(but_below=tempfile.gettempdir())
    confine.refuse_network_and_programs()


def serve(parser: Parser, *, limits: Limits) -> None:
    """Answer requests until the other side closes the connection or this process has served long enough."""
    # Libraries have loaded by now what they had to unpack.
    confine.limit_resources(memory_bytes=limits.memory_bytes)
    confine.refuse_attributes()
    connection = socket.socket(fileno=0)
    served = 0
    send(connection, Message({"ready": True}))
    while True:
        try:
            request = receive(connection, most_body_bytes=MOST_FILE_BYTES)
        except Disconnected:
            return
        confine.limit_cpu(seconds=limits.seconds * _CPU_FACTOR)
        outcome = _attempt(parser, request, limits=limits)
        served += 1
        del request
        done = served >= limits.files_per_child or confine.resident() > limits.child_rss_bytes
        send(connection, _answer(outcome, last=done))
        if done:
            return


def _attempt(parser: Parser, request: Message, *, limits: Limits) -> Document | Unreadable:
    """Run the parser; what it raises becomes an outcome, and the text is made clean and short enough."""
    try:
        outcome = parser(request.body, str(request.head["mime_type"]))
    except MemoryError:
        return Unreadable(SkipReason.BOMB, f"needs more than {limits.memory_bytes >> 20} MiB to read")
    except Exception as error:  # noqa: BLE001  (a parser may raise anything; it must not end this process)
        return Unreadable(SkipReason.CORRUPT, f"{type(error).__name__}: {error}"[:300])
    if isinstance(outcome, Unreadable):
        return outcome
    text = cut(outcome.text, max_bytes=limits.text_bytes)
    if not text or text.isspace():
        return Unreadable(SkipReason.NO_TEXT)
    return dataclasses.replace(
        outcome, text=text, page_starts=tuple(start for start in outcome.page_starts if start < len(text))
    )


def _answer(outcome: Document | Unreadable, *, last: bool) -> Message:
    if isinstance(outcome, Unreadable):
        head = {"reason": outcome.reason.value, "detail": _line(outcome.detail), "last": last}
        return Message(head)
    facts: dict[str, Any] = {
        "mime_type": outcome.mime_type,
        "title": _line(outcome.title),
        "author": _line(outcome.author),
        "language": _line(outcome.language),
        "page_starts": outcome.page_starts,
        "last": last,
    }
    return Message(facts, outcome.text.encode("utf-8"))


def _line(value: str | None) -> str | None:
    """Make metadata one clean line of bounded length."""
    return None if value is None else " ".join(clean(value).split())[:300] or None


def main(arguments: list[str]) -> None:
    """Entry point of `python -m magicfs.text.extract.child LIMITS OCR`, both as JSON."""
    limits = Limits(**json.loads(arguments[0]))
    languages = json.loads(arguments[1])
    ocr = Ocr(data_dir=os.environ["TESSDATA_PREFIX"], languages=tuple(languages)) if languages else None
    begin(limits)
    # The library starts threads as soon as it is there.
    from magicfs.text.extract.parse import LibraryParser

    parser = LibraryParser(ocr=ocr)
    parser.warm_up()
    serve(parser, limits=limits)


if __name__ == "__main__":
    main(sys.argv[1:])
