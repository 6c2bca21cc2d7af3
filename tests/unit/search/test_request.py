"""What the ranking is told of a question."""

from __future__ import annotations

import pytest

from magicfs.db.search.scope import Scope
from magicfs.domain.chunks import CopyRules
from magicfs.search.compiled_query import CompiledQuery
from magicfs.search.request import SearchRequest


@pytest.mark.parametrize(
    ("question", "named"),
    [
        *(("vitamin A", True), ("vitamin a", True), ("log in", True), ("IT department", True)),
        *(("it department", False), ("IT DEPARTMENT", False), ("A vitamin", False), ("vitamin", False)),
        ("who works in it", False),
    ],
)
def test_a_stop_word_is_part_of_a_name_at_the_end_of_a_few_words_or_alone_in_capitals(
    question: str, *, named: bool
) -> None:
    stop_words = frozenset({"a", "in", "it", "who"} & {*question.lower().split()})
    compiled = CompiledQuery((), ("en",), question_phrase=None, scope=Scope({}), stop_words=stop_words)
    request = SearchRequest(question, compiled, question_vectors=(), limit=10, copy_rules=CopyRules())
    assert request.names_with_stop_word == named
