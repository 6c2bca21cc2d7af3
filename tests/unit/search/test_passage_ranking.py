"""Neighbours become one passage, and what is better stands first."""

from __future__ import annotations

import pytest

from magicfs.domain.chunks import ChunkPlace, FoundFile
from magicfs.domain.files import FileStat
from magicfs.domain.ids import ChunkId, FileId
from magicfs.search.fusion import Evidence
from magicfs.search.matching_lines import matching_lines
from magicfs.search.measured_files import CandidateFile
from magicfs.search.passage_ranking import MAX_CHUNKS, merged, with_text
from magicfs.search.snippets import SnippetCutter
from tests.fakes.hits import make_hit

STAT = FileStat(size=12, mtime_ns=0, ctime_ns=0, ino=1, dev=1, mode=0o644, uid=0, gid=0)


def candidate(file: int, ordinal: int, page: int | None = None) -> tuple[CandidateFile, ChunkPlace]:
    found = FoundFile(
        copy_key=b"%d" % file,
        file_id=FileId(file),
        host="here",
        root="root",
        root_path=b"/root",
        path=b"a.txt",
        stat=STAT,
        indexed_at=0.0,
        language=None,
    )
    place = ChunkPlace(ChunkId(100 * file + ordinal), ordinal, 10 * ordinal + 1, 10 * ordinal + 9, page)
    return CandidateFile(found, Evidence()), place


def ordinals(candidates: list[tuple[CandidateFile, ChunkPlace]], *, limit: int = 20) -> list[tuple[int, list[int]]]:
    return [
        (passage.best.found.file_id, [place.ordinal for place in passage.places])
        for passage in merged(candidates, limit=limit)
    ]


def test_neighbours_of_one_file_are_one_passage_where_the_best_stands() -> None:
    found = ordinals([candidate(1, 5), candidate(2, 5), candidate(1, 6), candidate(1, 4), candidate(1, 9)])
    assert found == [(1, [4, 5, 6]), (2, [5]), (1, [9])]


def test_a_chunk_between_two_passages_joins_them() -> None:
    assert ordinals([candidate(1, 3), candidate(1, 5), candidate(1, 4)]) == [(1, [3, 4, 5])]


def test_a_passage_does_not_go_over_a_page() -> None:
    found = ordinals([candidate(1, 3, page=1), candidate(1, 4, page=2), candidate(1, 5, page=2)])
    assert found == [(1, [3]), (1, [4, 5])]


def test_a_long_run_is_several_passages_and_nothing_is_twice() -> None:
    found = ordinals([candidate(1, ordinal) for ordinal in range(3 * MAX_CHUNKS)])
    assert all(len(chunks) <= MAX_CHUNKS for _, chunks in found)
    assert sorted(ordinal for _, chunks in found for ordinal in chunks) == list(range(3 * MAX_CHUNKS))


def test_the_limit_counts_passages() -> None:
    candidates = [candidate(1, 5), candidate(1, 6), candidate(2, 5), candidate(3, 5), candidate(1, 7)]
    assert ordinals(candidates, limit=2) == [(1, [5, 6]), (2, [5])]


@pytest.mark.parametrize("gone", [{0}, {1}, {2}, {0, 1}, {0, 1, 2}])
def test_a_passage_of_which_chunks_are_deleted_meanwhile_has_the_lines_of_the_others(gone: set[int]) -> None:
    lines = {0: (1, 2), 1: (2, 2), 2: (4, 5)}
    places = [ChunkPlace(ChunkId(number), number, first, last, None) for number, (first, last) in lines.items()]
    written = {0: "one\ntwo", 1: "and more", 2: "four\nfive"}
    texts = {ChunkId(number): (text, 3) for number, text in written.items() if number not in gone}
    hit = with_text(make_hit(), places, texts, SnippetCutter(()))
    assert len(hit.line_numbers) == hit.text.count("\n") + 1
    left = [number for number in lines if number not in gone] or [0]
    assert hit.first_line == hit.line_numbers[0] == lines[left[0]][0]
    assert hit.last_line == lines[left[-1]][1]
    assert len(matching_lines(hit)) == 1
