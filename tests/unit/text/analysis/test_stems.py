"""What is counted on where words of a text are compared with those of a question."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from magicfs.text.analysis.lexemes import folded_stems
from magicfs.text.analysis.stems import KEEPING_INITIALS

WORDS = st.lists(st.text(string.ascii_letters + string.digits + "-.'", min_size=1, max_size=20), min_size=1)


@given(WORDS, st.sampled_from(sorted(KEEPING_INITIALS)))
def test_a_stem_begins_with_the_letter_of_its_word(words: list[str], algorithm: str) -> None:
    stems = folded_stems(words, algorithm)
    assert [stem[:1] for stem in stems] == [word[:1].lower() for word in words]
