"""A language is named by its code, by its tag, in English, and as its speakers call it."""

import subprocess
import sys

import pytest

from magicfs.text.analysis import fold
from magicfs.text.language_names import NAMES, language_codes
from tests.unit.text.sentences import SENTENCES


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        *[(name, ("de",)) for name in ("de", "DE", "deu", "ger", "de-AT", "de_CH", "German", "german", "Deutsch")],
        *[(name, ("zh",)) for name in ("zh", "zho", "zh-Hans-CN", "chinese", "中文", "漢語")],
        *[(name, ("fr",)) for name in ("français", "FRANCAIS", "franc\u0327ais")],
        *[("ไทย", ("th",)), ("日本語", ("ja",)), ("עברית", ("he",)), ("العربية", ("ar",)), ("हिन्दी", ("hi",))],
        *[("Tiếng  Việt", ("vi",)), ("in", ("id",)), ("iw", ("he",)), ("fil", ()), ("per", ("fa",))],
        *[("norsk", ("no", "nb", "nn")), ("nb", ("nb", "no")), ("nn", ("nn",))],
    ],
)
def test_a_language_has_many_names(name: str, codes: tuple[str, ...]) -> None:
    assert language_codes(name) == codes


@pytest.mark.parametrize("name", ["", " ", "d", "xx", "klingon", "module", "de-", "de:x", "text/html", "C++", "*"])
def test_other_words_are_no_languages(name: str) -> None:
    assert language_codes(name) == ()


def test_no_two_languages_have_one_name() -> None:
    names = [(fold(name), code) for code, names in NAMES.items() for name in names.split("/")]
    assert len(dict(names)) == len(set(names))


def test_every_language_that_is_detected_has_a_name() -> None:
    assert set(SENTENCES) <= set(NAMES)


def test_names_load_no_detector() -> None:
    program = "import sys, magicfs.text.language_names; print('fasttext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"False\n"
