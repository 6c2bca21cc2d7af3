"""`.passages` has one line a passage, and `.context` the best ones that fit into a budget of tokens."""

import pytest

from magicfs.domain.results import Coverage, Hit, SearchResult, Snippet
from magicfs.search.context import context_text, passages_for, passages_text
from tests.fakes.hits import make_hit

HIT = make_hit(
    root_path=b"/data",
    path=b"in/caf\xe9.txt",
    first_line=3,
    last_line=9,
    page=None,
    shown=Snippet("the snippet"),
    text="the whole\n\n  passage",
    tokens=30,
)


def result(*hits: Hit) -> SearchResult:
    return SearchResult(query="q", took_ms=1.0, coverage=Coverage(2, 2, 2, 0), hits=hits)


def test_passages_are_one_line_each_with_the_paths_own_bytes() -> None:
    hits = (HIT, HIT._replace(path=b"two\nlines", text="second"), HIT._replace(path=b"a.pdf", page=4, text="third"))
    assert passages_text(result(*hits)) == (
        b"/data/in/caf\xe9.txt:3-9: the whole passage\n/data/two?lines:3-9: second\n/data/a.pdf#page=4:3-9: third\n"
    )


def test_a_context_has_the_texts_below_their_places() -> None:
    hits = (HIT, HIT._replace(path=b"a.pdf", page=4, text="on page four"))
    assert context_text(result(*hits), tokens=1000) == (
        b"/data/in/caf\xe9.txt:3-9\nthe whole\n\n  passage\n\n/data/a.pdf#page=4\non page four\n"
    )


def test_passages_and_a_context_have_no_terminal_sequences() -> None:
    hit = HIT._replace(text="\x1b[31mFAILED\x1b[0m b\bbo\bol\bld\bd")
    assert passages_text(result(hit)).endswith(b": FAILED bold\n")
    assert context_text(result(hit), tokens=1000).endswith(b"\nFAILED bold\n")


def test_a_context_keeps_to_its_budget_and_takes_what_fits() -> None:
    hits = (HIT, HIT._replace(text="long " * 500, tokens=500), HIT._replace(text="short", tokens=3))
    text = context_text(result(*hits), tokens=60)
    assert b"the whole" in text
    assert b"long" not in text
    assert b"short" in text


def test_the_best_passage_is_cut_when_it_does_not_fit() -> None:
    sentences = "".join(f"This is sentence {number}. " for number in range(100)).strip()
    text = context_text(result(HIT._replace(text=sentences, tokens=600)), tokens=70).decode("utf-8", "replace")
    head, _, body = text.partition("\n")
    assert head.endswith(":3-9")
    assert body.startswith("This is sentence 0. ")
    assert body.endswith(".…\n")
    assert len(body) < len(sentences) / 8


@pytest.mark.parametrize("tokens", [0, 5])
def test_a_budget_for_nothing_gives_nothing(tokens: int) -> None:
    assert context_text(result(HIT), tokens=tokens) == b""


def test_a_text_that_several_files_have_is_there_once() -> None:
    text = context_text(result(HIT, HIT._replace(path=b"copy")), tokens=1000)
    assert text.count(b"the whole") == 1


def test_a_larger_budget_takes_more_passages() -> None:
    assert passages_for(1) == passages_for(2000) == 20
    assert passages_for(4000) == 40
