"""Text in a font that is not in the file is read where characters stand alone, and from top to bottom."""

from __future__ import annotations

import pytest

from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.pdf.pdf_text import PdfFile
from tests.integration.text.reading import read
from tests.plugins.pdf import pdf_of_objects

_DESCRIPTOR = (
    b"<</Type/FontDescriptor/FontName/Foo/Flags 32/StemV 88/Ascent 859/Descent -141/ItalicAngle 0/CapHeight 684"
)


def pdf_without_font(drawing: bytes, *, encoding: str, ordering: str) -> bytes:
    """A page with this drawing, in a font of which the file has the name alone."""
    system = f"<</Registry(Adobe)/Ordering({ordering})/Supplement 2>>".encode()
    return pdf_of_objects(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing),
            f"<</Type/Font/Subtype/Type0/BaseFont/Foo/Encoding/{encoding}/DescendantFonts[6 0 R]>>".encode(),
            b"<</Type/Font/Subtype/CIDFontType2/BaseFont/Foo/CIDSystemInfo%s/FontDescriptor 7 0 R>>" % system,
            _DESCRIPTOR + b"/FontBBox[-8 -145 1000 859]>>",
        ]
    )


def drawn(text: bytes, *, at: int = 50, mode: int = 0) -> bytes:
    return b"BT /F1 12 Tf %d Tr %d 700 Td <%s> Tj ET\n" % (mode, at, text.hex().encode())


def test_characters_that_were_recognised_one_by_one_are_read(extractor: FileExtractor) -> None:
    text = "关于公司年度报告的说明"
    drawing = b"".join(drawn(one.encode("gbk"), at=50 + 12 * place, mode=3) for place, one in enumerate(text))
    content = pdf_without_font(drawing, encoding="GBK-EUC-H", ordering="GB1")
    assert read(extractor, content, b"a.pdf").text.strip() == text


@pytest.mark.parametrize(
    ("text", "encoding", "charset", "ordering"),
    [
        ("年度の報告と財務の説明", "UniJIS-UTF16-V", "utf-16-be", "Japan1"),
        ("年度の報告と財務の説明", "90ms-RKSJ-V", "cp932", "Japan1"),
        ("公司年度報告的說明", "ETen-B5-V", "big5", "CNS1"),
        ("公司年度报告的说明", "GBK-EUC-V", "gbk", "GB1"),
        ("올해보고서의설명", "KSC-EUC-V", "euc_kr", "Korea1"),
    ],
)
def test_text_from_top_to_bottom_is_read(
    extractor: FileExtractor, text: str, encoding: str, charset: str, ordering: str
) -> None:
    content = pdf_without_font(drawn(text.encode(charset)), encoding=encoding, ordering=ordering)
    assert read(extractor, content, b"a.pdf").text.strip() == text


def test_nothing_is_drawn_in_its_place() -> None:
    """OCR would read boxes as letters."""
    content = pdf_without_font(drawn("公司年度报告".encode("gbk")), encoding="GBK-EUC-H", ordering="GB1")
    with PdfFile(content) as file:
        assert file.picture(0, dpi=72, max_pixels=2000).convert("L").getextrema() == (255, 255)
