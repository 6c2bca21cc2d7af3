"""`PageReader`: reads the pages of one PDF file in the child process, and answers about each as soon as it is read.

Used by `child`. Pages are recognised, or their text layers are read one by one because the parser fails at one of them.
One thread.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection, Mapping
from enum import Enum, auto
from typing import Protocol

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.ipc.framing import Message, send
from magicfs.text.extract.pdf.page_texts import MIN_PAGE_CHARACTERS
from magicfs.text.extract.plain.plain_text import truncate
from magicfs.text.extract.process.answer_messages import (
    encode_document,
    encode_end,
    encode_page,
    encode_unread_page,
    encode_unreadable,
)

_MAX_LINE_CHARACTERS = 300


class Recogniser(Enum):
    """Who recognises the text of pages."""

    HERE = auto()
    """This process."""
    ELSEWHERE = auto()
    """Another process, which is started when the first page needs it."""
    NOBODY = auto()
    """There is no OCR: it is only found out which pages would need it."""


class Pages(Protocol):
    """The pages of a PDF file, by number from 0. All methods may raise any exception."""

    def shows_more(self, page: int, /, *, known_letters: int) -> bool:
        """Whether a page shows text beside this many letters of its text layer, as far as a quick look tells."""
        ...

    def recognise(self, page: int, /) -> str:
        """The recognised text of a page that was looked at last."""
        ...

    def document(self) -> Document:
        """The document without the texts of its pages."""
        ...

    def layer(self, page: int, /) -> str:
        """The text layer of a page."""
        ...


class PageReader:
    """Sends an answer for each page, as long as there are time and room for bytes of text."""

    def __init__(
        self, connection: socket.socket, pages: Pages, *, room: int, deadline: float, recogniser: Recogniser
    ) -> None:
        self._connection = connection
        self._pages = pages
        self._room = room
        self._deadline = deadline
        self._recogniser = recogniser

    def recognise(self, letters: Mapping[int, int]) -> Message:
        """Recognise pages, with the letters of their text layers, in this order. Returns the end.

        A page that shows nothing more has an empty text. There is no answer about a page that another process has to
        recognise, nor about those after it.
        """
        return self._read(letters, self._recognise)

    def read_layers(self, letters: Mapping[int, int], *, known: Collection[int] = ()) -> Message:
        """Read the text layers of pages, and recognise those without one; of all but the `known` if none is given.

        Returns the end. Of all pages, the first answer is the document.
        """
        if not letters:
            try:
                document = self._pages.document()
            except Exception as error:  # it costs this file
                return encode_unreadable(unreadable_of(error))
            letters = dict.fromkeys(range(len(document.page_starts)), 0)
            if not letters:
                return encode_unreadable(Unreadable(SkipReason.CORRUPT, "it has no pages"))
            send(self._connection, encode_document(document, pages=tuple(letters)))
            letters = {page: count for page, count in letters.items() if page not in known}
        return self._read(letters, self._read_layer)

    def _read(self, letters: Mapping[int, int], read: Callable[[int, int], Message | None]) -> Message:
        """Send what `read` makes of each page. Returns the end.

        No page is begun that would end after the deadline if it took as long as the slowest one before.
        """
        slowest = 0.0
        for page, known_letters in letters.items():
            started = time.monotonic()
            if started + slowest >= self._deadline:
                break
            try:
                answer = read(page, known_letters)
            except Exception as error:  # it costs this page
                send(self._connection, encode_unread_page(page, unreadable_of(error)))
                continue
            if answer is None:
                if self._recogniser is Recogniser.ELSEWHERE:
                    break
                continue
            text, cut_bytes = truncate(answer.body.decode("utf-8"), max_bytes=self._room)
            body = text.encode("utf-8")
            send(self._connection, Message(answer.head, body))
            if cut_bytes:
                return encode_end(cut_bytes=cut_bytes)
            self._room -= len(body)
            slowest = max(slowest, time.monotonic() - started)
        return encode_end()

    def _recognise(self, page: int, known_letters: int) -> Message | None:
        if not self._pages.shows_more(page, known_letters=known_letters):
            return encode_page(page, "", recognised=False)
        if self._recogniser is not Recogniser.HERE:
            return None
        return encode_page(page, self._pages.recognise(page))

    def _read_layer(self, page: int, _: int) -> Message:
        text = self._pages.layer(page)
        letters = sum(map(str.isalnum, text))
        if letters >= MIN_PAGE_CHARACTERS:
            return encode_page(page, text, recognised=False)
        answer = self._recognise(page, letters)
        if answer is None:
            return encode_unread_page(page, Unreadable(SkipReason.NEEDS_OCR, "a scanned page"))
        return answer if answer.body else encode_page(page, text, recognised=False)


def unreadable_of(error: Exception) -> Unreadable:
    """What an exception of a parser means for the file or the page."""
    if isinstance(error, MemoryError):
        return Unreadable(SkipReason.BOMB, "needs more memory than one file may use")
    name, said = type(error).__name__, " ".join(str(error).split())
    if said and type(error).__module__ not in {"builtins", "struct"}:
        detail = f"damaged: {said} ({name})"
    else:  # what is in it is not what the reader goes by
        detail = f"damaged in a way that its reader does not expect ({name}: {said})"
    return Unreadable(SkipReason.CORRUPT, detail[:_MAX_LINE_CHARACTERS])
