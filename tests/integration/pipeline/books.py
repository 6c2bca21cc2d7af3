"""A reader of scanned books, some pages at a time, for tests of what is stored and claimed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document, Gap, PageText, Recognition, Unreadable, UnreadPages
from magicfs.domain.files import SkipReason
from magicfs.pipeline.extract import ExtractService
from magicfs.text.extract.options import OcrEngine
from tests.plugins.index import FOUND_TEXT, Index, Paragraphs, Reader

PAGES = 7
PAGES_AT_A_TIME = 2


@dataclass
class BookReader(Reader):
    """Reads books of pages that have the first word of the file in them, two at a time."""

    page_calls: list[list[int]] = field(default_factory=list)
    """The pages that were read, by call."""
    fails: SkipReason | None = None
    """Why a file does not go on, if it does not."""
    has_text: bool = True
    pages_in_a_turn: int = PAGES_AT_A_TIME
    """How many pages are read of a file that goes on."""
    ocr: OcrEngine = OcrEngine.RAPIDOCR
    prefix: str = ""
    """What another version of the reader finds before the text of each page."""
    unreadable_pages: set[int] = field(default_factory=set)
    """Pages that cannot be read."""

    def kind(self, content: bytes, *, name: bytes) -> str:
        return "application/pdf parse" if name.endswith(b".pdf") else super().kind(content, name=name)

    def needs_no_parser(self, kind: str) -> bool:
        return not kind.startswith("application/pdf")

    def extract(self, content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        if not name.endswith(b".pdf"):
            return super().extract(content, name=name, gap=gap)
        self.calls.append(name)
        return self._read(content, {}, PAGES_AT_A_TIME)

    def go_on(self, source: bytes | int, *, kind: str, page_texts: Mapping[int, PageText]) -> Document | Unreadable:
        assert isinstance(source, bytes)
        return Unreadable(self.fails) if self.fails else self._read(source, page_texts, self.pages_in_a_turn)

    def _read(self, content: bytes, known: Mapping[int, PageText], pages: int) -> Document:
        unknown = [page for page in range(1, PAGES + 1) if page not in known]
        now, pending = unknown[:pages], unknown[pages:]
        self.page_calls.append(now)
        word = content.decode().split()[0] if self.has_text else ""
        read = dict(known) | {page: self._page(word, page) for page in now}
        texts = [read[page].text + "\n\n" if page in read else "" for page in range(1, PAGES + 1)]
        failed = tuple(page for page in read if read[page].failure is not None)
        return Document(
            text="".join(texts),
            mime_type="application/pdf",
            page_starts=tuple(accumulate(map(len, texts[:-1]), initial=0)),
            unread=(UnreadPages(SkipReason.CRASHED, failed),) if failed else (),
            pending_pages=tuple(pending),
            page_texts=read if pending else {},
            recognition=Recognition(str(self.ocr), tuple(read)),
        )

    def _page(self, word: str, page: int) -> PageText:
        if page in self.unreadable_pages:
            return PageText("", failure=SkipReason.CRASHED)
        return PageText(f"{self.prefix}{word} {page}" if word else "", is_recognised=True)


class PageChunker:
    """Cuts at pages."""

    def chunks(self, document: Document) -> list[Chunk]:
        if not document.page_starts:
            return Paragraphs().chunks(document)
        ends = [*document.page_starts[1:], len(document.text)]
        lines = [document.text.count("\n", 0, start) + 1 for start in document.page_starts]
        cut = [Document(document.text[start:end], "") for start, end in zip(document.page_starts, ends, strict=True)]
        return [
            replace(chunk, page=page, first_line=line, last_line=line)
            for page, (line, part) in enumerate(zip(lines, cut, strict=True), 1)
            for chunk in Paragraphs().chunks(part)
        ]


def add_book(index: Index) -> BookReader:
    """Give the index a book, and return what reads it."""
    index.reader = BookReader()
    index.ocr = index.reader.ocr
    index.chunker = PageChunker()
    (index.folder / "book.pdf").write_bytes(b"heron")
    return index.reader


def read_once(index: Index, service: ExtractService | None = None) -> int:
    return (service or index.extraction()).run_batch()


def end_pause(index: Index) -> None:
    """Let the pause after a turn that failed be over."""
    index.rows("UPDATE files SET leased_until = NULL WHERE lease IS NULL RETURNING 1")


def texts(index: Index) -> list[str]:
    return sorted(text for (text,) in index.rows(FOUND_TEXT))


def pending(index: Index) -> list[tuple[int, str | None]]:
    return index.rows("SELECT c.pending_pages, unread_detail FROM contents c JOIN files f ON f.content_id = c.id")


WHOLE = [f"heron {page}" for page in range(1, PAGES + 1)]
