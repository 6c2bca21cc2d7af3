"""RTF is read as a person sees it."""

from __future__ import annotations

import pytest

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import lines, read


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (rb"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset238 Arial CE;}}\f1\'c8l\'e1nek \f0caf\'e9", "Článek café"),
        (rb"{\fonttbl{\f0\fcharset128 \'82l\'82r;}}\f0\'8c\'9f\'8d\'f5", "検索"),
        (rb"{\fonttbl{\f0\fcharset134 Song;}}\f0\uc2\u24565\'c4\'ee \'c4\'ea", "念 年"),
        (rb"{\fonttbl{\f0\fcharset2 Symbol;}{\f1 Arial;}}{\f0\'b7\tab}\f1 one", "•\tone"),
        (rb"Fax{\cell}Phone\cell\row After", "Fax\tPhone\t\nAfter"),
        (rb"shown{\v  hidden} again\v  gone\v0", "shown again"),
        (rb"kept {\deleted\revauthdel1 gone}and \deleted away\deleted0 here", "kept and here"),
        (rb"{\pict\pngblip 89504e47}{\*\blipuid 99}{\upr{ansi}{\*\ud{\u1103?}}} {\pict\bin5 }}}}}x", "я"),
        (rb"non\_breaking\~space and soft\-hyphen\emdash", "non-breaking\xa0space and softhyphen—"),
    ],
)
def test_rtf_is_read_as_it_is_shown(extractor: FileExtractor, written: bytes, shown: str) -> None:
    content = rb"{\rtf1\ansi\ansicpg1252\uc1\deff0 " + written + rb"\par}"
    assert read(extractor, content, b"a.rtf").text.strip() == shown


def test_the_author_and_the_headers_of_rtf_are_read(extractor: FileExtractor) -> None:
    content = (
        rb"{\rtf1\ansi{\info{\title Heron}{\author Axel D\'f6rfler}}{\header The Marsh\par}{\footer Page {\field"
        rb"{\*\fldinst PAGE}{\fldrslt 1}}\par}The text{\super 1{\footnote a note}} goes on\par}"
    )
    document = read(extractor, content, b"a.rtf")
    assert (document.title, document.author) == ("Heron", "Axel Dörfler")
    assert lines(document.text) == ["The text1 goes on", "The Marsh", "Page 1", "a note"]


def test_text_behind_a_style_of_letters_is_read(extractor: FileExtractor) -> None:
    content = (
        rb"{\rtf1\ansi{\stylesheet{\*\cs7 Teletype;}}{\f2\i0\*\cs7\cf0 The weir}{\*\cs7  is steep}{\*\other not shown}"
        b"{\n\\*\\other nor this}\\par}"
    )
    assert lines(read(extractor, content, b"a.rtf").text) == ["The weir is steep"]


def test_footnotes_of_rtf_that_old_programs_skip_are_read(extractor: FileExtractor) -> None:
    content = (
        rb"{\rtf1\ansi The weir{\super\chftn}{\*\footnote\chftn\~\plain\pard{\pard\ql built in 1774\par}{\pard and"
        rb" mended since\par}} is steep\par{\*\bookmarkstart hidden}}"
    )
    assert lines(read(extractor, content, b"a.rtf").text) == ["The weir is steep", "built in 1774", "and mended since"]


def test_words_that_are_drawn_as_shapes_in_rtf_are_read(extractor: FileExtractor) -> None:
    properties = (
        rb"{\sp{\sn rotation}{\sv 90}}{\sp{\sn gtextUNICODE}{\sv F\u234 ?te \'e0 midi}}{\sp{\sn gtextFont}{\sv Arial}}"
    )
    content = rb"{\rtf1\ansi see {\shp{\*\shpinst\shpleft0" + properties + rb"{\shptxt\par}}}below\par}"
    assert lines(read(extractor, content, b"a.rtf").text) == ["see below", "Fête à midi"]


def test_forms_of_lists_of_rtf_are_no_text(extractor: FileExtractor) -> None:
    levels = rb"{\listlevel\levelnfc0{\leveltext \'02\'00.}{\levelnumbers \'01}}{\listname List1382206859;}"
    assert lines(read(extractor, rb"{\rtf1\ansi{\list" + levels + rb"}see below\par}", b"a.rtf").text) == ["see below"]
