"""Words of Hebrew and Arabic pages come in the order in which people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.domain.contents import Document
from magicfs.text.extract.right_to_left import in_reading_order


def ordered(text: str, page_starts: tuple[int, ...] = ()) -> str:
    document = Document(text=text, mime_type="application/pdf", page_starts=page_starts)
    return in_reading_order(document).text


@pytest.mark.parametrize(
    ("drawn", "read"),
    [
        (".מחר מתחילים הלימודים", "הלימודים מתחילים מחר."),
        (".2024 בשנת נפתח הספר בית\n,החוזה", "בית הספר נפתח בשנת 2024.\nהחוזה,"),
        (".الإصلاحات عن مسؤول والمستأجر\n\n؟متى", "والمستأجر مسؤول عن الإصلاحات.\n\nمتى؟"),
        # Words of other scripts keep their own order, and a line of those its own.
        (".למתחילים deep machine learning על ספר", "ספר על deep machine learning למתחילים."),
        ("the word שלום means peace and הבא ברוך welcome here\n.מחר", None),
        # What stands in brackets.
        (".(מזגן כולל) דירה", "דירה (כולל מזגן)."),
    ],
)
def test_lines_are_turned_where_stops_stand_before_their_words(drawn: str, read: str | None) -> None:
    expected = read or "the word שלום means peace and ברוך הבא welcome here\nמחר."
    assert ordered(drawn) == expected


@pytest.mark.parametrize(
    "text",
    ["הלימודים מתחילים מחר. הספר חדש.", "ספר ללא סימנים", "plain English. And more", "", "מחר, ומחרתיים.\n.היום"],
)
def test_what_is_in_order_or_does_not_tell_stays(text: str) -> None:
    assert ordered(text) == text


def test_a_page_without_stops_is_as_the_others_are_and_one_in_order_stays() -> None:
    pages = [".מחר מתחילים הלימודים\n,היום\n\n", "העניינים תוכן\n\n", "הספר נפתח. הלימודים היום"]
    starts = (0, len(pages[0]), len(pages[0]) + len(pages[1]))
    assert ordered("".join(pages), starts) == (
        "הלימודים מתחילים מחר.\nהיום,\n\nתוכן העניינים\n\nהספר נפתח. הלימודים היום"
    )


@given(st.text("אבגםابت abc 12.,:()\n\u05b8", max_size=60), st.integers(0, 60))
def test_no_letter_is_lost_and_pages_begin_where_they_did(text: str, start: int) -> None:
    starts = (0, min(start, len(text)))
    read = ordered(text, starts)
    assert len(read) == len(text)
    for first, last in ((0, starts[1]), (starts[1], len(text))):
        assert sorted(filter(str.isalnum, read[first:last])) == sorted(filter(str.isalnum, text[first:last]))
