"""The files that have candidates: what words, meaning and names say of each file.

Used by `magicfs.search.ranking`, which orders them. `measured_chunks` has the evidence for the chunks. The best chunk
stands for its file, one file for its copies. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from magicfs.db.search.candidates import Place
from magicfs.domain.chunks import FoundFile, NameMatch
from magicfs.domain.files import display_path
from magicfs.domain.ids import ChunkId
from magicfs.search import fusion, scores
from magicfs.search.fusion import Evidence
from magicfs.search.meaning import Meaning
from magicfs.search.measured_chunks import MeasuredChunks, extension_of
from magicfs.search.request import SearchRequest
from magicfs.search.retrievers import QuestionWords
from magicfs.text.names import fold_path, is_at_path, is_name_in_another_format, is_whole_name, plain_name, typed_path

WEIGHT_OF_PATH = 0.5
"""What the words that a path has in its directories count in the score, those of the file's own name being 1."""
WEIGHT_OF_PATH_WITH_ALL = 0.75
"""The same for a file that has all words of the question with those of its path."""


class CandidateFile(NamedTuple):
    """A file with its best chunk, and the evidence for both."""

    found: FoundFile
    evidence: Evidence
    meaning: Meaning | None = None
    """The meaning of its best chunk, where its standing is explained; None without a vector."""
    near: FoundFile | None = None
    """The result before it of which it is a near copy, see `magicfs.search.near_copies`."""

    def at(self, copy: FoundFile) -> CandidateFile:
        """A copy of the file, with the same place of its chunk."""
        found = self.found
        copy = copy._replace(
            chunk_id=found.chunk_id, first_line=found.first_line, last_line=found.last_line, page=found.page
        )
        return self._replace(found=copy)


def files_of_chunks(places: Sequence[Place], chunks: MeasuredChunks) -> dict[bytes, CandidateFile]:
    """The contents that have the chunks, by copy key.

    The preferred copy stands for all. Each has its best chunk, and evidence from all its chunks among the candidates.
    """
    given = [place.found for place in places]
    evidence = chunks.of(file.chunk_id for file in given)
    located = [(file, chunk) for file in given if (chunk := file.chunk_id) is not None and chunk in evidence]
    meaning = chunks.scale.meaning
    order = {chunk: fusion.fused_score(one, meaning=meaning) for chunk, one in evidence.items()}
    located.sort(key=lambda place: -order[place[1]])
    by_content: dict[bytes, list[tuple[FoundFile, ChunkId]]] = {}
    for found, chunk in located:
        by_content.setdefault(found.copy_key, []).append((found, chunk))
    in_path = {place.found.file_id: place.name.in_path for place in places if place.name is not None}

    def preference(place: tuple[FoundFile, ChunkId]) -> tuple[bool, float]:
        found, chunk = place
        return chunks.has_all_words(chunk, in_path.get(found.file_id, frozenset())), order[chunk]

    files = {}
    for key, same in by_content.items():
        best_file, best = max(same, key=preference) if len(same) > 1 else same[0]
        # A file that its name has brought too has one of its chunks twice.
        of_file = fusion.of_file(evidence[best], [evidence[chunk] for chunk in {chunk for _, chunk in same}])
        files[key] = CandidateFile(best_file, of_file)
    return files


def with_names(
    files: Mapping[bytes, CandidateFile],
    chunks: MeasuredChunks,
    places: Sequence[Place],
    words: QuestionWords,
    request: SearchRequest,
) -> dict[bytes, CandidateFile]:
    """The files with the evidence of their paths, and the files that their paths alone bring.

    Of the copies of a content, one whose root is there is preferred, then a local one, then the one whose own name has
    more of the question, then as in `magicfs.db.search.candidates`.
    """
    best: dict[bytes, CandidateFile] = {}
    name, path = plain_name(request.question), typed_path(request.question)
    matches = {place.found.file_id: place.name for place in places if place.name is not None}

    def preference(file: CandidateFile) -> tuple[bool, bool, float, bool, int, int]:
        found = file.found
        match = matches.get(found.file_id)
        return (
            found.root not in request.copy_rules.missing_roots,
            found.host == request.copy_rules.host,
            words.share(match.in_name) if match else 0.0,
            file.evidence.is_whole_name,
            found.stat.mtime_ns,
            -len(found.absolute_path),
        )

    by_name = [place.found for place in places if place.is_by_name]
    named = (files.get(found.copy_key, CandidateFile(found, Evidence())).at(found) for found in by_name)
    for file in (*files.values(), *named):
        measured = with_name(file, chunks, matches.get(file.found.file_id), words, name=name, path=path)
        known = best.get(file.found.copy_key)
        if known is None or preference(measured) > preference(known):
            best[file.found.copy_key] = measured
    return best


def with_name(
    file: CandidateFile,
    chunks: MeasuredChunks,
    match: NameMatch | None,
    words: QuestionWords,
    *,
    name: str,
    path: str,
) -> CandidateFile:
    """The file with the evidence of its path. A word of a directory's name counts less than one of the file's.

    `name` and `path` are the question as `plain_name` and `typed_path` give it. A path that was typed means the file,
    or all that is below the directory.
    """
    in_path: frozenset[str] = match.in_path if match is not None else frozenset()
    if has_all := chunks.has_all_words(file.found.chunk_id, in_path):
        file = file._replace(evidence=file.evidence._replace(has_all_words=True))
    if match is None:
        return file
    in_text = chunks.words(file.found.chunk_id)
    in_names = chunks.rare_words.in_names
    name_share = (in_names.share(match.in_name) + in_names.share(match.in_path)) / 2
    of_path = WEIGHT_OF_PATH_WITH_ALL if has_all else WEIGHT_OF_PATH
    share = (1.0 - of_path) * words.certain_share(in_text | match.in_name)
    share += of_path * words.certain_share(in_text | in_path)
    lexical = max(scores.lexical_strength(share=share, is_phrase_match=False), file.evidence.lexical or 0.0)
    rare_share = max(file.evidence.rare_share, chunks.rare_words.share(in_text | in_path))
    own_name = plain_name(file.found.path.rpartition(b"/")[2].decode("utf-8", "replace"))
    is_whole = is_whole_name(name, own_name) or (
        path != "" and is_at_path(fold_path(display_path(file.found.absolute_path)), path)
    )
    relative = file.evidence.relative_words
    if fusion.FEW_WORDS <= len(words.without_compounds) <= fusion.SHORT_QUESTION:
        in_name = match.in_name - {extension_of(file.found.path)}
        relative = max(chunks.strength_with_name(file.found.chunk_id, in_name), relative or 0.0)
    if is_in_another_format := not is_whole and is_name_in_another_format(name, own_name):
        lexical = max(lexical, scores.ALL_WORDS_STRENGTH)
    evidence = file.evidence._replace(
        relative_words=relative,
        lexical=scores.lexical_strength(share=1.0, is_phrase_match=True) if is_whole else lexical,
        name_share=name_share,
        is_whole_name=is_whole,
        rare_share=rare_share,
        is_in_another_format=is_in_another_format,
    )
    return file._replace(evidence=evidence)
