"""Words of Cyrillic and Greek are looked for in Latin letters, and words of Latin letters in Cyrillic."""

from __future__ import annotations

import pytest

from magicfs.search.transliteration import transliterations


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("договор", "dogovor"),
        ("чайковский", "tchaikovsky"),
        ("чайковский", "chaykovskiy"),
        ("щука", "shchuka"),
        ("журавлёв", "zhuravlev"),
        ("київ", "kyiv"),
        ("гоголь", "gogol"),
        ("ђорђевић", "djordjevic"),
        ("αθήνα", "athina"),
        ("συμβόλαιο", "symvolaio"),
        ("ουρανός", "ouranos"),
    ],
)
def test_a_word_is_looked_for_in_latin_letters(typed: str, written: str) -> None:
    assert written in transliterations(typed, ["en"])


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("dogovor", "договор"),
        ("tchaikovsky", "чайковский"),
        ("gogol", "гоголь"),
        ("skazat", "сказать"),
        ("polzovatel", "пользователь"),
        ("smeyalas", "смеялась"),
        ("nachinaetsya", "начинается"),
        ("zhukov", "жуков"),
        ("kasa", "каса"),
    ],
)
def test_a_word_is_looked_for_in_cyrillic_where_the_index_has_texts_in_it(typed: str, written: str) -> None:
    assert written in transliterations(typed, ["en", "ru"])
    assert transliterations(typed, ["en", "de"]) == []


@pytest.mark.parametrize(("typed", "other"), [("rods", "родсь"), ("indexes", "индексесь"), ("copies", "копиесь")])
def test_the_s_of_a_plural_is_not_soft(typed: str, other: str) -> None:
    assert other not in transliterations(typed, ["ru"])


@pytest.mark.parametrize("typed", ["dog", "x86_64", "été", "合同", "שלום", "договорx"])
def test_other_words_have_no_such_spelling(typed: str) -> None:
    assert transliterations(typed, ["ru"]) == []
