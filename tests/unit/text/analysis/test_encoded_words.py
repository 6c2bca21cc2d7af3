"""What looks like an encoded word and is none adds no word to a text."""

from __future__ import annotations

import pytest

from magicfs.text.analysis.encoded_words import encoded_words


@pytest.mark.parametrize(
    "text",
    [
        r"We don't assume that $\theta$ is; in Newton's \textbf{law}, $\nabla f \neq 0$",
        r"the ``quoted'' \textit{shelf} isn't ``new'' or \textbf{narrow}",
        r"""der Eltern' Haus \nu und 'Wort' \theta, "`Wort"' \textbf{x}""",
        r'We call it "the law" of $\theta$, and "the $\theta$ rule"',
        r'27" \new \theta, 14" \tau',
        r"""re.compile(r"\new\text"), re.compile(rb'(\new)\text')""",
        r"""open('C:\new\theta.ini'), open("D:\temp\new")""",
        r"'C:\\new\\theta.ini'",
        "'\\n\\n\\n' + '\\t'",
    ],
)
def test_a_backslash_is_no_line_end_outside_of_strings_of_code(text: str) -> None:
    assert encoded_words(text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r's = "Dear guest,\nharpsichord\tvirginal"', ["guest harpsichord", "harpsichord virginal"]),
        (r"""print(f'one\ntwo three', b"it's\nnew")""", ["one two three", "s new"]),
        (r"""x = '' + '"' + 'one\n\ntwo'""", ["one two"]),
        (r"""{"text": "He didn\'t go.\r\nThen \"he\tcame\""}""", ["go Then", "he came"]),
        (r'"a long string\nthat goes on', ["string that goes on"]),
    ],
)
def test_words_behind_line_ends_in_strings_go_on(text: str, words: list[str]) -> None:
    assert encoded_words(text) == words


@pytest.mark.parametrize("text", ["XÃ HỘI ĐÃ…", "漢字Ã¤", "漢字fÃ¼r", "AMANHÃ…", "ORÐ“", "IRMÃ» e"])
def test_letters_of_two_words_are_no_letter_encoded_twice(text: str) -> None:
    assert encoded_words(text) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [("cafÃ©", "café"), ("Ã‰cole", "École"), ("GRÃœÃŸE", "GRÜßE"), ("Ð¼Ð¸Ñ€", "мир"), ("NÃO nÃ£o", "não")],
)
def test_a_word_that_was_encoded_twice_is_read(text: str, word: str) -> None:
    assert encoded_words(text) == [word]


def test_a_word_of_mail_begins_at_a_border() -> None:
    assert encoded_words("x=y=C3=BCr f=C3=BCr <b>K=C3=BChl=\nschrank") == ["yür", "für", "<b>Kühlschrank"]
