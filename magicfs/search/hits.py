"""The results of a ranking as people see them: their scores, their places, their copies and their snippets.

Used by `magicfs.search.ranking`, `passage_ranking` and `neighbours`. Reads texts in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from magicfs.db.pool import Connection
from magicfs.db.search import file_facts, found_files
from magicfs.db.search.candidates import Place
from magicfs.domain.chunks import FoundFile
from magicfs.domain.ids import ChunkId, FileId
from magicfs.domain.results import NO_SNIPPET, Copy, Hit
from magicfs.search import scores
from magicfs.search.fusion import Evidence
from magicfs.search.measured_files import CandidateFile
from magicfs.search.proximity import proximity
from magicfs.search.request import MAX_COPIES, SearchRequest
from magicfs.search.snippets import SnippetCutter

LOOKED_AT_AHEAD = 8
"""The texts whose words are found before the places of the results are known: about what Postgres gives time for."""


class Proximities:
    """How close together the words of a question stand in the texts of results. Each text is looked at once."""

    def __init__(self, request: SearchRequest) -> None:
        self.cutter = SnippetCutter(request.compiled.terms, languages=request.compiled.languages)
        self._words = request.words
        self._known: dict[ChunkId, float] = {}

    def look_ahead(self, evidence: Mapping[ChunkId, Evidence], texts: Mapping[ChunkId, str]) -> None:
        """Look at the texts of the first `LOOKED_AT_AHEAD` candidates for which it counts, while there is time."""
        counted = (chunk for chunk, one in evidence.items() if self._counts(one))
        for chunk in islice(counted, LOOKED_AT_AHEAD):
            self._of(chunk, texts[chunk])

    def with_proximity(self, file: CandidateFile, texts: Mapping[ChunkId, str]) -> Evidence:
        """The evidence of a result whose text has all words, stronger the closer together they stand."""
        evidence, chunk = file.evidence, file.found.chunk_id
        if chunk is None or chunk not in texts or not self._counts(evidence):
            return evidence
        close = self._of(chunk, texts[chunk])
        return evidence._replace(lexical=scores.lexical_strength(share=1.0, is_phrase_match=False, proximity=close))

    def _counts(self, evidence: Evidence) -> bool:
        has_all = (evidence.lexical or 0.0) >= scores.ALL_WORDS_STRENGTH - 1e-9
        return has_all and not evidence.has_very_words and len(self._words) != 1

    def _of(self, chunk: ChunkId, text: str) -> float:
        if chunk not in self._known:
            self._known[chunk] = proximity(self.cutter.words_in(text), self._words)
        return self._known[chunk]


@dataclass(frozen=True, slots=True)
class Shown:
    """What results show besides their places."""

    texts: Mapping[ChunkId, str]
    copies: Mapping[bytes, tuple[tuple[FileId, Copy], ...]]
    """The files with each content, by copy key, the preferred ones first."""
    proximities: Proximities

    @staticmethod
    def of_places(places: Sequence[Place], texts: Mapping[ChunkId, str], proximities: Proximities) -> Shown:
        """What the candidates of a search show. `texts` are those of the ones that no name brings."""
        by_name = {
            place.found.chunk_id: place.text
            for place in places
            if place.found.chunk_id is not None and place.text is not None
        }
        copies = {place.found.copy_key: place.copies for place in places}
        return Shown({**texts, **by_name}, copies, proximities)


def shown_hits(
    connection: Connection, files: Sequence[CandidateFile], *, known: Shown, exponent: float
) -> tuple[Hit, ...]:
    """The results for candidates in their order, each with its score. A file may come several times.

    `exponent` is that of `scores.similarity_exponent`. Texts that are not `known` are read.
    """
    missing = _chunks_of(files) - known.texts.keys()
    texts = {**known.texts, **(file_facts.chunk_texts(connection, missing) if missing else {})}
    evidence = [known.proximities.with_proximity(file, texts) for file in files]
    relevances = [scores.relevance(one, exponent=exponent) for one in evidence]
    for place, file in enumerate(files[1:], 1):
        # A near copy comes later than it answers: those before it must not seem better for that.
        if file.near is not None:
            relevances[place] = min(relevances[place - 1 : place + 1])
    shown = scores.decreasing_scores(relevances, [one.has_very_words for one in evidence])
    measured = [file._replace(evidence=one) for file, one in zip(files, evidence, strict=True)]
    return hits_of(measured, shown, texts, known.proximities.cutter, known.copies)


def _chunks_of(files: Sequence[CandidateFile]) -> set[ChunkId]:
    return {file.found.chunk_id for file in files if file.found.chunk_id is not None}


def newest_files(connection: Connection, request: SearchRequest) -> tuple[Hit, ...]:
    """The files in scope, the latest modified first. Each has the score 1: a file meets the filters or does not."""
    rules, scope = request.copy_rules, request.compiled.scope
    newest = found_files.newest_files(connection, scope, rules=rules, limit=request.limit)
    copies = found_files.copies(connection, scope, newest, rules=rules, limit=MAX_COPIES + 1)
    files = [CandidateFile(found, Evidence()).at(copies.get(found.copy_key, [found])[0]) for found in newest]
    texts = file_facts.chunk_texts(connection, _chunks_of(files))
    cutter = SnippetCutter((), languages=request.compiled.languages)
    return hits_of(files, [1.0] * len(files), texts, cutter, listed_copies(copies))


def listed_copies(copies: Mapping[bytes, Sequence[FoundFile]]) -> dict[bytes, tuple[tuple[FileId, Copy], ...]]:
    """The files with each content, as results list them."""
    return {
        key: tuple((copy.file_id, Copy(copy.absolute_path, copy.host)) for copy in same) for key, same in copies.items()
    }


def hits_of(
    files: Sequence[CandidateFile],
    shown: Sequence[float],
    texts: Mapping[ChunkId, str],
    cutter: SnippetCutter,
    copies: Mapping[bytes, Sequence[tuple[FileId, Copy]]],
) -> tuple[Hit, ...]:
    """The results with the scores that are shown; `texts` are those of their chunks, `copies` as in `Shown`."""
    snippets = {chunk: cutter.uncut(texts[chunk]) for chunk in _chunks_of(files) & texts.keys()}
    return tuple(
        Hit(
            rank=rank,
            score=score,
            file_id=file.found.file_id,
            host=file.found.host,
            root=file.found.root,
            root_path=file.found.root_path,
            path=file.found.path,
            stat=file.found.stat,
            first_line=file.found.first_line,
            last_line=file.found.last_line,
            page=file.found.page,
            shown=snippets.get(file.found.chunk_id or ChunkId(0), NO_SNIPPET),
            vector=file.evidence.vector,
            lexical=file.evidence.lexical,
            indexed_at=file.found.indexed_at,
            language=file.found.language,
            copies=tuple(
                copy for file_id, copy in copies.get(file.found.copy_key, ()) if file_id != file.found.file_id
            )[:MAX_COPIES],
        )
        for rank, (file, score) in enumerate(zip(files, shown, strict=True), 1)
    )
