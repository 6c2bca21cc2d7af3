"""The rules of the fusion, each of which can be switched off to see what it is worth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from magicfs.search import fusion, meaning, rare_words, retrievers, scores, token_matches


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and the constants without which it does nothing."""

    name: str
    neutral: tuple[tuple[Any, str, Any], ...]
    """A module, the name of its constant, and the value that switches the rule off."""

    @contextmanager
    def off(self) -> Iterator[None]:
        """Everything inside is ranked without the rule."""
        with ExitStack() as stack:
            for module, name, value in self.neutral:
                stack.enter_context(patch.object(module, name, value))
            yield


RULES = (
    Rule("meaning of code", ((fusion, "MEANING_OF_CODE", 1.0),)),
    Rule("share of words in code", ((fusion, "SHARE_OF_CODE", 0.0),)),
    Rule("other chunks", ((fusion, "OTHER_CHUNKS", 0.0),)),
    Rule("enough words", ((fusion, "ENOUGH_WORDS", 0.0),)),
    Rule("enough words in a small index", ((fusion, "SMALL_INDEX", 0),)),
    Rule("everyday words", ((retrievers, "BACKGROUND_CHUNKS", 0),)),
    Rule("rare words", ((fusion, "RARE_WORDS_BONUS", 0.0),)),
    Rule("rare words that are lacked", ((rare_words, "MAX_LACKED", float("inf")),)),
    Rule("share of few words", ((fusion, "SHARE_OF_FEW_WORDS", 0.0),)),
    Rule("few words", ((fusion, "MEANING_OF_FEW_WORDS", {}),)),
    Rule("more meaning with a second model", ((fusion, "WEIGHT_OF_SECOND", 0.0),)),
    Rule("less weight of the second model", ((meaning, "WEIGHT_OF_SECOND", 1.0),)),
    Rule(
        "penalty of translations",
        ((fusion, "TRANSLATION_PENALTY", 0.0), (fusion, "TRANSLATION_PENALTY_OF_ANSWERED", 0.0)),
    ),
    Rule("more penalty where one answers", ((fusion, "TRANSLATION_PENALTY_OF_ANSWERED", fusion.TRANSLATION_PENALTY),)),
    Rule("tokens across languages", ((token_matches, "COMPARED", 0),)),
    Rule("what is shown across languages", ((scores, "SIMILARITY_GAP_ACROSS", float("-inf")),)),
    Rule("all words with the path", ((fusion, "ALL_WORDS_BONUS", 0.0),)),
    Rule("common words with the path", ((retrievers, "COMMON_CHUNKS", float("inf")),)),
    Rule("phrase bonus", ((fusion, "PHRASE_BONUS", 0.0),)),
)
