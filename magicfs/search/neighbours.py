"""The files nearest in meaning to a file, as results: what `magicfs similar` shows.

No model is needed, because the vectors are in the index: `compared_file` reads those of the file, and `near_contents`
finds what is near to it. Copies of the file are none of its neighbours. Used by the search service. Reads in the
caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from magicfs.db.pool import Connection
from magicfs.db.search.file_facts import chunk_texts
from magicfs.db.search.found_files import copies, find_file
from magicfs.db.search.neighbours import files_of_contents
from magicfs.domain.chunks import CopyRules, FoundFile
from magicfs.domain.files import display_path
from magicfs.domain.models import IndexedModel
from magicfs.domain.query import Filters
from magicfs.domain.results import Hit
from magicfs.search.compared_file import read_compared_file
from magicfs.search.fusion import Evidence
from magicfs.search.hits import hits_of, listed_copies
from magicfs.search.measured_files import CandidateFile
from magicfs.search.near_contents import near_contents
from magicfs.search.request import MAX_COPIES
from magicfs.search.scores import MIN_RELEVANCE, MIN_RELEVANCE_OF_WEAK, WEAK_RESULTS
from magicfs.search.snippets import SnippetCutter
from magicfs.search.typed_scope import scope_of

NAMED_COPIES = 3
"""The number of copies of the file itself that are named."""


class Neighbours(NamedTuple):
    """The files nearest to a file, best first, and what is said of the file."""

    hits: tuple[Hit, ...]
    notices: tuple[str, ...]


def find_neighbours(
    connection: Connection,
    models: Sequence[IndexedModel],
    path: bytes,
    *,
    host: str | None,
    rules: CopyRules,
    limit: int,
) -> Neighbours:
    """The files nearest to the one at an absolute path, at most `limit`. Raises as `read_compared_file` does."""
    own = read_compared_file(connection, models, path, host=host, preferred=rules.host)
    near = near_contents(connection, own, limit=limit)
    ranked = sorted(near.items(), key=lambda item: (-item[1].similarity, item[0]))
    places = [
        (content, one.chunk)
        for number, (content, one) in enumerate(ranked)
        if one.similarity >= (MIN_RELEVANCE_OF_WEAK if number < WEAK_RESULTS else MIN_RELEVANCE)
    ]
    itself = find_file(connection, own.text.file, rules=rules)
    files: dict[bytes, CandidateFile] = {}
    for content, found in files_of_contents(connection, places, rules=rules):
        # The same bytes under names of two kinds are two contents.
        if itself is None or found.copy_key != itself.copy_key:
            files.setdefault(found.copy_key, CandidateFile(found, Evidence(model_similarity=near[content].similarity)))
    return _shown(connection, list(files.values())[:limit], itself, own.notices, rules)


def _shown(
    connection: Connection,
    files: Sequence[CandidateFile],
    itself: FoundFile | None,
    notices: tuple[str, ...],
    rules: CopyRules,
) -> Neighbours:
    """The files as results, with their snippets and copies."""
    everyone = [*(file.found for file in files), *([] if itself is None else [itself])]
    same = copies(connection, scope_of(Filters()), everyone, rules=rules, limit=MAX_COPIES + 1)
    texts = chunk_texts(connection, {file.found.chunk_id for file in files if file.found.chunk_id is not None})
    scores = [file.evidence.vector or 0.0 for file in files]
    hits = hits_of(files, scores, texts, SnippetCutter(()), listed_copies(same))
    return Neighbours(hits, notices + _copies_notice(itself, same))


def _copies_notice(itself: FoundFile | None, same: Mapping[bytes, Sequence[FoundFile]]) -> tuple[str, ...]:
    """What is said of the copies of the file, which do not count as its neighbours."""
    others = [] if itself is None else [one for one in same.get(itself.copy_key, ()) if one.file_id != itself.file_id]
    if not others:
        return ()
    named = ", ".join(display_path(one.absolute_path) for one in others[:NAMED_COPIES])
    more = f" and {len(others) - NAMED_COPIES} more" if len(others) > NAMED_COPIES else ""
    return (f"the same bytes, and no neighbours: {named}{more}",)
