"""The ranking of passages: the best candidates of all retrievers, several of one file where several answer.

Used by the search service for `magicfs search --passages`, `.passages` and `.context`. It measures nothing: it takes
the evidence of the chunks that the ranking of files has measured. The best passage of a file has the evidence of the
file, its name included, so that files come in the order of a search; the others have that of their text alone. Chunks
that stand side by side are one passage. Runs in the caller's transaction.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from magicfs.db.pool import Connection
from magicfs.db.search import file_facts
from magicfs.domain.chunks import ChunkPlace
from magicfs.domain.ids import ChunkId, FileId
from magicfs.domain.results import Hit
from magicfs.search.corpus_statistics import CorpusStatistics
from magicfs.search.hits import shown_hits
from magicfs.search.measured_files import CandidateFile
from magicfs.search.ranking import Ranking, rank_candidates, rank_files
from magicfs.search.request import SearchRequest
from magicfs.search.snippets import SnippetCutter

MAX_CHUNKS = 4
"""The most chunks of one passage: about a page of a book. Where more stand side by side, there are several."""
_UNSPACED_WIDTHS = "WF"
"""The widths of characters of scripts without spaces (Unicode's East_Asian_Width)."""


@dataclass(slots=True)
class Passage:
    """Chunks of one file that stand side by side."""

    best: CandidateFile
    """The file with the best one of them, and the evidence for that."""
    places: list[ChunkPlace]
    """In the order of the text."""

    def continues(self, place: ChunkPlace) -> bool:
        """Whether a place of the same file stands right before or behind this passage, on the same page."""
        neighbours = (self.places[0].ordinal - 1, self.places[-1].ordinal + 1)
        return place.ordinal in neighbours and place.page == self.places[0].page


def rank_passages(connection: Connection, request: SearchRequest, statistics: CorpusStatistics) -> tuple[Hit, ...]:
    """The passages that answer a request, best first, at most `request.limit`. Each is a hit with its whole text."""
    if not request.question:
        return _beginnings(connection, rank_files(connection, request, statistics))
    ranking = rank_candidates(connection, request, statistics)
    passages = merged(_candidates(connection, ranking, ranking.relevant[: request.limit]), limit=request.limit)
    best = [passage.best for passage in passages]
    hits = shown_hits(connection, best, known=ranking.shown, exponent=ranking.exponent)
    chunks = {place.chunk_id for passage in passages for place in passage.places}
    texts = file_facts.texts_and_tokens(connection, chunks)
    cutter = ranking.shown.proximities.cutter
    return tuple(with_text(hit, passage.places, texts, cutter) for hit, passage in zip(hits, passages, strict=True))


def _beginnings(connection: Connection, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The first chunks of files that only filters have chosen."""
    places = file_facts.first_places(connection, [hit.file_id for hit in hits if hit.has_text])
    texts = file_facts.texts_and_tokens(connection, {place.chunk_id for place in places.values()})
    found = [hit for hit in hits if hit.file_id in places and places[hit.file_id].chunk_id in texts]
    cutter = SnippetCutter(())
    return tuple(
        with_text(hit, [places[hit.file_id]], texts, cutter)._replace(rank=rank) for rank, hit in enumerate(found, 1)
    )


def _candidates(
    connection: Connection, ranking: Ranking, files: Sequence[CandidateFile]
) -> list[tuple[CandidateFile, ChunkPlace]]:
    """The candidates in some files, best first: the best one of each, and the others that answer by their text.

    The best one of a file comes before the others of it, whatever else the evidence for the file counts.
    """
    by_id = {file.found.file_id: file for file in files if file.found.chunk_id is not None}
    wanted = {*ranking.evidence, *(file.found.chunk_id for file in by_id.values())}
    found: dict[tuple[FileId, ChunkId], tuple[CandidateFile, ChunkPlace]] = {}
    for file_id, place in file_facts.places_of_chunks(connection, list(by_id), filter(None, wanted)):
        file = by_id[file_id]
        if place.chunk_id != file.found.chunk_id:
            evidence = ranking.evidence[place.chunk_id]
            if not ranking.is_relevant(evidence):
                continue
            file = file._replace(evidence=evidence)
        # A text that stands in a file several times is one passage, at its first place.
        found.setdefault((file_id, place.chunk_id), (_at(file, place), place))

    orders = _orders(ranking, files)

    def order(candidate: tuple[CandidateFile, ChunkPlace]) -> tuple[float, bool]:
        file_id, place = candidate[0].found.file_id, candidate[1]
        is_best = place.chunk_id == by_id[file_id].found.chunk_id
        return -min(ranking.order(candidate[0].evidence), orders[file_id]), not is_best

    return sorted(found.values(), key=order)


def _orders(ranking: Ranking, files: Sequence[CandidateFile]) -> dict[FileId, float]:
    """The values that order some results. A near copy has less than what it comes after."""
    orders: dict[FileId, float] = {}
    last = math.inf
    for file in files:
        own = ranking.order(file.evidence)
        last = own if file.near is None else min(own, math.nextafter(last, -math.inf))
        orders[file.found.file_id] = last
    return orders


def _at(file: CandidateFile, place: ChunkPlace) -> CandidateFile:
    found = file.found._replace(
        chunk_id=place.chunk_id,
        first_line=place.first_line,
        last_line=place.last_line,
        page=place.page,
    )
    return file._replace(found=found)


def merged(candidates: Iterable[tuple[CandidateFile, ChunkPlace]], *, limit: int) -> list[Passage]:
    """At most `limit` passages of candidates, which come best first. Neighbours in one file become one passage.

    A passage stands where its best chunk does. It grows only by chunks that are better than the best one of the first
    passage beyond the limit.
    """
    passages: list[Passage] = []
    by_file: dict[FileId, list[Passage]] = {}
    for candidate, place in candidates:
        own = by_file.setdefault(candidate.found.file_id, [])
        near = [passage for passage in own if passage.continues(place) and len(passage.places) < MAX_CHUNKS]
        if near:
            _grow(near[0], place)
            if len(near) > 1 and len(near[0].places) + len(near[1].places) <= MAX_CHUNKS:
                near[0].places = sorted([*near[0].places, *near[1].places], key=lambda one: one.ordinal)
                own.remove(near[1])
                passages.remove(near[1])
        elif len(passages) < limit:
            passages.append(Passage(candidate, [place]))
            own.append(passages[-1])
        else:
            break
    return passages


def _grow(passage: Passage, place: ChunkPlace) -> None:
    passage.places.insert(0 if place.ordinal < passage.places[0].ordinal else len(passage.places), place)


def with_text(
    hit: Hit, places: Sequence[ChunkPlace], texts: Mapping[ChunkId, tuple[str, int]], cutter: SnippetCutter
) -> Hit:
    """A hit with the text, the lines and the page of a passage, which has chunks at these places."""
    # A chunk may have been deleted since its place was read.
    places = [place for place in places if place.chunk_id in texts] or places[:1]
    text, tokens, end = "", 0, 0
    numbers: list[int] = []
    for place in places:
        piece, count = texts.get(place.chunk_id, ("", 0))
        text += (_between(text, piece, same_line=place.first_line <= end) if text else "") + piece
        lines = range(place.first_line, place.first_line + piece.count("\n") + 1)
        # A chunk may go on inside of the line where the one before it ends.
        numbers += lines[place.first_line <= end :]
        tokens, end = tokens + count, place.last_line
    return hit._replace(
        first_line=places[0].first_line,
        last_line=places[-1].last_line,
        page=places[0].page,
        text=text,
        tokens=tokens,
        shown=cutter.uncut(text),
        marked=cutter.unmarked(text),
        line_numbers=tuple(numbers),
    )


def _between(before: str, after: str, *, same_line: bool) -> str:
    """What stands between two neighbours: chunks have no white space at their ends."""
    if not same_line:
        return "\n"
    touching = before[-1:] + after[:1]
    return "" if all(unicodedata.east_asian_width(character) in _UNSPACED_WIDTHS for character in touching) else " "
