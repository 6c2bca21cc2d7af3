"""What the parser process answers is checked, and pages are put where they belong."""

from __future__ import annotations

import zipfile

import pytest

from magicfs.domain.contents import Document, PageText, Unreadable, UnreadPages, UnreadPart, UnreadParts
from magicfs.domain.files import SkipReason
from magicfs.ipc.framing import FramingError, Message
from magicfs.text.extract.pdf.page_texts import (
    MIN_PAGE_CHARACTERS,
    insert_page_texts,
    pages_in_order,
    pages_with_few_letters,
)
from magicfs.text.extract.process.answer_messages import (
    as_final,
    encode_document,
    encode_end,
    encode_page,
    encode_unread_page,
    encode_unreadable,
)
from magicfs.text.extract.process.answers import Answers
from magicfs.text.extract.process.page_reader import unreadable_of

LETTER = Document("the first page\n\n7\n\nthe third page\n\n", "application/pdf", page_starts=(0, 16, 19))


def test_a_page_number_is_no_text_layer() -> None:
    assert pages_with_few_letters(LETTER, fewer_than=MIN_PAGE_CHARACTERS) == (1,)


def test_pages_that_may_have_nothing_more_are_looked_at_first() -> None:
    assert list(pages_in_order({0: 40, 1: 0, 2: MIN_PAGE_CHARACTERS, 3: 7})) == [0, 2, 1, 3]


def test_a_page_with_words_keeps_them_and_gets_the_lines_that_have_others() -> None:
    whole = insert_page_texts(LETTER, {0: "THE FIRST PAGE\nfirst of May\n", 2: "the third\npage"})
    assert whole.text == "the first page\n\nfirst of May\n\n7\n\nthe third page\n\n"
    assert whole.page_starts == (0, 30, 33)


def test_a_recognised_page_moves_the_following_ones() -> None:
    whole = insert_page_texts(LETTER, {1: "a recognised page\n"})
    assert whole.text == "the first page\n\na recognised page\n\nthe third page\n\n"
    assert [whole.text[start:].split("\n")[0] for start in whole.page_starts] == [
        "the first page",
        "a recognised page",
        "the third page",
    ]


def test_a_page_keeps_its_text_when_nothing_better_is_recognised() -> None:
    assert insert_page_texts(LETTER, {1: " .\n"}) == LETTER


def test_what_a_library_quotes_of_a_file_gives_a_terminal_no_commands() -> None:
    answers = Answers()
    answers.add(encode_unreadable(Unreadable(SkipReason.CORRUPT, "no header: \x1b]0;\x07\x9bGrüße")))
    assert answers.outcome() == Unreadable(SkipReason.CORRUPT, "no header: \ufffd]0;\ufffd\ufffdGrüße")


def test_unread_parts_arrive_as_they_were_counted() -> None:
    parts = UnreadParts(2, 14, (UnreadPart("a/b.xml", SkipReason.CORRUPT), UnreadPart("c.docx", SkipReason.ENCRYPTED)))
    answers = Answers()
    answers.add(encode_document(Document("a text", "application/zip", unread_parts=parts)))
    assert answers.outcome() == Document("a text", "application/zip", unread_parts=parts)


@pytest.mark.parametrize(
    ("parts", "decoded"),
    [
        (
            {"count": 2**80, "of": -1, "some": [("x\n\0" * 10_000, "corrupt")] * 1000},
            UnreadParts(2**31 - 1, 2**31 - 1, (UnreadPart(("x " * 40).strip(), SkipReason.CORRUPT),) * 20),
        ),
        ({"count": 0, "of": 0, "some": []}, UnreadParts(1, 1)),
        ({"count": 1, "of": 2, "some": [("x", "no reason")]}, None),
        ({"count": 1, "some": []}, None),
        ([], None),
    ],
)
def test_unread_parts_are_bounded(parts: object, decoded: UnreadParts | None) -> None:
    answer = encode_document(Document("a text", "application/zip"))
    answers = Answers()
    if decoded is None:
        with pytest.raises(FramingError):
            answers.add(Message({**answer.head, "unread_parts": parts}, answer.body))
        return
    answers.add(Message({**answer.head, "unread_parts": parts}, answer.body))
    outcome = answers.outcome()
    assert isinstance(outcome, Document)
    assert outcome.unread_parts == decoded


def test_answers_add_up() -> None:
    answers = Answers()
    for answer in (
        encode_document(LETTER, pages=(1,)),
        encode_page(1, "recognised"),
        as_final(encode_end(cut_bytes=3), is_last=True, is_out_of_reach=False),
    ):
        assert not answers.complete
        answers.add(answer)
    outcome = answers.outcome()
    assert isinstance(outcome, Document)
    assert "recognised" in outcome.text
    assert (outcome.cut_bytes, outcome.unread_pages) == (3, 0)
    assert answers.complete
    assert answers.is_last


def test_pages_that_look_empty_while_the_disk_fails_are_read_later() -> None:
    """Pages 2 and 3 were read before, and page 3 was empty."""
    answers = Answers({1: PageText("known", is_recognised=True), 2: PageText("")})
    for answer in (
        encode_document(Document("\n" * 5, "application/pdf", page_starts=tuple(range(5))), pages=tuple(range(5))),
        encode_page(0, "recognised"),
        encode_page(3, "", recognised=False),
        encode_unread_page(4, Unreadable(SkipReason.CORRUPT)),
        as_final(encode_end(), is_last=False, is_out_of_reach=True),
    ):
        answers.add(answer)
    outcome = answers.outcome()
    assert isinstance(outcome, Document)
    assert (outcome.pending_pages, outcome.unread) == ((4, 5), ())
    assert outcome.page_texts.keys() == {1, 2, 3}


@pytest.mark.parametrize("pages", [(3,), (-1,), ("x",)])
def test_pages_that_a_document_does_not_have_are_malformed(pages: tuple[int, ...]) -> None:
    with pytest.raises(FramingError):
        Answers().add(encode_document(LETTER, pages=pages))


@pytest.mark.parametrize("starts", [(1, 16, 19), (0, 19, 16)])
def test_page_starts_out_of_order_are_malformed(starts: tuple[int, ...]) -> None:
    with pytest.raises(FramingError):
        Answers().add(encode_document(Document("text", "application/pdf", page_starts=starts), pages=(1,)))


@pytest.mark.parametrize("answer", [encode_page(0, "again"), encode_page(1, "twice"), Message({"page": None})])
def test_a_page_that_was_not_announced_is_malformed(answer: Message) -> None:
    answers = Answers()
    answers.add(encode_document(LETTER, pages=(1, 2)))
    answers.add(encode_page(1, "once"))
    with pytest.raises(FramingError):
        answers.add(answer)


def test_the_page_at_which_a_child_failed_is_known() -> None:
    answers = Answers()
    answers.add(encode_document(LETTER, pages=(0, 1, 2)))
    answers.add(encode_page(0, "recognised"))
    assert answers.pending_pages == (2, 1)
    answers.add(encode_unread_page(2, Unreadable(SkipReason.CORRUPT, "no picture")))
    assert answers.pending_pages == (1,)
    answers.fail_page(1, Unreadable(SkipReason.CRASHED))
    assert (answers.pending, answers.pending_pages) == (0, ())
    outcome = answers.outcome()
    assert isinstance(outcome, Document)
    assert outcome.unread == (UnreadPages(SkipReason.CRASHED, (2,)), UnreadPages(SkipReason.CORRUPT, (3,)))


def test_a_document_without_text_says_why_its_first_page_was_not_recognised() -> None:
    answers = Answers()
    answers.add(encode_document(Document("\n\n\n\n", "application/pdf", page_starts=(0, 2)), pages=(0, 1)))
    assert answers.outcome() is None
    answers.add(encode_unread_page(0, Unreadable(SkipReason.BOMB, "too large")))
    answers.add(encode_unread_page(1, Unreadable(SkipReason.CORRUPT, "no picture")))
    assert answers.outcome() == Unreadable(SkipReason.BOMB, "too large")


def book(*answers: Message, known: dict[int, PageText]) -> Answers:
    """The answers about a book of four scanned pages, of which some are known."""
    collected = Answers(known)
    empty = Document("\n\n" * 4, "application/pdf", page_starts=(0, 2, 4, 6))
    for answer in (encode_document(empty, pages=(0, 1, 2, 3)), *answers):
        collected.add(answer)
    return collected


def test_pages_without_an_answer_wait_and_what_was_read_of_others_is_kept() -> None:
    known = {0: PageText("heron", is_recognised=True), 1: PageText("", failure=SkipReason.CRASHED)}
    answers = book(known=known)
    assert (answers.pending_pages, answers.has_progress) == ((2, 3), False)
    answers.add(encode_page(2, "plover"))
    answers.add(encode_end())
    assert answers.has_progress
    outcome = answers.outcome()
    assert isinstance(outcome, Document)
    assert outcome.text.split() == ["heron", "plover"]
    assert answers.recognised_pages == (0, 2)
    assert outcome.pending_pages == (4,)
    assert outcome.page_texts == {
        1: PageText("heron", is_recognised=True),
        2: PageText("", failure=SkipReason.CRASHED),
        3: PageText("plover", is_recognised=True),
    }
    assert (outcome.unread_pages, outcome.unread_detail) == (2, "page 2: crashed; page 4: waiting")


def test_nothing_is_kept_when_no_page_waits() -> None:
    outcome = book(encode_page(3, "plover"), encode_end(), known=dict.fromkeys(range(3), PageText("heron"))).outcome()
    assert isinstance(outcome, Document)
    assert (outcome.pending_pages, outcome.page_texts, outcome.unread_detail) == ((), {}, None)


def test_pages_for_which_there_is_no_room_do_not_wait() -> None:
    outcome = book(encode_page(0, "heron"), encode_end(cut_bytes=9), known={}).outcome()
    assert isinstance(outcome, Document)
    assert (outcome.pending_pages, outcome.unread_detail) == ((), "pages 2-4: too-large")


def test_a_book_whose_first_pages_have_no_text_waits_for_others() -> None:
    outcome = book(encode_page(0, ""), encode_end(), known={}).outcome()
    assert isinstance(outcome, Document)
    assert (outcome.text.strip(), outcome.pending_pages) == ("", (2, 3, 4))


def test_an_answer_about_a_known_page_is_malformed() -> None:
    with pytest.raises(FramingError):
        book(encode_page(0, "again"), known={0: PageText("heron")})


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (zipfile.BadZipFile("File is not\na zip file"), "damaged: File is not a zip file (BadZipFile)"),
        (KeyError("rows"), "damaged in a way that its reader does not expect (KeyError: 'rows')"),
    ],
)
def test_the_error_of_a_library_is_said_in_words(error: Exception, detail: str) -> None:
    assert unreadable_of(error) == Unreadable(SkipReason.CORRUPT, detail)
