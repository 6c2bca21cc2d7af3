"""How close together results have the words of a question, which is looked at while Postgres executes a statement."""

from __future__ import annotations

import pytest

from magicfs.db.search.scope import Scope
from magicfs.domain.chunks import CopyRules, FoundFile
from magicfs.domain.files import FileStat
from magicfs.domain.ids import ChunkId, FileId
from magicfs.search.compiled_query import CompiledQuery
from magicfs.search.fusion import Evidence
from magicfs.search.hits import LOOKED_AT_AHEAD, Proximities
from magicfs.search.measured_files import CandidateFile
from magicfs.search.request import SearchRequest
from magicfs.search.scores import ALL_WORDS_STRENGTH, TOGETHER_STRENGTH
from magicfs.search.snippets import SnippetCutter
from magicfs.text.analysis import question_terms

ALL_WORDS = Evidence(relative_words=1.0, lexical=ALL_WORDS_STRENGTH)
STAT = FileStat(size=1, mtime_ns=0, ctime_ns=0, ino=1, dev=1, mode=0o644, uid=0, gid=0)
TOGETHER, APART = "the tax invoice of march", "an invoice, and many words later some tax"


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts in which words of the question were looked for."""
    texts: list[str] = []
    words_in = SnippetCutter.words_in

    def noted(cutter: SnippetCutter, text: str) -> list[tuple[int, int, str]]:
        texts.append(text)
        return words_in(cutter, text)

    monkeypatch.setattr(SnippetCutter, "words_in", noted)
    return texts


def proximities(question: str) -> Proximities:
    """Those of a question."""
    compiled = CompiledQuery(
        terms=tuple(question_terms(question, languages=["en"])),
        languages=("en",),
        question_phrase=None,
        scope=Scope({}),
    )
    request = SearchRequest(question=question, compiled=compiled, question_vectors=(), limit=10, copy_rules=CopyRules())
    return Proximities(request)


def file(chunk: int, evidence: Evidence = ALL_WORDS) -> CandidateFile:
    """A result that has a chunk."""
    found = FoundFile(b"1", FileId(1), "here", "root", b"/root", b"a.txt", STAT, 0.0, None, chunk_id=ChunkId(chunk))
    return CandidateFile(found, evidence)


def test_a_text_is_looked_at_once(looked_at: list[str]) -> None:
    texts = {ChunkId(1): TOGETHER, ChunkId(2): APART}
    close = proximities("tax invoice")
    later = [close.with_proximity(file(chunk), texts).lexical for chunk in texts]
    assert later[0] == pytest.approx(TOGETHER_STRENGTH)
    assert ALL_WORDS_STRENGTH <= (later[1] or 0.0) < TOGETHER_STRENGTH
    ahead = proximities("tax invoice")
    ahead.look_ahead(dict.fromkeys(texts, ALL_WORDS), texts)
    looked_at.clear()
    assert [ahead.with_proximity(file(chunk), texts).lexical for chunk in texts] == later
    assert looked_at == []


def test_few_texts_are_looked_at_ahead(looked_at: list[str]) -> None:
    texts = {ChunkId(number): f"{number}. {TOGETHER}" for number in range(3 * LOOKED_AT_AHEAD)}
    proximities("tax invoice").look_ahead(dict.fromkeys(texts, ALL_WORDS), texts)
    assert looked_at == list(texts.values())[:LOOKED_AT_AHEAD]


@pytest.mark.parametrize(
    ("question", "evidence"),
    [
        ("invoice", ALL_WORDS),
        ("tax invoice", ALL_WORDS._replace(is_phrase_match=True)),
        ("tax invoice", ALL_WORDS._replace(is_whole_name=True)),
        ("tax invoice", ALL_WORDS._replace(lexical=0.3)),
        ("tax invoice", Evidence()),
    ],
)
def test_texts_for_which_it_does_not_count_are_not_looked_at(
    question: str, evidence: Evidence, looked_at: list[str]
) -> None:
    texts = {ChunkId(1): TOGETHER}
    close = proximities(question)
    close.look_ahead({ChunkId(1): evidence}, texts)
    assert close.with_proximity(file(1, evidence), texts) is evidence
    assert close.with_proximity(file(2), texts) is file(2).evidence
    assert looked_at == []
