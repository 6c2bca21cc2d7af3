"""The text of a document is found at once; its pictures are read in turns, and each picture once, wherever it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
import xxhash

from magicfs.cli.file_report import explanation_facts
from magicfs.db.corpus import file_claims
from magicfs.db.status import read_status
from magicfs.domain.contents import Document, Gap, PageText, Picture, Recognition, Unreadable, UnreadPages
from magicfs.domain.files import SkipReason
from magicfs.domain.ids import Digest
from magicfs.ingest.explain import explain
from magicfs.text.extract.options import OcrEngine
from tests.integration.pipeline.books import end_pause, pending, read_once, texts
from tests.plugins.index import HOST, Index, Reader

PICTURES_IN_A_TURN = 2


@dataclass
class DeckReader(Reader):
    """Reads decks: a text, a line with `|`, and the words of pictures, one a line; two pictures at a time."""

    read_pictures: list[str] = field(default_factory=list)
    """The pictures that were recognised, in order."""
    ocr: OcrEngine | None = OcrEngine.RAPIDOCR
    broken: frozenset[str] = frozenset()
    """Pictures that cannot be read."""
    fails: SkipReason | None = None
    """Why a file does not go on, if it does not."""

    def kind(self, content: bytes, *, name: bytes) -> str:
        return "application/zip parse"

    def needs_no_parser(self, kind: str) -> bool:
        return False

    def extract(self, content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        self.calls.append(name)
        document, words = self._deck(content)
        if self.ocr is None:
            return Document(document.text, document.mime_type, pictures=document.pictures)
        return Document(
            document.text,
            document.mime_type,
            pictures=document.pictures,
            pending_pages=tuple(range(1, len(words) + 1)),
        )

    def go_on(self, source: bytes | int, *, kind: str, page_texts: Mapping[int, PageText]) -> Document | Unreadable:
        assert isinstance(source, bytes)
        if self.fails is not None:
            return Unreadable(self.fails)
        document, words = self._deck(source)
        unknown = [number for number in range(1, len(words) + 1) if number not in page_texts]
        now, later = unknown[:PICTURES_IN_A_TURN], unknown[PICTURES_IN_A_TURN:]
        self.read_pictures += [words[number - 1] for number in now]
        read = dict(page_texts) | {number: self._picture(words[number - 1]) for number in now}
        failed = tuple(number for number, text in read.items() if text.failure is not None)
        return Document(
            document.text,
            document.mime_type,
            pictures=document.pictures,
            pending_pages=tuple(later),
            page_texts=read,
            unread=(UnreadPages(SkipReason.CRASHED, failed, are_pictures=True),) if failed else (),
            recognition=Recognition(str(self.ocr), tuple(read), are_pictures=True),
        )

    def _deck(self, content: bytes) -> tuple[Document, list[str]]:
        text, _, rest = content.decode().partition("|")
        words = rest.split("\n") if rest else []
        pictures = tuple(Picture(Digest(xxhash.xxh3_128_digest(word.encode()))) for word in words)
        return Document(text, "application/x-deck", pictures=pictures), words

    def _picture(self, words: str) -> PageText:
        if words in self.broken:
            return PageText("", failure=SkipReason.CRASHED)
        return PageText(f"{words} by {self.ocr}", is_recognised=True)


@pytest.fixture
def deck(index: Index) -> DeckReader:
    index.reader = DeckReader()
    index.ocr = index.reader.ocr
    (index.folder / "a.deck").write_text("my slides|heron\nplover\nbittern")
    return index.reader


def seen(index: Index) -> list[str]:
    """What searches find, but for the headings of pictures."""
    return [text for text in texts(index) if not text.startswith("Picture ")]


WHOLE = sorted(["my slides", *(f"{bird} by rapidocr" for bird in ("heron", "plover", "bittern"))])


def test_the_text_is_found_before_any_picture_is_read(index: Index, deck: DeckReader) -> None:
    index.scan()
    read_once(index)
    assert (seen(index), deck.read_pictures) == (["my slides"], [])
    assert pending(index) == [(3, "pictures 1-3: waiting")]
    assert index.states() == {"a.deck": ("indexed", None)}
    index.read_all()
    assert (seen(index), deck.read_pictures) == (WHOLE, ["heron", "plover", "bittern"])
    assert pending(index) == [(0, None)]


def test_a_deck_that_is_saved_again_keeps_what_was_read_of_its_pictures(index: Index, deck: DeckReader) -> None:
    index.read_all()
    (index.folder / "a.deck").write_text("my better slides|plover\nheron\nbittern\navocet")
    index.scan()
    index.end_pauses()
    while "my better slides" not in seen(index):
        read_once(index)
    assert seen(index) == sorted(["my better slides", *WHOLE[:2], "plover by rapidocr"])
    assert pending(index) == [(1, "picture 4: waiting")]
    index.read_all()
    assert deck.read_pictures == ["heron", "plover", "bittern", "avocet"]


def test_a_picture_in_many_decks_is_read_once(index: Index, deck: DeckReader) -> None:
    index.read_all()
    for name in ("b", "c"):
        (index.folder / f"{name}.deck").write_text(f"deck {name}|heron\nbittern")
    index.read_all()
    assert deck.read_pictures == ["heron", "plover", "bittern"]
    assert seen(index).count("heron by rapidocr") == 3


def test_a_picture_that_waits_in_many_decks_is_read_once(index: Index, deck: DeckReader) -> None:
    for name in ("b", "c", "d"):
        (index.folder / f"{name}.deck").write_text(f"deck {name}|heron\nbittern")
    index.read_all()
    assert sorted(deck.read_pictures) == ["bittern", "heron", "plover"]
    assert seen(index).count("heron by rapidocr") == 4


def test_copies_have_the_texts_at_once(index: Index, deck: DeckReader) -> None:
    (index.folder / "copy.deck").write_bytes((index.folder / "a.deck").read_bytes())
    index.read_all()
    assert deck.read_pictures == ["heron", "plover", "bittern"]
    assert seen(index) == sorted(2 * WHOLE)


def test_a_deck_of_pictures_alone_is_named_until_one_is_read(index: Index, deck: DeckReader) -> None:
    (index.folder / "a.deck").write_text("|heron\nplover\nbittern")
    index.scan()
    read_once(index)
    assert index.states() == {"a.deck": ("named", None)}
    index.read_all()
    assert index.states() == {"a.deck": ("indexed", None)}
    assert seen(index) == [text for text in WHOLE if text != "my slides"]


def test_a_picture_that_cannot_be_read_costs_its_own_text(index: Index, deck: DeckReader) -> None:
    deck.broken = frozenset({"plover"})
    index.read_all()
    assert seen(index) == [text for text in WHOLE if not text.startswith("plover")]
    assert pending(index) == [(0, "picture 2: crashed")]
    (index.folder / "b.deck").write_text("another|plover")
    deck.broken = frozenset()
    index.read_all()
    assert "plover by rapidocr" in seen(index)


def test_a_deck_that_is_deleted_between_turns_ends(index: Index, deck: DeckReader) -> None:
    index.scan()
    read_once(index)
    os.unlink(index.folder / "a.deck")
    read_once(index)
    assert (deck.read_pictures, pending(index)) == ([], [(3, "pictures 1-3: waiting")])
    end_pause(index)
    index.scan()
    assert index.states() == {}


def test_turns_that_fail_end_and_the_text_stays(index: Index, deck: DeckReader) -> None:
    index.scan()
    read_once(index)
    read_once(index)
    deck.fails = SkipReason.CRASHED
    for _ in range(file_claims.MAX_ATTEMPTS):
        assert read_once(index) == 1
        end_pause(index)
    index.extraction().recover()
    with index.database.transaction() as connection:
        file_claims.quarantine_files(connection, extractor=1)
    assert read_once(index) == 0
    assert pending(index) == [(0, "picture 3: crashed")]
    assert seen(index) == [text for text in WHOLE if not text.startswith("bittern")]
    deck.fails = None
    (index.folder / "b.deck").write_text("another|plover\nheron")
    index.read_all()
    assert deck.read_pictures == ["heron", "plover"], "what was read of others stays known"


def test_what_another_ocr_has_read_is_found_until_this_one_has(index: Index, deck: DeckReader) -> None:
    index.read_all()
    index.ocr = deck.ocr = OcrEngine.TESSERACT
    worker = index.extraction()
    worker.recover()
    read_once(index, worker)
    read_once(index, worker)
    assert (seen(index), pending(index)) == (WHOLE, [(3, "pictures 1-3: waiting")])
    index.read_all()
    assert seen(index) == [text.replace("rapidocr", "tesseract") for text in WHOLE]


def test_without_ocr_nothing_waits_and_it_is_read_when_there_is_some(index: Index, deck: DeckReader) -> None:
    index.ocr = deck.ocr = None
    index.read_all()
    assert (seen(index), pending(index)) == (["my slides"], [(0, None)])
    index.ocr = deck.ocr = OcrEngine.RAPIDOCR
    worker = index.extraction()
    worker.recover()
    read_once(index, worker)
    index.read_all()
    assert seen(index) == WHOLE


def test_a_deck_of_pictures_alone_has_no_text_without_ocr(index: Index, deck: DeckReader) -> None:
    index.ocr = deck.ocr = None
    (index.folder / "a.deck").write_text("|heron")
    index.read_all()
    assert (index.states(), pending(index)) == ({"a.deck": ("named", None)}, [(0, None)])


def test_what_was_read_of_pictures_is_found_when_the_ocr_is_gone(index: Index, deck: DeckReader) -> None:
    index.read_all()
    index.ocr = deck.ocr = None
    (index.folder / "a.deck").write_text("my better slides|heron\nplover\nbittern")
    index.read_all()
    index.end_pauses()
    index.read_all()
    assert seen(index) == sorted(["my better slides", *(text for text in WHOLE if text != "my slides")])


def test_a_worker_without_ocr_leaves_pictures_alone(index: Index, deck: DeckReader) -> None:
    index.scan()
    read_once(index)
    index.ocr = None
    assert index.extraction().claim_pages() == []


def test_doctor_and_coverage_say_what_waits(index: Index, deck: DeckReader) -> None:
    index.scan()
    read_once(index)
    with index.database.transaction() as connection:
        assert read_status(connection).pending_pages == 3
    lines = list(map(str, explanation_facts(explain(index.database, host=HOST, path=index.folder / "a.deck"))))
    assert any(line.startswith("waiting   3 pictures (pictures 1-3: waiting): they are read") for line in lines), lines
    index.read_all()
    lines = list(map(str, explanation_facts(explain(index.database, host=HOST, path=index.folder / "a.deck"))))
    assert any("rapidocr, pictures 1-3" in line for line in lines), lines
    assert not any(line.startswith(("waiting   3", "left out")) for line in lines), lines
