"""The stems of a few words in the language that they are likely in: those of a name, a note, or a question.

A few words have no language that one could rely on, so they have these stems beside others. Used by `words` for texts
and names, and by `question`, whose language the texts of an index may lack. Any thread.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from magicfs.domain.query import STEM_MARK
from magicfs.text.analysis.lexemes import folded_stem
from magicfs.text.analysis.stems import DEFAULT_ALGORITHM, DEFAULT_LANGUAGE, algorithm_for
from magicfs.text.language_detector import likely_language

MAX_OF_FEW_WORDS: Final = 200
"""The characters of a text that is too short to have a language: a list of things to buy, a name."""

_CACHED_WORDS: Final = 4096
"""The words of names recur, and finding the likely language of one takes ten times as long as its stem."""

_ORDINARY_WORD: Final = re.compile(r"[^\W\d_]{2,40}")


def likely_stems(text: str) -> list[str]:
    """The lexemes of stems in the language that a name or a few words are likely in, beside the English ones."""
    stems = ((word, folded_stem(word, algorithm)) for word, algorithm in likely_algorithms(text))
    return [STEM_MARK + stem for word, stem in stems if stem != word]


def likely_algorithms(text: str) -> Iterator[tuple[str, str]]:
    """Yield the words that are likely in another language than English, each with the algorithm of its stem.

    Where nothing tells the language of all words together, each may be in one of its own.
    """
    # The detector has learnt composed letters.
    words = list(dict.fromkeys(_ORDINARY_WORD.findall(unicodedata.normalize("NFC", text))))
    together = _likely_language(" ".join(words))
    for word in words if together != DEFAULT_LANGUAGE else ():
        algorithm = algorithm_for(together or _likely_language(word))
        if algorithm not in {None, DEFAULT_ALGORITHM}:
            yield word, algorithm


_likely_language: Final = lru_cache(maxsize=_CACHED_WORDS)(likely_language)
