"""The language of a document is found in its text; metadata and code have their rules."""

import unicodedata

import pytest

from magicfs.domain.contents import Document
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from magicfs.text.language import detect_language, language_of, samples_of
from magicfs.text.language_names import normalize_language
from tests.unit.text.sentences import SENTENCES


@pytest.mark.parametrize(("code", "sentence"), SENTENCES.items())
def test_one_sentence_tells_the_language(code: str, sentence: str) -> None:
    assert detect_language([sentence]) == code


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        *SENTENCES.items(),
        ("ko", "김치찌개를 끓이려면 돼지고기와 두부가 필요합니다."),
        ("vi", "Hóa đơn của những tháng trước đều đã được thanh toán đúng hạn."),
    ],
)
def test_letters_may_be_decomposed(code: str, sentence: str) -> None:
    assert detect_language([unicodedata.normalize("NFD", sentence)]) == code


@pytest.mark.parametrize(
    "text",
    [
        *("", " \n", "README", "hello", "Ada Lovelace", "ls -la /tmp", "42 17 3.14", "====", "\ufffd\ufffd", "\u200b"),
        "192.168.0.1 GET /index.html 200",
        "0x7f3a 0xdeadbeef d41d8cd98f00b204e9800998ecf8427e",
        "https://example.org/de/rechnung/bezahlt",
        "[pytest11]\nplatformdirs = platformdirs.pytest_plugin\n",
    ],
)
def test_too_few_words_tell_nothing(text: str) -> None:
    assert detect_language([text]) is None


def test_a_readme_is_english() -> None:
    text = "# tool\n\nA small tool that renames photos.\n\n```sh\npip install tool\n```\n\nRun `tool -h` for help.\n"
    assert detect_language(samples_of(text)) == "en"


def test_the_middle_of_a_text_counts_as_much_as_its_beginning() -> None:
    text = SENTENCES["en"] * 2 + "\n" + SENTENCES["de"] * 500
    assert detect_language(samples_of(text)) == "de"


_FIELDS = (
    "Subject: Re: {}\nFrom: Thomas Schneider <thomas@example.com>\nTo: Anna Kowalska <anna@example.org>\n"
    "Cc: office@example.com, The Sales Team <sales@example.com>, The Board of Directors <board@example.com>\n"
    "Date: Tue, 14 Feb 2012 09:12:01 +0100 (2012-02-14)\nList-Id: All that is new <news.lists.example.com>\n\n"
)


@pytest.mark.parametrize(
    ("code", "subject", "text"),
    [
        ("de", "Test", "Könnt ihr bitte die Heizung im Büro prüfen, es ist eiskalt."),
        ("fr", "", "Le rendez-vous de vendredi est annulé, lundi te convient ?"),
        ("es", "Hola", "El paquete todavía no ha llegado, ¿puede comprobarlo?"),
        ("nl", "Vergadering", "De vergadering van vrijdag wordt verplaatst naar maandag."),
        ("it", "Possiamo vederci la prossima settimana, o quando va bene", "OK?"),
        ("en", "Lunch", "See you"),
    ],
)
def test_the_people_of_a_message_say_nothing_of_its_language(code: str, subject: str, text: str) -> None:
    assert language_of(Document(f"{_FIELDS.format(subject)}{text}\n", "message/rfc822")) == code
    longer = f"{_FIELDS.format(subject)}{SENTENCES[code] * 20}\n"
    assert language_of(Document(longer, "message/rfc822")) == code


def test_the_language_of_a_calendar_is_that_of_what_people_wrote_in_it() -> None:
    event = "BEGIN:VEVENT\nDTSTART:20240612T183000Z (2024-06-12 18:30)\nUID:77\nSUMMARY;LANGUAGE=x:{}\nEND:VEVENT\n"
    text = event.format("Besprechung mit dem Steuerberater")
    assert language_of(Document(text, "text/calendar")) == "de"
    assert language_of(Document(text * 50, "text/calendar")) == "de"
    assert language_of(Document(event.format(""), "text/calendar")) is None


def test_a_long_text_is_looked_at_in_a_few_places() -> None:
    samples = samples_of("word " * 1_000_000)
    assert sum(map(len, samples)) < 1000


def test_the_text_decides_before_the_metadata() -> None:
    assert language_of(Document(SENTENCES["de"], "text/html", language="en-US")) == "de"
    assert language_of(Document("Agenda", "text/html", language="nl-NL")) == "nl"
    assert language_of(Document("Agenda", "text/html")) is None


@pytest.mark.parametrize("mime_type", ["text/x-python", "application/json", "application/yaml", "text/css"])
def test_code_is_english(mime_type: str) -> None:
    assert language_of(Document(SENTENCES["de"], mime_type)) == "en"


@pytest.mark.parametrize("mime_type", ["text/plain", "text/markdown", "text/x-rst", "text/csv", "application/pdf"])
def test_everything_else_may_have_another_language(mime_type: str) -> None:
    assert language_of(Document(SENTENCES["de"], mime_type)) == "de"


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        *(
            ("en-US", "en"),
            ("de", "de"),
            ("DE_AT", "de"),
            ("deu", "de"),
            ("ger", "de"),
            (" fr ", "fr"),
            ("pt-BR", "pt"),
        ),
        *(("", None), (None, None), ("English", None), ("x-default", None), ("und", None), ("zxx", None)),
    ],
)
def test_tags_of_metadata(tag: str | None, code: str | None) -> None:
    assert normalize_language(tag) == code


def test_the_extractor_says_the_language() -> None:
    with FileExtractor(limits=Limits()) as extractor:
        document = extractor.extract(SENTENCES["de"].encode(), name=b"brief.txt")
    assert isinstance(document, Document)
    assert document.language == "de"


def test_kana_tell_japanese_from_chinese() -> None:
    assert detect_language(["麻婆豆腐:豆腐切块焯水,牛肉末炒香,加豆瓣酱、花椒、辣椒面,勾芡出锅,撒葱花。"]) == "zh"
    assert detect_language(["肉じゃが:じゃがいも四個、牛肉200g、玉ねぎ、にんじん、しらたき。"]) == "ja"
    assert detect_language(["资料里引用了一句日文「ありがとう」,其余的内容全部都是中文,没有别的外语。" * 2]) == "zh"


def test_a_japanese_form_without_kana_is_no_chinese() -> None:
    assert detect_language(["確定申告書 所得税 青色申告決算書 東京税務署長殿 事業所得 給与所得 髙橋健二"]) == "ja"
    assert detect_language(["普通預金 通帳 口座番号 三菱銀行 新宿支店 残高証明書 平成三十年 電話料金"]) == "ja"
    assert detect_language(["番茄炒雞蛋 雞蛋三個 番茄兩個 蔥花少許 鹽適量 油適量 糖少許"]) == "zh"
