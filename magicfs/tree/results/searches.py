"""`search/` and `links/`: each name that can be a query is a directory of results, which a listing searches for.

Used by `tree.Tree`. The two differ in how they show a result: as the real file (`file_views`), or as a link (`links`).
They do not search themselves: the result cache does. Names that programs look for in every directory are not queries
(`probed_names`). Methods that may block run in the thread pool of the index; safe in any thread.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from magicfs.domain.results import Hit
from magicfs.search.context import DEFAULT_CONTEXT_TOKENS, passages_for
from magicfs.search.render import as_of_text
from magicfs.text.analysis.signs import is_sign
from magicfs.tree.directories import Caller, Entry, InMemoryListing
from magicfs.tree.names import is_result_name
from magicfs.tree.nodes import STATIC_TIMEOUT_SECONDS, ThreadPool, not_found
from magicfs.tree.results.free_names import FreeNameSearches
from magicfs.tree.results.given_names import ResultNameCache
from magicfs.tree.results.probed_names import is_probed
from magicfs.tree.results.result_cache import ResultCache
from magicfs.tree.results.upward_searches import UpwardSearches
from magicfs.tree.virtual import GeneratedFile, VirtualDirectory

MAX_LISTED_QUERIES = 20
"""`search/` and `links/` list this many recent queries, for those who open them in a file manager."""
_CONTEXT_NAME = re.compile(rb"\.context(?:\.([1-9]\d{0,5}))?")
AS_OF_ATTRIBUTE = b"user.magicfs.as_of"
_UNDECODABLE = "\ufffd"


def is_query_name(name: bytes) -> bool:
    """Whether a name below `search/` is a query: it asks for something, and no program looks for it everywhere."""
    text = name.decode("utf-8", "replace")
    return not is_probed(text) and any(_is_searched_for(character) for character in text)


def _is_searched_for(character: str) -> bool:
    """Whether a search can find something by this character: a letter, a digit, or a symbol such as an emoji or `≤`."""
    if character.isalnum() or is_sign(character):
        return True
    return unicodedata.category(character) == "So" and character != _UNDECODABLE


class ResultView(Protocol):
    """How a directory shows results. Safe in any thread."""

    key: bytes
    """Differs between views."""

    def listed(self, name: bytes, hit: Hit) -> Entry | None:
        """The entry of a result with the attributes that the index has; None if it is not shown. Never blocks."""

    def found(self, name: bytes, hit: Hit) -> Entry:
        """The entry of a result with its current attributes, or without. Raises `FileNotFoundError`. Never blocks."""


@dataclass(frozen=True, slots=True)
class QuerySources:
    """What the directories of all queries of a view share."""

    results: ResultCache
    names: ResultNameCache
    view: ResultView
    free_names: FreeNameSearches
    upward: UpwardSearches
    mounted_at_ns: int


class SearchDirectory(VirtualDirectory):
    """`search/` or `links/` itself. None of its methods blocks."""

    negative_timeout_seconds = STATIC_TIMEOUT_SECONDS

    def __init__(
        self,
        results: ResultCache,
        names: ResultNameCache,
        view: ResultView,
        directory_of_query: Callable[[bytes, QuerySources], QueryDirectory] | None = None,
        *,
        mounted_at_ns: int,
    ) -> None:
        """`names` has the names of all queries; `search/` and `links/` share them, and `results`.

        `directory_of_query` makes the directory of a query, as `QueryDirectory` does, which is the default.
        """
        super().__init__(view.key, mounted_at_ns=mounted_at_ns)
        self._results = results
        self._free_names = FreeNameSearches()
        self._upward = UpwardSearches()
        self._sources = QuerySources(results, names, view, self._free_names, self._upward, mounted_at_ns)
        self._directory_of_query = directory_of_query or QueryDirectory

    def lookup_cached(self, name: bytes) -> Entry:
        """The directory of a query. Raises `FileNotFoundError` for a name that is no query. Does not search."""
        if not is_query_name(name):
            raise not_found(name)
        return self._entry(name)

    def lookup(self, name: bytes) -> Entry:
        """The entry that `lookup_cached` returns. Never blocks."""
        return self.lookup_cached(name)

    def note_lookup(self, name: bytes, caller: int) -> None:
        """Record that a thread looks up the name of a query: it may be looking for one that is free."""
        self._free_names.note(name, caller)

    def hides(self, name: bytes, caller: int) -> bool:
        """Whether a thread looks for a name that is free, or for a file in all directories above.

        A name that was searched for is not hidden.
        """
        is_probed_for = self._free_names.is_free(name, caller) or self._upward.continues(name, caller)
        return is_probed_for and name not in self._results.recent_queries()

    def make_directory(self, name: bytes, *, mode: int, caller: Caller) -> Entry:
        """The directory of a query, which a program believes to be new. Raises `EROFS` for a name that is no query.

        Never blocks.
        """
        if not is_query_name(name):
            return super().make_directory(name, mode=mode, caller=caller)
        self._free_names.take(name)
        return self._entry(name)

    def list(self) -> InMemoryListing:
        """The latest queries."""
        return InMemoryListing([self._entry(query) for query in self._results.recent_queries()[:MAX_LISTED_QUERIES]])

    def _entry(self, query: bytes) -> Entry:
        node = self._directory_of_query(query, self._sources)
        return Entry(query, node, node.cached_attributes())


class QueryDirectory(VirtualDirectory):
    """The results of one query, best first."""

    thread_pool = ThreadPool.INDEX
    takes_search = True

    def __init__(self, query: bytes, sources: QuerySources) -> None:
        mounted_at_ns = sources.mounted_at_ns
        super().__init__(sources.view.key + b"/" + query, mounted_at_ns=mounted_at_ns)
        self._query = query
        self._results = sources.results
        self._names = sources.names
        self._view = sources.view
        self._free_names = sources.free_names
        self._upward = sources.upward
        self._generated_files = {
            b".results.json": GeneratedFile(
                self.key + b"/json", lambda: self._results.get_as_of_now(self._query).json, mounted_at_ns=mounted_at_ns
            ),
            b".passages": GeneratedFile(
                self.key + b"/passages",
                lambda: self._results.get_passages(self._query).passages,
                mounted_at_ns=mounted_at_ns,
            ),
        }

    def note_lookup(self, name: bytes, caller: int) -> None:
        """Record that a thread wants the results, or looks for a file here and in the directories above."""
        self.note_opening(caller)
        self._upward.begin(name, caller)

    def note_opening(self, caller: int) -> None:
        """Record that a thread wants the results."""
        self._free_names.end(caller)

    def negative_timeout(self, name: bytes) -> float:
        """Forever for what programs look for in every directory; nothing for a result, which may come."""
        return STATIC_TIMEOUT_SECONDS if is_probed(name.decode("utf-8", "replace")) else 0.0

    def lookup_cached(self, name: bytes) -> Entry | None:
        """The entry of a generated file; None for the name of a result, which takes a search."""
        generated = self._generated_files.get(name) or self._context_file(name)
        if generated is not None:
            return Entry(name, generated, generated.cached_attributes())
        hit = self._names.get(self._query, name)
        if hit is not None:
            return self._view.found(name, hit)
        if not is_result_name(name):
            raise not_found(name)
        return None

    def is_generated(self, name: bytes) -> bool:
        """Whether a name is that of a generated file."""
        return name in self._generated_files or self._context_file(name) is not None

    def _context_file(self, name: bytes) -> GeneratedFile | None:
        """The file `.context`, or `.context.2000` with a budget of that many tokens; None for another name."""
        asked = _CONTEXT_NAME.fullmatch(name)
        if asked is None:
            return None
        tokens = int(asked[1] or DEFAULT_CONTEXT_TOKENS)

        def content() -> bytes:
            return self._results.get_passages(self._query, limit=passages_for(tokens)).context(tokens=tokens)

        return GeneratedFile(self.key + b"/context/%d" % tokens, content, mounted_at_ns=self.mounted_at_ns)

    def lookup(self, name: bytes) -> Entry:
        """The entry of a result name, either a cached name or one of the current result. May block."""
        hit = self._names.get(self._query, name) or self._hits().get(name)
        if hit is None:
            raise not_found(name)
        return self._view.found(name, hit)

    def list(self) -> InMemoryListing:
        """The results with the attributes that the index has: no file is opened. May block."""
        entries = (self._view.listed(name, hit) for name, hit in self._hits().items())
        return InMemoryListing([entry for entry in entries if entry is not None])

    def computed_attribute(self, name: bytes) -> bytes | None:
        """`user.magicfs.as_of`; empty while the moment is not known. May block."""
        if name != AS_OF_ATTRIBUTE:
            return None
        return (as_of_text(self._results.get_as_of_now(self._query).result.as_of) or "").encode()

    def _hits(self) -> dict[bytes, Hit]:
        return self._names.add(self._query, self._results.get(self._query).hits)
