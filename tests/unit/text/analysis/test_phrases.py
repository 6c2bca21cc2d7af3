"""What phrases find in texts, without a database."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.text.analysis import analyze, phrase_query, phrase_words, question_terms
from magicfs.text.analysis.readable import readable
from tests.unit.text.analysis.vectors import positions


def _has_phrase(text: str, phrase: str) -> bool:
    """Whether the condition of a phrase holds for a text, as Postgres would say."""
    condition = phrase_query(phrase)
    assert condition is not None
    words = positions(analyze(text))
    steps = re.split(r" <(\d+)> ", condition)
    places = _places(words, steps[0])
    for distance, step in zip(steps[1::2], steps[2::2], strict=True):
        places = {place + int(distance) for place in places} & _places(words, step)
    return bool(places)


def _places(words: dict[str, set[int]], step: str) -> set[int]:
    lexeme = step.removesuffix(":*")[1:-1].replace("''", "'").replace("\\\\", "\\")
    if step.endswith(":*"):
        return set().union(*(places for word, places in words.items() if word.startswith(lexeme)))
    return words.get(lexeme, set())


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Feed the **sour**dough twice a day", "sourdough twice a day"),
        ("see [the long guide](https://example.org) first", "see the long guide first"),
        ("a *huge* time saver", "huge time saver"),
        ("see [[Tools#Saws|the saw]] first", "see the saw first"),
        (
            "see https://example.org/a[our pamphlet,window=_blank] and <<fees,the table>> first",
            "see our pamphlet and the table",
        ),
        ("see link:a.html[the tour^] of xref:b.adoc[all kettles]", "see the tour of all kettles"),
        ("see [https://example.org the drone page] first", "see the drone page first"),
        ("ask in <https://example.org/r|the report> first", "ask in the report first"),
        ("see [the paddock map|https://example.org/m] first", "see the paddock map first"),
        ('see "a knotted link":https://example.org/k first', "see a knotted link first"),
        (r"a \textit{wild} \emph{boar} runs", "a wild boar runs"),
        (r"an {\em old} and {\bf wi}ld boar", "an old and wild boar"),
        ("the candle[fn:1] burns, the lamp [#f1]_ glows [1]_.", "the candle burns, the lamp glows"),
        ('Click <g id="1">the blue</g> button', "click the blue button"),
        (r"see \href{https://example.org/d}{the oaken door} first", "see the oaken door first"),
        ('the <emphasis>quarry</emphasis> <ulink url="x">road</ulink> ends', "the quarry road ends"),
        ("the #033[31mreactor#033[0m cools", "the reactor cools"),
        ('s = "Dear Sir,\\r\\nplease find enclosed"', "Sir, please find enclosed"),
        ('s = "Dear guest,\\nharpsichord\\tvirginal"', "guest, harpsichord"),
        ('s = "Dear guest,\\nharpsichord\\tvirginal"', "harpsichord virginal"),
        ("采购新的空气净化器。", "空气净化器"),
        ("是铁路12306客户端", "铁路12306客户"),
        ("Invoice INV-2023-00417, order", "INV-2023-00417"),
        ("host 192.168.17.42, release", "host 192.168.17.42"),
        ("call os.path.join(a)", "os.path"),
        ("call os.path.join(a)", "call os.path.join"),
        ("the state-of-the-art design", "state of the art design"),
        ("to be, or not to be", "to be or not to be"),
        ("the \x1b[1mgate\x1b[0m timed out", "gate timed out"),
        ("Fußgänger und Radfahrer", "fussganger und"),
        ("the Objective-C++ guide", "objective-c++ guide"),
        ("gcc -fno-strict-aliasing it", "gcc -fno-strict-aliasing it"),
        ("see [[https://orgmode.org][the org manual]] today", "see the org manual today"),
        ("see `the rst manual <https://rst.org>`_ today", "see the rst manual today"),
        ("see :ref:`the long guide <setup-guide>` first", "see the long guide first"),
        ("set by :py:func:`os.stat` of it", "set by os.stat of it"),
        ("see :doc:`this page` first", "see :doc:`this page` first"),
        ("This is <b>really</b> good", "this is really good"),
        ("see [the guide](https://example.org) first", "[the guide](https://example.org) first"),
        ("state-of-the-\nart", "state-of-the-art"),
        ("a state-of-the-\nart mill", "state-of-the-art mill"),
        ("the self-confi-\ndence of cats", "self-confidence of cats"),
        ("1\n00:00:01,000 --> 00:00:02,000\nand the\n\n2\n00:00:02,500 --> 00:00:04,000\nwallaby", "and the wallaby"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nand the\n\n00:03.000 --> 00:04.000 align:start\nwallaby", "the wallaby"),
        ("2\n00:00:02,500 --> 00:00:04,000\nwallaby", "00:00:02,500"),
        ("不锈\n钢锅和 锅盖", "不锈钢锅和 锅盖"),
        ("东京**駅**の*地下*鉄", "东京駅の地下鉄"),
        ('see the [very **long** guide](<my file.md> "Title") and more', "the very long guide and more"),
    ],
)
def test_a_phrase_is_found_through_what_is_not_read(text: str, phrase: str) -> None:
    assert _has_phrase(text, phrase)


def test_a_word_of_hebrew_weighs_more_alone_and_is_exact_in_a_phrase() -> None:
    [term] = question_terms("ספק", languages=["he"])
    assert {lexeme.text: lexeme.is_exact for lexeme in term.lexemes} == {"ספק": True, "^ספק": False}
    assert not _has_phrase("מהספק זיכוי", "ספק זיכוי")


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Invoice INV-2023-00471", "INV-2023-00417"),
        ("host 192.168.17.142", "192.168.17.42"),
        ("release 12.10.3", "2.10.3"),
        ("invoices were paid", "invoice were paid"),
        ("paid and then invoice", "invoice paid"),
        ("空气很净化器", "空气净化器"),
        ("see [this](https://first.org) now", "this https"),
        ("getHttpServer started", "server started"),
        ("the Objective-C guide", "objective-c++ guide"),
        ("it is dry-run only", "--dry-run"),
        ("plus 19 more", "19%"),
        ("degrees 273.15", "-273.15"),
    ],
)
def test_a_phrase_is_exact(text: str, phrase: str) -> None:
    assert not _has_phrase(text, phrase)


@given(st.lists(st.text("abcÄß猫12.-_/'\\", min_size=1, max_size=8), min_size=1, max_size=6))
def test_a_text_has_each_phrase_that_is_cut_out_of_it(words: list[str]) -> None:
    text = " ".join(words)
    if phrase_query(text):
        assert _has_phrase(f"before {text} after", text)


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("The Readers of a café", {"the", "readers", "of", "a", "cafe"}),
        ("readLine of os.path", {"readline", "of"}),
        ("c++ -x tax*", set()),
        ("年度发票", set()),
        ("...", set()),
    ],
)
def test_a_text_with_a_phrase_has_each_word_that_stands_alone_in_it(phrase: str, words: set[str]) -> None:
    assert phrase_words(phrase) == words
    condition = phrase_query(phrase, languages=["en"]) or ""
    for term in question_terms(phrase, languages=["en"]):
        if term.word in words:
            assert any(lexeme.tsquery in condition for lexeme in term.lexemes)


def test_empty_lines_beside_an_arrow_take_no_longer_than_others() -> None:
    began = time.process_time()
    assert readable("-->" + "\n" * 20_000)[0].strip() == "-->"
    assert time.process_time() - began < 5, "seconds of the processor"
