"""Passages are tokenized once, whoever asks first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from magicfs.embedding.caching_tokenizer import CachingTokenizer

LONGEST = 3


@dataclass(frozen=True)
class Made:
    """What the tokenizer below makes of a text: a token for each word."""

    ids: list[str]
    overflowing: bool


@dataclass
class Counting:
    """A tokenizer that counts the texts which it gets."""

    texts: list[str] = field(default_factory=list)

    def get_vocab_size(self) -> int:
        return 0

    def token_to_id(self, token: str) -> int | None:
        del token
        return None

    def encode(self, text: str, *, add_special_tokens: bool = True) -> Made:
        del add_special_tokens
        self.texts.append(text)
        words = text.split()
        return Made(words[:LONGEST], overflowing=len(words) > LONGEST)

    def encode_batch(self, texts: Sequence[str]) -> list[Made]:
        encodings = [self.encode(text) for text in texts]
        longest = max(len(encoding.ids) for encoding in encodings)
        return [Made([*made.ids, *["-"] * (longest - len(made.ids))], made.overflowing) for made in encodings]


def test_a_passage_that_is_read_whole_is_tokenized_once() -> None:
    counting = Counting()
    tokenizer = CachingTokenizer(counting)
    assert tokenizer.reads_whole("one two")
    assert [made.ids for made in tokenizer.encode_batch(["one two"])] == [["one", "two"]]
    assert counting.texts == ["one two"]


def test_nothing_is_kept_of_a_passage_that_is_cut_off_nor_after_the_model_has_had_it() -> None:
    counting = Counting()
    tokenizer = CachingTokenizer(counting)
    assert not tokenizer.reads_whole("one two three four")
    assert tokenizer.reads_whole("five")
    tokenizer.encode_batch(["one two three four"])
    tokenizer.encode_batch(["five"])
    tokenizer.encode_batch(["five"])
    assert tokenizer.reads_whole("six")
    tokenizer.forget()
    tokenizer.encode_batch(["six"])
    assert counting.texts == ["one two three four", "five", "one two three four", "five", "six", "six"]


def test_several_texts_at_once_are_filled_up_to_the_longest() -> None:
    tokenizer = CachingTokenizer(Counting())
    assert tokenizer.reads_whole("one")
    assert [made.ids for made in tokenizer.encode_batch(["one", "two three"])] == [["one", "-"], ["two", "three"]]
