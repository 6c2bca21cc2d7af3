"""Two of the three retrievers: chunks by their words, and files by their names. `meaning` has the third.

Used by `magicfs.search.ranking`, which fuses what they bring. Stateless; each runs in the caller's transaction.

Words are ranked by BM25, which takes time for each chunk. To bound that time, a rare word of the question brings all
chunks that have it, and a common word only the chunks that also have other words of the question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

from magicfs.db import search as search_db
from magicfs.db.pool import Connection
from magicfs.db.scope import Scope
from magicfs.db.search import WordCondition
from magicfs.domain.chunks import CopyRules, FoundFile, NameMatch, WordMatch
from magicfs.domain.ids import ChunkId, FileId
from magicfs.domain.query import Term

_WORD = re.compile(r"[^\W_]+")

MAX_COUNTED_CHUNKS = 500
"""The chunks with a word are counted up to this number."""
MIN_ESTIMATED_CHUNKS = 2 * MAX_COUNTED_CHUNKS
"""The chunks with a word are not counted where Postgres's statistics estimate this many or more."""
RARE_WORD_CANDIDATES = 1000
"""The rarest words count as rare until they bring this many chunks together; the other words count as common. A chunk
that has common words alone hardly ever ranks high."""
MAX_CANDIDATES_PER_CONDITION = 1000
"""The most chunks that one condition on words brings."""
MAX_SCORED_CHUNKS = 300
"""The most chunks whose BM25 is computed, unless a larger `limit` is given."""
MAX_QUESTION_WORDS = 24
"""Only this many words of a question are searched for, the rarest ones, and as many compounds."""
COMPOUND_WEIGHT = 0.2
"""What a compound of several words weighs, compared with a word as rare: its words are counted too."""
PAIRED_WORDS = 4
"""The number of words whose pairs bring chunks: the last rare word, and the rarest common words."""
MAX_NAME_CANDIDATES = 100
"""The most files that one condition on names brings."""
ENOUGH_NAME_CANDIDATES = 300
"""When conditions on names have brought so many files, the ones that weigh less are not looked up."""


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """The words of a question with their weights."""

    weights: dict[Term, float]
    """Inverse document frequency times the number of occurrences in the question, the rarest word first."""
    frequencies: dict[str, int]
    """The number of chunks that have each word, counted up to `MAX_COUNTED_CHUNKS`, else estimated."""

    @property
    def without_compounds(self) -> list[Term]:
        """The words that a text with all words has: compounds are left out, unless there is nothing else."""
        return [term for term in self.weights if not term.is_whole] or list(self.weights)

    def share(self, words: Collection[str]) -> float:
        """The share of the question's weight that some of its words have, in [0, 1]; 1 for all words, in any order."""
        # An exact sum: a rounded one depends on the order of a set, and so on the process.
        had = math.fsum(weight for term, weight in self.weights.items() if term.word in words)
        return had / math.fsum(self.weights.values())


def weigh_words(connection: Connection, terms: Sequence[Term], *, chunks: int) -> QuestionWords:
    """Weigh the words of a question in an index of `chunks` chunks. A compound that no chunk has is left out."""
    shares = search_db.estimated_frequencies(connection, terms)
    estimates = {word: round(share * chunks) for word, share in shares.items()}
    frequencies = {word: estimate for word, estimate in estimates.items() if estimate >= MIN_ESTIMATED_CHUNKS}
    # The index of words finds all matches before it returns one: to count a common word is slow, even up to a limit.
    uncertain = [term for term in terms if term.word not in frequencies]
    counts = search_db.document_frequencies(connection, uncertain, limit=MAX_COUNTED_CHUNKS)
    for word, count in counts.items():
        is_exact = count < MAX_COUNTED_CHUNKS
        frequencies[word] = count if is_exact else max(MAX_COUNTED_CHUNKS, estimates.get(word, 0))
    total = max(chunks, *frequencies.values()) if frequencies else chunks
    rarest = sorted(terms, key=lambda term: (frequencies[term.word], term.word))
    words = [term for term in rarest if not term.is_whole][:MAX_QUESTION_WORDS]
    compounds = [term for term in rarest if term.is_whole and frequencies[term.word]][:MAX_QUESTION_WORDS]
    searched = set(words) | set(compounds)
    weights = {term: _weight(term, frequencies[term.word], total) for term in rarest if term in searched}
    return QuestionWords(weights=weights, frequencies=frequencies)


def _weight(term: Term, frequency: int, total: int) -> float:
    """The weight of a word that `frequency` of `total` chunks have."""
    rarity = math.log1p((total - frequency + 0.5) / (frequency + 0.5))
    has_several_words = term.is_whole and len(_WORD.findall(term.word)) > 1
    return term.count * rarity * (COMPOUND_WEIGHT if has_several_words else 1.0)


def find_by_words(
    connection: Connection, scope: Scope, words: QuestionWords, *, average_tokens: float, limit: int
) -> list[WordMatch]:
    """The best chunks in scope by the words of a question, best first, at most `limit`."""
    if not words.weights:
        return []
    if scope.chunks is not None and len(scope.chunks) <= RARE_WORD_CANDIDATES:
        candidates = list(scope.chunks)
    else:
        conditions = candidate_conditions(words)
        candidates = search_db.candidates_by_words(connection, scope, conditions, limit=MAX_CANDIDATES_PER_CONDITION)
    return rank_by_words(connection, candidates, words, average_tokens=average_tokens, limit=limit)


def rank_by_words(
    connection: Connection, chunks: Sequence[ChunkId], words: QuestionWords, *, average_tokens: float, limit: int
) -> list[WordMatch]:
    """The best of given chunks by BM25, best first, at most `limit`; chunks without a word are left out."""
    if not (words.weights and chunks):
        return []
    return search_db.rank_by_bm25(
        connection,
        chunks,
        words.weights,
        average_tokens=average_tokens,
        scored=max(MAX_SCORED_CHUNKS, limit),
        limit=limit,
    )


def candidate_conditions(words: QuestionWords) -> list[WordCondition]:
    """The conditions that bring candidates: a chunk that meets any of them is one.

    Each rare word is a condition. If there are common words, all words together are a condition too, and so is each
    pair of `PAIRED_WORDS`. Rare "invoice" and common "tax", "year": `[[["invoice"]], [["invoice", "tax", "year"]],
    [["invoice", "tax"]], [["invoice", "year"]], [["tax", "year"]]]`.
    """
    single_words: list[WordCondition] = []
    candidates = 0
    common_words = list(words.weights)
    while common_words and (candidates < RARE_WORD_CANDIDATES or not single_words):
        term = common_words.pop(0)
        candidates += words.frequencies[term.word]
        single_words.append([[term]])
    if not common_words:
        return single_words
    all_words = [words.without_compounds]
    paired = list(words.weights)[len(single_words) - 1 :][:PAIRED_WORDS]
    return [*single_words, all_words, *([pair] for pair in combinations(paired, 2))]


def find_by_name(
    connection: Connection, scope: Scope, words: QuestionWords, *, rules: CopyRules
) -> list[tuple[FoundFile, NameMatch]]:
    """The files in scope whose paths have words of the question, whether they have text or not.

    Of a question with phrases, the path has them all.
    """
    if not words.weights:
        return []
    return search_db.candidates_by_name(
        connection,
        scope,
        name_conditions(words),
        list(words.weights),
        rules=rules,
        limit=MAX_NAME_CANDIDATES,
        enough=ENOUGH_NAME_CANDIDATES,
    )


def name_conditions(words: QuestionWords) -> list[WordCondition]:
    """The conditions that bring files by their names, each once: those that weigh most in the question first."""
    terms = list(words.weights)
    groups = [*map(list, combinations(terms[:PAIRED_WORDS], 2)), *([term] for term in terms)]
    groups.sort(key=lambda group: -math.fsum(words.weights[term] for term in group))
    distinct = {frozenset(term.word for term in group): group for group in (words.without_compounds, *groups)}
    return [[group] for group in distinct.values()]


def match_names(
    connection: Connection,
    words: QuestionWords,
    files: Sequence[FileId],
    candidates: Sequence[tuple[FoundFile, NameMatch]],
) -> dict[FileId, NameMatch]:
    """The name matches of `candidates`, which `find_by_name` has returned, and of `files`.

    If there are many candidates, they may lack some of `files`. Then the names of all `files` are matched, so that
    equal names count equally.
    """
    matches = [match for _, match in candidates]
    if len(matches) >= MAX_NAME_CANDIDATES:
        matches += search_db.name_matches(connection, files, list(words.weights))
    return {match.file_id: match for match in matches}
