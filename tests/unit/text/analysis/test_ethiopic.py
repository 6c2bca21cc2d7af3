"""Words of Amharic are found with the words that are written before them in one piece, and without."""

from __future__ import annotations

import pytest

from magicfs.text.analysis.ethiopic import without_preposition
from tests.unit.text.analysis.vectors import missed


@pytest.mark.parametrize(
    ("written", "typed"),
    [("የቤት ኪራይ", "ቤት"), ("ቤት ተከራየ", "የቤት"), ("በመስከረም ወር", "መስከረም"), ("ከባህር ዳር መጣ", "ባህር ዳር"), ("የቤት ውል", "ለቤት")],
)
def test_a_preposition_in_front_does_not_hide_a_word(written: str, typed: str) -> None:
    assert missed(written, typed) == []


def test_a_short_word_and_one_of_another_script_have_none() -> None:
    assert without_preposition("የት") == []
    assert without_preposition("house") == []
    assert without_preposition("ስለቤት") == ["ቤት"]
