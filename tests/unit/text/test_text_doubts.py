"""Which texts of pages are put together anew from their glyphs, and when that is better."""

from __future__ import annotations

import pytest

from magicfs.text.extract.pdf.text_doubts import is_better, is_doubtful, is_written_from_right

TEXT = "The commissioners of the harbour, who publish a report on dredging and on repairs of the quay each year. " * 20


@pytest.mark.parametrize(
    "words",
    [
        *("Q u a r t e r l y dredging", "S\np\na\nr\ns\ni\nt\ny", "inter r upted the t ranspor t ation"),
        *("TThhee hhaarrbboouurr", "เรือรื", "He re i s so me dre dg i ng"),
    ],
)
def test_words_that_are_torn_apart_doubled_or_repeated_are_doubtful(words: str) -> None:
    assert is_doubtful(words)


@pytest.mark.parametrize(
    "text",
    [
        *(TEXT, "Table 1 2 3 4 5 6", "lirios y rosas o una a una", "AAAAAA xxxxxxxx", "the year 年 of the 港"),
        "if we go to the quay at six the harbour is open",
    ],
)
def test_words_numbers_and_short_words_are_not_doubtful(text: str) -> None:
    assert not is_doubtful(text)


def test_letters_that_are_written_from_the_right_are_seen() -> None:
    assert is_written_from_right("the name is נמל")
    assert not is_written_from_right("the name is Čapek")


def test_a_text_with_words_instead_of_letters_is_better_unless_it_lacks_most() -> None:
    assert is_better("Quarterly dredging", than="Q u a r t e r l y dredging")
    assert is_better("The harbour", than="TThhee hhaarrbboouurr")
    assert is_better("เรือ", than="เรือรื")
    assert not is_better("Q u a r t e r l y", than="Q u a r t e r l y")
    assert not is_better("Q", than="Q u a r t e r l y")
