"""Statements of banks say what a payment was for in one piece, and when it was."""

from __future__ import annotations

import pytest

from magicfs.text.extract.detect import detect
from magicfs.text.extract.plain.decoding import read_text

STATEMENT = """:20:STARTUMS
:25:10020030/1234567
:28C:00001/001
:60F:C210101EUR1000,00
:61:2101020102DR25,50N033NONREF
:86:105?00LASTSCHRIFT?20EREF+2021-7?23SVWZ+Rechnung fuer Xylophon?24laden
 Hannover?31DE89370400440532013000?32Gesellschaft fuer Wassersport?33freunde
:62F:C210102EUR974,50
-
"""


@pytest.mark.parametrize("name", [b"umsatz.sta", b"umsatz.txt", b"STARMON.0102"])
def test_the_purpose_of_a_payment_is_whole(name: bytes) -> None:
    content = STATEMENT.encode()
    text = read_text(content, mime_type=detect(content, name=name).mime_type)
    assert text is not None
    assert text.count("\n") == STATEMENT.count("\n")
    for words in (
        "2021-01-02 25,50",
        "SVWZ+ Rechnung fuer Xylophonladen Hannover",
        "Gesellschaft fuer Wassersportfreunde",
    ):
        assert words in text


def test_a_text_that_is_no_statement_stays() -> None:
    assert detect(b":20: is the time\n", name=b"a.txt").mime_type == "text/plain"


def test_fields_of_quicken_stand_apart_from_their_values() -> None:
    read = read_text(b"!Type:Bank\nD1/5'21\nPCapercaillie Ltd\nMweekly shop\n^\n", mime_type="text/x-qif")
    assert read == "!Type:Bank\nD 1/5/2021\nP Capercaillie Ltd\nM weekly shop\n^\n"


def test_days_of_entries_are_as_people_write_them() -> None:
    read = read_text(b"<DTPOSTED>20210105120000[-5:EST]<NAME>A &amp; B", mime_type="application/x-ofx")
    assert read == "<DTPOSTED>20210105120000[-5:EST] (2021-01-05)<NAME>A & B"
    assert read_text(b"<MEMO>Cash<BR/>Out", mime_type="application/x-ofx") == "<MEMO>Cash Out"
