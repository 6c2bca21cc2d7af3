"""What a page of HTML shows beside its running text is read, once, and whatever the page looks like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.text.extract.documents.html_parts import html_texts, html_title, without_references
from magicfs.text.extract.documents.missing_texts import missing_texts


@pytest.mark.parametrize(
    ("page", "texts"),
    [
        ("<!doctype html><title>Potato &amp; Sons</title><p>one</p>two", ["Potato & Sons", "one", "two"]),
        ("<p>A <b>ham</b>mer<wbr>head</p>", ["A hammerhead"]),
        ('<img src=x alt="a gull"><a title=\'more\' href="y">link</a>', ["a gull", "more", "link"]),
        ('<meta property="og:title" content="Lighthouse"><meta name=viewport content="width">', ["Lighthouse"]),
        ('<input type=hidden value=secret><input value="starfish" placeholder=name>', ["name", "starfish"]),
        ("<script>var a = '<p>no</p>';</script><style>p {}</style><!-- no --><p>yes</p>", ["yes"]),
        ("<details><summary>Sum</summary>inside</details><caption>Cap", ["Sum", "inside", "Cap"]),
        ("a < b <!-- never closed <p>no</p>", ["a b"]),
        ("<script>never closed <p>no</p>", []),
        ("<template><p>an order form</p></template>", ["an order form"]),
        (
            (
                '<script type="application/ld+json">{"@type": "Recipe", "name": "Tart", "image": "https://a.example/b.png",'
                ' "recipeIngredient": ["2 leaves"], "author": {"@type": "Person", "name": "Ada"}}</script>'
            ),
            ["Tart", "2 leaves", "Ada"],
        ),
        (
            "<script type=application/ld+json>{'@graph': broken</script><script type='text/x'>{\"a\": \"no\"}</script>",
            [],
        ),
        (
            '<script type="application/ld+json">{"@graph": [{"text": "One &amp; two. <b>Three</b>!"}]}</script>',
            ["One & two.", "Three !"],
        ),
        (
            "<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<DT><A HREF='https://kelp.example/?a=1&amp;b'>Kelp</A>",
            ["https://kelp.example/?a=1&b", "Kelp"],
        ),
        ("<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<A TAGS='sea,dinner'>Kelp</A>", ["sea,dinner", "Kelp"]),
        ("<a href='https://kelp.example/'>Kelp</a>", ["Kelp"]),
        ("<a href='mailto:gull%40kelp.example?subject=x'>write</a>", ["gull@kelp.example", "write"]),
        ("<link rel=canonical href='https://kelp.example/a'><link rel=icon href='b'>", ["https://kelp.example/a"]),
        ("<!-- saved from url=(0022)https://kelp.example/a --><p>Kelp", ["https://kelp.example/a", "Kelp"]),
        ("<!--\n Page saved with SingleFile \n url: https://kelp.example/b \n-->", ["https://kelp.example/b"]),
        ("<iframe srcdoc='&lt;p&gt;a &lt;b&gt;sea&lt;/b&gt;weed'></iframe>", ["a seaweed"]),
        ("", []),
    ],
)
def test_texts_of_a_page(page: str, texts: list[str]) -> None:
    assert list(html_texts(page)) == texts


def test_the_title_of_a_page() -> None:
    assert html_title("<head><TITLE lang=de>Größe\n &uuml;ber</TITLE>") == "Größe über"
    assert html_title("<title></title>") is None
    assert html_title("<p>text") is None


@given(st.text(alphabet="<>!-/ =\"'abscript title&;", max_size=80))
def test_any_page_has_an_end(page: str) -> None:
    assert all(text.strip() for text in html_texts(page))


def test_only_texts_with_a_new_word_are_missing() -> None:
    texts = ["the header", "The  HEADER", "a comment", "ham\u00admer"]
    assert missing_texts(texts, in_text="hammer of the") == ["the header", "a comment"]


def test_a_word_is_missed_among_thousands_of_texts() -> None:
    texts = [f"the hammer {number % 7}" for number in range(3000)]
    texts[1500], texts[2999] = "an anvil", "an anvil of 3"
    assert missing_texts(texts, in_text="the hammer 0 1 2 3 4 5 6") == ["an anvil", "an anvil of 3"]


def test_readings_above_the_letters_divide_no_words() -> None:
    page = "<p>古い<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>の本</p>"
    assert list(html_texts(page)) == ["古い漢字の本"]
    assert list(html_texts("<p><ruby>漢<rt>かん</ruby>字</p><p>end</p>")) == ["漢字", "end"]


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (
            b'a theorem<sup class="reference"><a href="#cite-3"><span>&#91;</span>3<span>]</span></a></sup> holds',
            b"a theorem holds",
        ),
        (b"a theorem<sup><a href='notes.xhtml#n12'>12</a></sup> holds", b"a theorem holds"),
        (b"a theorem<sup><a href=#a>[note 1]</a></sup> holds", b"a theorem holds"),
        (b"10<sup>6</sup> m<sup>2</sup> <a href='#a'>3</a>", b"10<sup>6</sup> m<sup>2</sup> <a href='#a'>3</a>"),
        (b"<sup><a href='#a'>another article</a></sup>", b"<sup><a href='#a'>another article</a></sup>"),
    ],
)
def test_signs_of_notes_stand_in_no_sentence(page: bytes, shown: bytes) -> None:
    assert without_references(page) == shown
