"""Which texts a model reads, by what a tokenizer makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest

from magicfs.embedding.readability import TextReader, is_certainly_read, unread_share

UNKNOWN = 0


@dataclass
class Tokens:
    """A text in tokens: those that begin with `?` are unknown. They follow each other without blanks."""

    tokens: list[str]

    @property
    def text(self) -> str:
        return "".join(token.removeprefix("?") for token in self.tokens)

    @property
    def ids(self) -> list[int]:
        return [UNKNOWN if token.startswith("?") else 7 for token in self.tokens]

    @property
    def offsets(self) -> list[tuple[int, int]]:
        ends = [0]
        for token in self.tokens:
            ends.append(ends[-1] + len(token.removeprefix("?")))
        return list(pairwise(ends))


@pytest.mark.parametrize(
    ("tokens", "share"),
    [
        (["invoice", "number", "42", "!"], 0.0),
        (["?พรุ่งนี้ต้อง"], 1.0),
        (["?🦔🦔"], 1.0),
        (["п", "р", "и", "в", "е", "т"], 1.0),
        (["прив", "ет"], 0.0),
        (["л", "у", "на"], 1.0),
        (["東京", "の", "天気", "は", "晴れ"], 0.0),
        (["中", "文", "字", "典"], 0.0),
        (["中", "文", "?餐", "?馆"], 1.0),
        (["日", "本", "語", "を", "書", "き", "ま", "す"], 1.0),
        (["a", "b", "?🦔"], 1 / 3),
        (["a", "b", "c"], 0.0),
        (["12", "%", "?号"], 1.0),
        (["invoice", "?号", "?码"], 2 / 9),
        (["2024", "-", "11"], 0.0),
    ],
)
def test_letters_that_are_unknown_or_spelled_are_unread(tokens: list[str], share: float) -> None:
    made = Tokens(tokens)
    assert unread_share(made.text, made, unknown=UNKNOWN) == pytest.approx(share)


def test_a_letter_of_several_tokens_counts_once() -> None:
    class Bytes(Tokens):
        @property
        def offsets(self) -> list[tuple[int, int]]:
            return [(0, 1), (0, 1), (0, 1), (1, 2), (2, 8)]

    assert unread_share("안a words", Bytes(["x"] * 5), unknown=None) == pytest.approx(1 / 7)


@pytest.mark.parametrize(
    "text", ["invoice 42", "Grüße aus Łódź", "Tiếng Việt", "C++ 中文 in a text of English words", "", "12 + 30"]
)
def test_most_texts_need_no_tokens(text: str) -> None:
    assert is_certainly_read(text)


@pytest.mark.parametrize("text", ["番茄钟", "Привет", "12306号", "A" * 200])
def test_others_do(text: str) -> None:
    assert not is_certainly_read(text)


def test_a_reader_asks_the_tokenizer_only_where_it_must() -> None:
    asked: list[str] = []

    class Tokenizer:
        def encode(self, text: str, *, add_special_tokens: bool) -> Tokens:
            assert not add_special_tokens
            asked.append(text)
            return Tokens([f"?{text}"])

        def token_to_id(self, token: str) -> int | None:
            return UNKNOWN if token == "<unk>" else None

        def get_vocab_size(self) -> int:
            return 30_000

    reader = TextReader(Tokenizer())
    assert reader.reads("An invoice.")
    assert not reader.reads("番茄钟")
    assert asked == ["番茄钟"]


def test_single_letters_say_nothing_in_a_vocabulary_of_all_languages() -> None:
    class Tokenizer:
        """Knows each letter of Japanese, and no other."""

        def encode(self, text: str, *, add_special_tokens: bool) -> Tokens:
            return Tokens([letter if letter in "猫が眠る" else f"?{letter}" for letter in text])

        def token_to_id(self, token: str) -> int | None:
            return UNKNOWN if token == "<unk>" else None

        def get_vocab_size(self) -> int:
            return 250_000

    reader = TextReader(Tokenizer())
    assert reader.reads("猫が眠る")
    assert not reader.reads("ᚠᚢᚦ")
