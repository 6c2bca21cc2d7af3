"""What films, recordings and songs say of themselves is their text."""

from __future__ import annotations

import io
import struct
import wave
from datetime import UTC, datetime

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read
from tests.plugins.documents import song
from tests.plugins.films import (
    atom,
    audio_book,
    avi_film,
    camera_film,
    film,
    film_with_texts,
    phone_film,
    podcast,
    unsynchronised_song,
)


def test_a_song_is_found_by_its_tags(extractor: FileExtractor) -> None:
    content = song(title="Lied der Wolga", artist="Chor", album="Ströme", year="1987")
    document = read(extractor, content, b"01.mp3")
    assert (document.title, document.author) == ("Lied der Wolga", "Chor")
    assert "Ströme" in document.text
    assert "1987" in document.text


def test_a_song_is_found_by_what_its_programs_add(extractor: FileExtractor) -> None:
    frames = {
        b"TXXX": b"\3mood\0wistful",
        b"TDES": b"\3a talk about lichens",
        b"PCST": b"\0\0\0\1",
        b"TSSE": b"\3Lavf59",
    }
    body = b"".join(name + len(data).to_bytes(4, "big") + b"\0\0" + data for name, data in frames.items())
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    text = read(extractor, b"ID3\3\0\0" + size + body + bytes(100), b"a.mp3").text
    assert text.splitlines() == ["Mood: wistful", "Description: a talk about lichens"]


@pytest.mark.parametrize("beginning", [b"MAC \x96\x0f", b"wvpk\x20\0\0\0\x10\x04", b"MPCKSH", b"\xff\xfb\x90d"])
def test_a_song_is_found_by_a_tag_at_its_end(extractor: FileExtractor, beginning: bytes) -> None:
    texts = {b"Title": "Lied der Wolga", b"Artist": "Chor\0Solo", b"Mood": "Ströme", b"Track": "7", b"Year": "1987"}
    entries = [(key, text.encode(), 0) for key, text in texts.items()] + [(b"Cover Art", b"a.jpg\0wistful", 2)]
    tag = b"".join(struct.pack("<II", len(data), kind) + key + b"\0" + data for key, data, kind in entries)
    footer = b"APETAGEX" + struct.pack("<4I8x", 2000, len(tag) + 32, len(entries), 1 << 31)
    document = read(extractor, beginning + bytes(3000) + tag + footer, b"01.ape")
    assert (document.title, document.author) == ("Lied der Wolga", "Chor")
    assert document.text.split("\n") == ["Title: Lied der Wolga", "Artist: Chor, Solo", "Mood: Ströme", "Year: 1987"]


def test_a_film_in_matroska_is_found_by_its_tags_and_chapters(extractor: FileExtractor) -> None:
    content = film(
        title="Voyage of the Narwhal", chapter="Under the ice", tags={"ARTIST": "H. Moen", "ENCODER": "Lavf"}
    )
    document = read(extractor, content, b"a.mkv")
    assert (document.title, document.author) == ("Voyage of the Narwhal", "H. Moen")
    assert "Under the ice" in document.text
    assert "Lavf" not in document.text


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_a_damaged_film_is_no_error(extractor: FileExtractor, cut: int) -> None:
    content = film(title="Voyage", chapter="Ice", tags={"ARTIST": "H. Moen"})
    assert isinstance(extractor.extract(content[: 40 + cut], name=b"a.mkv"), Document | Unreadable)


def test_a_film_of_a_phone_says_when_and_where_it_was_taken(extractor: FileExtractor) -> None:
    content = phone_film(
        {
            "com.apple.quicktime.creationdate": "2019-05-14T18:03:11+0200",
            "com.apple.quicktime.location.ISO6709": "+41.9028+012.4964+052.000/",
            "com.apple.quicktime.make": "Apple",
            "com.apple.quicktime.title": "The fountain",
        }
    )
    document = read(extractor, content, b"IMG_1.MOV")
    assert document.title == "The fountain"
    for line in ("Date: 2019-05-14 18:03, Tuesday 14 May 2019", "Place: 41.90280, 12.49640", "Camera: Apple"):
        assert line in document.text.splitlines()


def test_sound_without_tags_has_no_text(extractor: FileExtractor) -> None:
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes(100))
    assert extractor.extract(data.getvalue(), name=b"a.wav") == Unreadable(SkipReason.BINARY, "sound or a film")


@pytest.mark.parametrize(
    ("charset", "title", "artist"),
    [
        ("cp1251", "Группа крови", "Кино"),
        ("gbk", "月亮代表我的心", "邓丽君"),
        ("cp932", "上を向いて歩こう", "坂本九"),
        ("euc-kr", "나는 나비", "윤도현 밴드"),
        ("utf-8", "Ночной дозор", "Björk"),
    ],
)
def test_tags_in_another_charset_than_they_say_are_read(
    extractor: FileExtractor, charset: str, title: str, artist: str
) -> None:
    content = song(title=title, artist=artist, charset=charset)
    document = extractor.extract(content, name=b"a.mp3")
    assert isinstance(document, Document)
    assert (document.title, document.author) == (title, artist)


def test_tags_with_accents_stay_what_they_are(extractor: FileExtractor) -> None:
    document = extractor.extract(song(title="Für Elise", artist="Mötley Crüe", charset="latin-1"), name=b"a.mp3")
    assert isinstance(document, Document)
    assert (document.title, document.author) == ("Für Elise", "Mötley Crüe")


def test_a_film_in_avi_says_what_it_is(extractor: FileExtractor) -> None:
    content = avi_film({b"INAM": "Fahrt nach Öland".encode("cp1252"), b"ICMT": b"filmed by Wilhelmina"})
    document = read(extractor, content, b"AVI0001.avi")
    assert document.title == "Fahrt nach Öland"
    assert "filmed by Wilhelmina" in document.text


@pytest.mark.parametrize(
    "content",
    [
        podcast(["An interview", "Dandelion wine"]),
        audio_book(["An interview", "Dandelion wine"]),
        film_with_texts(["An interview", "Dandelion wine"], handler=b"text"),
    ],
)
def test_the_chapters_of_sound_are_read(extractor: FileExtractor, content: bytes) -> None:
    assert read(extractor, content, b"a").text == "Chapter: An interview, Dandelion wine"


def test_a_film_of_a_camera_says_when_it_was_made(extractor: FileExtractor) -> None:
    made = int((datetime(2006, 7, 9, 21, tzinfo=UTC) - datetime(1904, 1, 1, tzinfo=UTC)).total_seconds())
    assert read(extractor, camera_film(made=made), b"MVI_0042.MOV").text == "Date: 2006-07-09, Sunday 09 July 2006"
    dated = phone_film({"com.apple.quicktime.creationdate": "2006-07-10T01:00:00+0400"}, made=made)
    assert read(extractor, dated, b"a.mov").text == "Date: 2006-07-10 01:00, Monday 10 July 2006"


def test_a_film_of_an_old_macintosh_is_read(extractor: FileExtractor) -> None:
    title = "Überlingen".encode("mac-roman")
    fields = atom(b"udta", atom(b"\xa9nam", len(title).to_bytes(2, "big") + bytes(2) + title))
    content = atom(b"wide", b"") + atom(b"mdat", bytes(8)) + atom(b"moov", atom(b"mvhd", bytes(100)) + fields)
    assert read(extractor, content, b"holiday.mov").title == "Überlingen"


def test_a_film_whose_clock_was_never_set_has_no_date(extractor: FileExtractor) -> None:
    assert isinstance(extractor.extract(camera_film(made=3600), name=b"MVI_0042.MOV"), Unreadable)


@pytest.mark.parametrize(("version", "extended"), [(3, False), (3, True), (4, False)])
def test_a_song_whose_texts_have_zeros_for_old_players_is_read(
    extractor: FileExtractor, version: int, extended: bool
) -> None:
    content = unsynchronised_song("Lied der ÿ Wolga", version=version, extended=extended)
    assert read(extractor, content, b"a.mp3").title == "Lied der ÿ Wolga"


STYLED = rb"1,0,Default,,0,0,0,,the {\i1}hyssop{\i0}, and\Nthe lovage"


@pytest.mark.parametrize(
    "content",
    [
        film(title="Oregano", subtitles=[b"Mind the step", b"the <i>hyssop</i>, and\r\nthe lovage"]),
        film(title="Oregano", subtitles=[b"0,0,Default,,0,0,0,,Mind the step", STYLED], codec="S_TEXT/ASS"),
        film_with_texts(["Mind the step", "", "the hyssop, and\nthe lovage"], handler=b"sbtl"),
    ],
)
def test_the_subtitles_in_a_film_are_read(extractor: FileExtractor, content: bytes) -> None:
    text = read(extractor, content, b"a.mkv").text
    assert text.endswith("Mind the step\nthe hyssop, and the lovage")
    assert "not for people" not in text


@pytest.mark.parametrize("cut", range(8, 200, 9))
def test_a_film_that_is_cut_anywhere_costs_its_end_alone(extractor: FileExtractor, cut: int) -> None:
    for content in (podcast(["An interview"]), audio_book(["An interview"]), avi_film({b"INAM": b"Oregano"})):
        extractor.extract(content[:cut], name=b"a")
        assert read(extractor, content, b"a").text
