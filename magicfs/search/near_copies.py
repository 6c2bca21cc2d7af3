"""Near copies among ranked files: the drafts of a document, a report that was sent several times, the files of backups.

Used by `magicfs.search.ranking`. Of files whose passages are nearly equal and answer equally well, a person wants one,
the latest, and then what else answers as well. Copies to the byte are one result already. `near_texts` compares texts.
Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from magicfs.domain.ids import ChunkId
from magicfs.search.fusion import Evidence
from magicfs.search.measured_files import CandidateFile
from magicfs.search.near_texts import FirstTexts, NearTexts

YIELD_SHARE: Final = 0.8
"""A near copy comes after the next files that have this share of its relevance, or more: they answer as well."""
MANY_COPIES: Final = 3
"""This near copy of a file and all further ones come after whatever answers at all."""
YIELD_SHARE_OF_MANY: Final = 0.2
"""They come after the next files that have this share of their relevance, or more."""
EXAMINED_PER_WANTED: Final = 1.2
"""The number of files that are examined for each one wanted: one of the next may be the latest of near copies."""


def examined(wanted: int) -> int:
    """The number of files to examine, without near copies, for this number of results."""
    return int(EXAMINED_PER_WANTED * wanted)


def near_copies_later(
    files: Sequence[CandidateFile],
    texts: Mapping[ChunkId, str],
    relevance: Callable[[Evidence], float],
    *,
    wanted: int,
    compared: NearTexts | None = None,
) -> list[CandidateFile]:
    """Files in their order, but a near copy of one before it later: after the next ones that answer as well.

    Of near copies that answer equally, the latest modified one comes first. The others have it as `near`. What comes
    after the first ones, as many as are `wanted`, may stay where it is. `compared` knows some of the texts already.
    """
    groups = _groups(files, texts, compared or NearTexts(), most=examined(wanted))
    if not groups:
        return list(files)
    placed = dict(enumerate(files))
    for places in groups:
        placed.update(zip(places, _latest_first([files[place] for place in places]), strict=True))
    share = {
        place: YIELD_SHARE if number < MANY_COPIES else YIELD_SHARE_OF_MANY
        for _, *copies in groups
        for number, place in enumerate(copies, 1)
    }
    ordered: list[CandidateFile] = []
    waiting: list[tuple[CandidateFile, float]] = []
    for place, file in placed.items():
        answers = relevance(file.evidence)
        if place in share:
            waiting.append((file, share[place] * answers))
            continue
        ordered += [copy for copy, least in waiting if answers < least]
        waiting = [(copy, least) for copy, least in waiting if answers >= least]
        ordered.append(file)
    return ordered + [copy for copy, _ in waiting]


def _groups(
    files: Sequence[CandidateFile], texts: Mapping[ChunkId, str], compared: NearTexts, *, most: int
) -> list[list[int]]:
    """The places of files that are near copies of the first one of each group, which answers best.

    Files after the first `most` that are no near copies are not examined.
    """
    firsts = FirstTexts()
    groups: list[tuple[Evidence, list[int]]] = []
    copies = 0
    for place, file in enumerate(files):
        if place - copies >= most:
            break
        chunk, evidence = file.found.chunk_id, file.evidence
        text = None if chunk is None else texts.get(chunk)
        if chunk is None or text is None or evidence.is_whole_name:
            continue
        own = compared.of(chunk, text)
        for number in firsts.nearest(own):
            best, places = groups[number]
            if own.is_near(firsts[number]) and _answers_no_better(evidence, best):
                places.append(place)
                copies += 1
                break
        else:
            firsts.add(own)
            groups.append((evidence, [place]))
    return [places for _, places in groups if len(places) > 1]


def _answers_no_better(evidence: Evidence, first: Evidence) -> bool:
    """Whether nothing but its meaning speaks for a file more than for another one."""
    return all(ours <= theirs for ours, theirs in zip(_by_words(evidence), _by_words(first), strict=True))


def _by_words(evidence: Evidence) -> tuple[float, ...]:
    """What the words of the question, in the passage and in the path, say of a file."""
    return (
        round(evidence.lexical or 0.0, 6),
        evidence.is_phrase_match,
        round(evidence.name_share, 6),
        round(evidence.rare_share, 6),
        evidence.has_all_words,
    )


def _latest_first(files: Sequence[CandidateFile]) -> list[CandidateFile]:
    """Near copies of the first one: those that answer as it does in front, the latest modified first."""
    best = _by_words(files[0].evidence)
    latest, *others = sorted(files, key=lambda file: (_by_words(file.evidence) != best, -file.found.stat.mtime_ns))
    return [latest, *(file._replace(near=latest.found) for file in others)]
