"""Notes that Evernote exports are read as a person sees them, on the lines of the file."""

from __future__ import annotations

from magicfs.text.extract.plain.decoding import read_text
from magicfs.text.extract.plain.exported_notes import NOTES_TYPE

NOTES = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE en-export SYSTEM "http://xml.evernote.com/pub/evernote-export4.dtd">
<en-export export-date="20230101T101010Z" application="Evernote">
<note><title>Pantry &amp; more</title><created>20221103T081500Z</created><tag>preserves</tag>
<content><![CDATA[<?xml version="1.0"?><!DOCTYPE en-note SYSTEM "http://xml.evernote.com/pub/enml2.dtd">
<en-note><div>buy <b>Se</b>ville&nbsp;oranges</div><div>K&auml;se <span
 style="color:red">mar</span>malade</div><en-todo/></en-note>]]></content>
<resource><data encoding="base64">
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9
</data><recognition><![CDATA[<?xml version="1.0"?><recoIndex docType="picture"><item x="1"><t w="87">QUINCE</t>
<t w="60">GUINEE</t></item></recoIndex>]]></recognition>
<resource-attributes><file-name>label.png</file-name></resource-attributes></resource></note>
</en-export>
"""


def test_notes_are_read_as_a_person_sees_them() -> None:
    read = read_text(NOTES.encode(), mime_type=NOTES_TYPE)
    assert read is not None
    words = " ".join(read.split())
    assert "Pantry & more 2022-11-03 08:15 preserves" in words
    assert "buy Seville oranges" in words
    assert "Käse marmalade" in words
    assert "QUINCE label.png" in words
    assert not any(no in read for no in ("GUINEE", "iVBORw0", "<", "en-note", "CDATA"))


def test_lines_stay_lines() -> None:
    read = read_text(NOTES.encode(), mime_type=NOTES_TYPE)
    assert read is not None
    assert read.count("\n") == NOTES.count("\n")
    assert "Seville" in read.split("\n")[5]
    assert read_text(b"<title>Quince&#10;&amp;#13;jelly</title>\n", mime_type=NOTES_TYPE) == " Quince jelly \n"


def test_words_in_pictures_without_an_end_take_no_longer() -> None:
    read = read_text(b"<recoIndex>\n" * 100_000 + b"quince", mime_type=NOTES_TYPE)
    assert read is not None
    assert (read.count("\n"), read.strip()) == (100_000, "quince")
