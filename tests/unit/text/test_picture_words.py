"""What OCR gives of a picture is text, or what it sees in drawings and photographs."""

from __future__ import annotations

import pytest

from magicfs.text.extract.documents.document_pictures import DocumentPictures
from tests.plugins.pictures import picture_of


@pytest.mark.parametrize(
    "words",
    [
        "Marmalade needs bitter oranges",
        "发 票 总 额 为 人 民 币 五 千 元 整 , 请 于 月 底 前 支 付 。",
        "发票总额为人民币五千元整,请于月底前支付。",
        "請 求 の 金 額 は 五 千 円 で す 。 期 限 は 月 末\nで す",
        "พรุ่งนี้ เรา จะ ไป ที่ แม่น้ำ ด้วย กัน",
        "कृपया भुगतान की रसीद इस महीने के अंत तक भेजें",
        "فاتورة رقم 1234 بقيمة خمسة آلاف دولار مستحقة",
    ],
)
def test_words_of_every_script_are_text(words: str) -> None:
    assert recognised(words) == words


@pytest.mark.parametrize("signs", ["a , . | i ~ l ; o ' e = r - t _ n : w ^ c", "| — ~ .. oo _ — | / ee -- ~ ., nn"])
def test_single_letters_and_signs_are_none(signs: str) -> None:
    assert recognised(signs) == ""


def recognised(words: str) -> str:
    picture = picture_of("Marmalade")
    return DocumentPictures(lambda _: picture, recognise=lambda _: words, seconds=60).recognise(0)
