"""Quick ways to the lexemes of a text give the same ones as the plain way."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from magicfs.text.analysis import analyze, fold, lexemes, tokens
from magicfs.text.analysis.folding import fold_all
from magicfs.text.analysis.lexemes import LexemeMemory
from magicfs.text.analysis.tokens import split
from tests.unit.text.analysis.vectors import positions

WORDS = [
    *(
        "Straße",
        "FLÜSSE",
        "İstanbul",
        "ΟΔΟΣ",
        "كِتَابٌ",
        "مدرسة",
        "שָׁלוֹם",
        "é",
        "e\u0301",
        "ﬁn",
        "½",
        "Łódź",
        "x².y",
        "𝐛𝐨𝐥𝐝",
    ),
    *("𞤀𞤣", "C++", "v2.10.3", "base64Encode", "iOSVersion", "a.b-c"),
]
LETTERS = st.text("aZ9ßüÉı٣كِשׁ\u0301\u0345्हก漢ガ한😀𝐛𞥊 .-_+#'/*\n", max_size=40)


@settings(deadline=None)
@given(st.lists(LETTERS.map(lambda text: text.replace("\n", "")), min_size=1))
def test_words_folded_together_are_those_folded_alone(words: list[str]) -> None:
    assert fold_all(words) == [fold(word) for word in words]


@settings(deadline=None)
@given(LETTERS)
def test_the_quick_patterns_find_the_tokens_of_the_complete_one(text: str) -> None:
    assert split(text) == tokens.full_token(is_basic=False).findall(text)


LONG = st.lists(
    st.one_of(
        st.sampled_from(
            ["v", "v2", "V10", "x", ".", "-", "/", "++", "#", "--", "$", "%", "'", "@", ",", "Ab", "½", "ß", "א", "é"]
        ),
        st.builds(
            lambda part, count: part * count, st.sampled_from("7aZéא漢ß½'."), st.sampled_from([3, 99, 129, 2500])
        ),
    ),
    min_size=1,
    max_size=8,
).map("".join)


@settings(deadline=None)
@given(LONG)
@example(f"x.{'7' * 2500}v2")
@example(f"v{'7' * 2500}.2")
@example("a." * 1250 + "7v2")
@example("Ab" * 1250)
@example(f"${'7' * 2500}...")
@example(f"{'7' * 2500} percent")
@example(f"百分之{'7' * 2500}")
def test_no_lexeme_is_longer_than_the_database_takes(text: str) -> None:
    assert all(len(lexeme.encode()) <= 2046 for lexeme in positions(analyze(text, language="he")))


@pytest.mark.parametrize("algorithm", ["german", "arabic", None])
def test_a_memory_that_forgets_gives_the_same_lexemes(monkeypatch: pytest.MonkeyPatch, algorithm: str | None) -> None:
    alone = {word: LexemeMemory(algorithm).of_tokens([word])[word] for word in WORDS}
    monkeypatch.setattr(lexemes, "REMEMBERED_TOKENS", 6)
    memory = LexemeMemory(algorithm)
    for start in (0, 3, 1, 7, 0, 12, 4):
        wanted = WORDS[start : start + 5]
        found = memory.of_tokens(wanted)
        assert {word: found[word] for word in wanted} == {word: alone[word] for word in wanted}
        assert len(found) < 30
