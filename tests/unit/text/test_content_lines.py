"""Values of calendars and address books are found whole, on the line on which they begin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.text.extract.plain.content_lines import unfold, unfold_family, unfold_ldif, unfold_manifest
from magicfs.text.extract.plain.decoding import read_text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("SUMMARY:Quarterly departm\n ent\n\tal review\nEND:X", "SUMMARY:Quarterly departmental review\n\n\nEND:X"),
        ("NOTE:stamps\\, cards\\;\\nbooks C:\\\\x", "NOTE:stamps, cards; books C:\\x"),
        (
            "N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg\nX:1",
            "N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Müller;Jörg\nX:1",
        ),
        (
            "NOTE;ENCODING=QUOTED-PRINTABLE:Gr=C3=BC=\n=C3=9Fe=0D=0Aalle\nX:1",
            "NOTE;ENCODING=QUOTED-PRINTABLE:Grüße alle\n\nX:1",
        ),
        ("NOTE;QUOTED-PRINTABLE:a=3Db", "NOTE;QUOTED-PRINTABLE:a=b"),
        ("PHOTO;ENCODING=b;TYPE=JPEG:" + "QUJD" * 30 + "\n " + "QUJD" * 30 + "\nFN:A", "PHOTO\n\nFN:A"),
        ("PHOTO;JPEG;ENCODING=BASE64:\n  " + "QUJD" * 12 + "\n  QUJDQQ==\n\nFN:A", "PHOTO;JPEG\n\n\n\nFN:A"),
        (
            "KEY;ENCODING=b:QUJDQQ==\nNOTE:all words of this are letters of base64 and stay where they are in the text",
            "KEY\nNOTE:all words of this are letters of base64 and stay where they are in the text",
        ),
        ("N;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg", "N;ENCODING=QUOTED-PRINTABLE:Müller;Jörg"),
        (
            'DESCRIPTION:<p>Rooms &amp; <b>keys</b>\\n<a href="https://a.example">here</a></p>',
            "DESCRIPTION:Rooms & keys here",
        ),
        ("DESCRIPTION:<p>foot<b>bridge</b></p><p>open</p>", "DESCRIPTION:footbridge open"),
        ("DESCRIPTION:1 < 2 and 3 > 2", "DESCRIPTION:1 < 2 and 3 > 2"),
        (
            "BEGIN:VEVENT\nDESCRIPTION:Bring keys\nX-ALT-DESC;FMTTYPE=text/html:<p>Bring <i>keys</i></p>\nEND:VEVENT",
            "BEGIN:VEVENT\nDESCRIPTION:Bring keys\nX-ALT-DESC\nEND:VEVENT",
        ),
        (
            "BEGIN:VEVENT\nX-ALT-DESC;FMTTYPE=text/html:<html><p>Bring <i>keys</i></p></html>\nEND:VEVENT",
            "BEGIN:VEVENT\nX-ALT-DESC;FMTTYPE=text/html:Bring keys\nEND:VEVENT",
        ),
        (
            "BEGIN:VTIMEZONE\nTZID:Europe/Vienna\nBEGIN:STANDARD\nDTSTART:16011028T030000\nEND:STANDARD\nEND:VTIMEZONE\nX:1",
            "BEGIN:VTIMEZONE\nTZID:Europe/Vienna\n\n\n\nEND:VTIMEZONE\nX:1",
        ),
        ("PHOTO:data:image/png;base64," + "QUJD" * 30 + "\nFN:A", "PHOTO\nFN:A"),
        ("NOTE;CHARSET=zip;ENCODING=QUOTED-PRINTABLE:=41", "NOTE;CHARSET=zip;ENCODING=QUOTED-PRINTABLE:A"),
        ("DTSTART;TZID=Europe/Vienna:20240612T183000", "DTSTART;TZID=Europe/Vienna:20240612T183000 (2024-06-12 18:30)"),
        ("DUE;VALUE=DATE:20240612\nUID:20240612", "DUE;VALUE=DATE:20240612 (2024-06-12)\nUID:20240612 (2024-06-12)"),
        ("DTEND:20249912T183000Z\nTEL:20240612345", "DTEND:20249912T183000Z\nTEL:20240612345"),
        ("", ""),
        (" folded first line", " folded first line"),
    ],
)
def test_values_are_read(written: str, read: str) -> None:
    assert unfold(written) == read


@given(st.lists(st.sampled_from(["NOTE:a", " b", "\tc", "N;QUOTED-PRINTABLE:x=", "=41=", "", "\\n"]), max_size=12))
def test_lines_are_as_many_as_before(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert unfold(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("width", range(3, 24))
def test_lines_may_be_folded_in_the_middle_of_a_character(width: int) -> None:
    words = "SUMMARY:Überprüfung der Höhenstraße 会議室の予約"
    data = words.encode()
    folded = b"\r\n ".join(data[start : start + width] for start in range(0, len(data), width))
    text = read_text(b"BEGIN:VEVENT\r\n" + folded + b"\r\nEND:VEVENT", mime_type="text/calendar")
    assert text is not None
    assert text.split("\n")[1] == words
    assert text.count("\n") == folded.count(b"\n") + 2


def test_a_calendar_in_an_older_charset_is_read() -> None:
    content = "SUMMARY:Größe und\r\n Maß".encode("latin-1")
    assert read_text(content, mime_type="text/calendar") == "SUMMARY:Größe undMaß\n"


def test_an_address_book_of_ldap_is_read() -> None:
    written = "cn:: SsO8cmdlbg==\njpegPhoto:: /9j/4AAQ\ndescription: the wareh\n ouse\nmail: a@b"
    assert unfold_ldif(written) == "cn: Jürgen\njpegPhoto:\ndescription: the warehouse\n\nmail: a@b"


@pytest.mark.parametrize(
    "beginning",
    [
        "BEGIN:VTIMEZONE\n",
        "DESCRIPTION:<style ",
        "DESCRIPTION:<!--",
        ";BASE64",
        ";QUOTED-PRINTABLE",
        "X-ALT-DESC:<b>a\n",
    ],
)
def test_what_only_begins_often_takes_no_more_time_than_other_text(beginning: str) -> None:
    text = beginning.partition(":")[0] + ":" + beginning.partition(":")[2] * 50_000 + "\nSUMMARY:a\\, b"
    assert unfold(text).endswith("SUMMARY:a, b")
    assert unfold(beginning * 30_000 + "\nSUMMARY:a\\, b").endswith("SUMMARY:a, b")


def test_texts_of_family_trees_go_on_in_a_word_or_in_the_next_line() -> None:
    tree = "1 NOTE a long no\n2 CONC te about\n2 CONT wurtzites\n1 DATE 5 JAN 1901"
    assert unfold_family(tree) == "1 NOTE a long note about wurtzites\n\n\n1 DATE 5 JAN 1901"


def test_lines_of_a_manifest_go_on() -> None:
    assert unfold_manifest("Class-Path: lib/marmala\n de.jar\nName: a") == "Class-Path: lib/marmalade.jar\n\nName: a"
