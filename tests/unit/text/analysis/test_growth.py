"""The time that a text or a question takes grows with its length, whatever it has."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import product

import pytest

from magicfs.text.analysis import analyze, question_terms, words
from magicfs.text.analysis.dates import whole_date
from magicfs.text.analysis.forms import word_forms
from magicfs.text.analysis.months import month_number
from magicfs.text.analysis.stated_days import days_of_name

CHARACTERS = 1200
"""Of the short text; the long one has four times as many."""
SLOWER = 8
"""How many times as long it may take, on a busy machine; where each character takes the time of all, it is sixteen."""
FREE_SECONDS = 0.025
"""Of the processor, which the long one may take in any case: the short one is not looked at then."""
ATTEMPTS = 4

RUNS = [
    *(
        "a",
        "A",
        "aB",
        "ä",
        "a\u0301",
        "\u0301",
        "щ",
        "ב",
        "ا",
        "क्",
        "ก",
        "\u0e4d\u0e48",
        "东",
        "一",
        "十",
        "第一条",
        "年",
        "ー",
    ),
    *(
        "가",
        "는",
        "引き",
        "innen",
        "a:in",
        "a*in",
        "str",
        "straße",
        "uhr",
        "operator",
        "ﬁ",
        "\U00020000",
        "\u1100",
        "🎉",
        "√2",
        "a b ",
        "我 ",
        "ダ・",
        "word\u00b9 ",
    ),
    *("1", "12 ", "1.", "1,", "1-", "1/", "1 1", "+1", "(0", "1x", "1 x ", "×", "²", "07 12", "DE12 3456 ", "12 34"),
    *(
        "¥",
        "$",
        "$1",
        "1 $",
        "€45 ",
        "45 EUR ",
        "try ",
        "1 percent ",
        "1%",
        "5um",
        "A 1",
        "AB1",
        "12pm ",
        "1 p. m",
        "h",
    ),
    *(
        ".",
        "-",
        "->",
        "-->",
        "-\n",
        "a-\n",
        "ヴ-\n",
        "a-",
        "\n",
        " ",
        "_",
        "a_",
        "a.",
        "A.",
        "a/",
        "//",
        "://",
        "@",
        "#",
        "a++",
    ),
    *(
        "%C3%A4",
        "=",
        "=?a?b?c?=",
        "=C3=A4",
        "&amp;",
        "a'",
        '"',
        "\\n",
        "'\\n",
        "*",
        "**",
        "a*",
        "~",
        "a~",
        "^a",
        "x^{2}",
    ),
    *(
        "[",
        "[[",
        "](",
        "](()",
        "[a](",
        "][",
        "[a][",
        "[/b]",
        "<",
        "</a>",
        "<a ",
        "`a <",
        "\x1b[",
        "\x1b]8;;",
        "a\b",
        "[1;",
    ),
    *(
        "tháng ",
        "May 2020 ",
        "12 May ",
        "2020年",
        "2020-01",
        "12.11.",
        "3rd ",
        "iv ",
        "a iv ",
        "\u00ad",
        "ب\u200c",
        "\u200b",
    ),
    *("l\u00b7l", "\u00ac\n", "\u00a7 ", "№", "º", "ні'", 'ב"', "Ã¤", "1 \u03bcm ", "ᾳ", "か\u3099", "a/~A.1-"),
    *("1\u00b0 ", "\u00b11", "የ", "ություն", "გ", "壹", "二万三千元", "M.Sc. ", "a1.1"),
    *("2024-01-31T12:30:45", "#define ", "~/", "operator[", "E="),
]
IN_ASCII = (
    " \x1b[0m [0m \b &amp; %C3%A4 \\n =? =C3=A4 innen *in --> -\n T: ** == ~~ ^ ]( ][ [[ >`_ [/b] </a> 1 2 1 A A 1"
    " 1 pm .m 2020 $ x 1 x 2 "
)
GUARDS = f"{IN_ASCII} Ã¤ × ² · ¬\n ° ± § № º ’ \u00ad 月 tháng \u200c ー \u03bc "
"""What the rules look for first: most are not applied to a text without it."""
NUMBERED = [
    *("# ", "# 000 ", "$# ", "# $ ", "# eur ", "eur # ", "# km ", "# percent ", "w# ", "AB # ", "kw 0# ", "#rd third "),
    *(
        "chapter # ",
        "#:30 ",
        "#pm ",
        "# x # ",
        "#x# ",
        "+49 # 123 ",
        "0#-123-456 ",
        "#.#.# ",
        "#/# ",
        "第#条",
        "w#-v# ",
    ),
    *(
        "w#_v# ",
        "w#/",
        "w#.v# ",
        "w#:in ",
        "Wx#Yz ",
        "ب#\u200cب ",
        "12 May # ",
        "# may 2020 ",
        "#-10-2020 ",
        "w#@x.org ",
    ),
    *("http://w#.org/v# ", "[w#](v#) ", "<a w#>v#</a> ", "%C3%A4# ", "=C3=A4# ", "w#str ", "#% ", "# of # ", "가#나 "),
    *(
        "$#M ",
        "#k € ",
        "# million ",
        "chapter # ",
        "chapter five",
        "Thu # ",
        "fy# ",
        "w# straße ",
        "1.2.# ",
        "# degrees ",
        "#\u00b0C ",
        "w#.10 ",
    ),
]
"""Units whose number sign is another number each time."""

KINDS: dict[str, Callable[[str], object]] = {
    "text": lambda text: analyze(text, language="de"),
    "question": lambda text: question_terms(text, languages=["en", "de", "pt", "ar", "he", "sv"]),
    "day": lambda text: (whole_date(text), days_of_name(text)),
}


def _repeated(unit: str, length: int) -> str:
    count = length // len(unit) + 1
    return "".join([unit.replace("#", str(number)) if unit in NUMBERED else unit for number in range(count)])[:length]


def _seconds(kind: Callable[[str], object], text: str) -> float:
    """The time of the processor for a text of which nothing is remembered."""
    words._memories.clear()
    word_forms.cache_clear()
    month_number.cache_clear()
    began = time.process_time()
    kind(text)
    return time.process_time() - began


@pytest.fixture(scope="module", autouse=True)
def _tables() -> None:
    """What the first text in a script makes."""
    for kind in KINDS.values():
        kind("warm дом 東京 ก क 가 1 May 2020" + GUARDS)


@pytest.mark.parametrize("unit", [*RUNS, *NUMBERED], ids=ascii)
def test_a_text_of_four_times_the_length_takes_some_four_times_as_long(unit: str) -> None:
    guards = [GUARDS, IN_ASCII] if unit.isascii() else [GUARDS]
    for (name, kind), guard in product(KINDS.items(), guards):
        short, long = (_repeated(unit, length) + guard for length in (CHARACTERS, 4 * CHARACTERS))
        least, most = [], []
        for _ in range(ATTEMPTS):
            most.append(_seconds(kind, long))
            if min(most) <= FREE_SECONDS:
                break
            least.append(_seconds(kind, short))
            if min(most) <= SLOWER * min(least) + FREE_SECONDS:
                break
        else:
            pytest.fail(f"{name}, ASCII {guard.isascii()}: {min(least):.3f} and {min(most):.3f} seconds")
