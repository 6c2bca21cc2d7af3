"""Snippets show why a chunk was found."""

from hypothesis import given
from hypothesis import strategies as st

from magicfs.search.snippet import LENGTH, Snippets

FILLER = "lorem ipsum dolor sit amet " * 20


def test_a_short_text_is_shown_whole_on_one_line() -> None:
    assert Snippets(["x"]).cut("one\n\ttwo  three\x00\x07") == "one two three"


def test_it_is_where_most_different_words_are() -> None:
    text = FILLER + "tax tax tax " + FILLER + "the invoices for the taxes of May " + FILLER
    shown = Snippets(["tax", "invoice"]).cut(text)
    assert "invoices for the taxes" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")


def test_without_words_it_is_the_beginning() -> None:
    assert Snippets([]).cut("Begin " + FILLER).startswith("Begin lorem")
    assert Snippets(["absent"]).cut("Begin " + FILLER).startswith("Begin lorem")


@given(st.text(max_size=2000), st.lists(st.text(max_size=20), max_size=5))
def test_any_text_gives_one_short_printable_line(text: str, words: list[str]) -> None:
    shown = Snippets(words).cut(text)
    assert len(shown) <= LENGTH + 2
    assert shown.isprintable()
