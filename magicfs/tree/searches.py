"""`search/`: each plausible name is a directory at once; what is in it is found when somebody looks inside."""

from __future__ import annotations

import re
import threading

from magicfs.domain.results import Hit
from magicfs.tree.attributes import Attributes
from magicfs.tree.files import REAL_SECONDS, Place, RealFile
from magicfs.tree.folders import OurDirectory
from magicfs.tree.generated import GeneratedFile
from magicfs.tree.nodes import FOREVER_SECONDS, Entry, Lane, ReadyEntries, missing
from magicfs.tree.plausible import plausible
from magicfs.tree.results import Answer, Results

SHOWN_QUERIES = 20
"""Entries of `search/` itself: the last queries, for those who go there with a file manager."""
REMEMBERED_NAMES = 4096
"""Names that a query's directory goes on knowing: scores move, and a program opens what it listed before."""
_RESULT_NAME = re.compile(rb"[01]\.\d\d_.", re.DOTALL)


class SearchDirectory(OurDirectory):
    """`search/` itself. Nothing in it blocks."""

    missing_seconds = FOREVER_SECONDS

    def __init__(self, results: Results, *, host: str, born_ns: int) -> None:
        super().__init__(b"search", born_ns=born_ns)
        self._results = results
        self._host = host

    def peek(self, name: bytes) -> Entry:
        """A directory for each plausible name; nobody searches yet."""
        if not plausible(name):
            raise missing(name)
        return self._entry(name)

    def lookup(self, name: bytes) -> Entry:
        """The same."""
        return self.peek(name)

    def list(self) -> ReadyEntries:
        """The queries that were answered last."""
        return ReadyEntries([self._entry(query) for query in self._results.recent()[:SHOWN_QUERIES]])

    def _entry(self, query: bytes) -> Entry:
        node = QueryDirectory(query, self._results, host=self._host, born_ns=self.born_ns)
        return Entry(query, node, node.known_attributes())


class QueryDirectory(OurDirectory):
    """The results of one query, best first."""

    lane = Lane.INDEX

    def __init__(self, query: bytes, results: Results, *, host: str, born_ns: int) -> None:
        super().__init__(b"query/" + query, born_ns=born_ns)
        self._query = query
        self._results = results
        self._host = host
        self._guard = threading.Lock()
        self._names: dict[bytes, Hit] = {}
        """The names of this answer and of earlier ones, the latest last."""
        self._files = {
            b".results.json": GeneratedFile(self.key + b"/json", lambda: self._answer().json, born_ns=born_ns),
            b".passages": GeneratedFile(self.key + b"/passages", lambda: self._answer().passages, born_ns=born_ns),
        }

    def peek(self, name: bytes) -> Entry | None:
        """Knows the names that are always there and those that no result can have; the others are looked for."""
        generated = self._files.get(name)
        if generated is not None:
            return Entry(name, generated, generated.known_attributes())
        if not _RESULT_NAME.match(name):
            raise missing(name)
        return None

    def lookup(self, name: bytes) -> Entry:
        """A result by a name that was listed before, or else by what the index says now."""
        with self._guard:
            hit = self._names.get(name)
        if hit is None:
            hit = self._answer().hits.get(name)
        if hit is None:
            raise missing(name)
        node = self._node(hit)
        return Entry(name, node, node.attributes(), seconds=REAL_SECONDS)

    def list(self) -> ReadyEntries:
        """The results as the index has them: no file is touched."""
        return ReadyEntries(
            [
                Entry(name, self._node(hit), Attributes.of_row(hit.stat), seconds=REAL_SECONDS)
                for name, hit in self._answer().hits.items()
            ]
        )

    def _answer(self) -> Answer:
        answer = self._results.answer(self._query)
        with self._guard:
            for name, hit in answer.hits.items():
                self._names.pop(name, None)
                self._names[name] = hit
            while len(self._names) > REMEMBERED_NAMES:
                del self._names[next(iter(self._names))]
        return answer

    def _node(self, hit: Hit) -> RealFile:
        return RealFile(
            Place(host=hit.host, root=hit.root_path, path=hit.path),
            here=hit.host == self._host,
            known=Attributes.of_row(hit.stat),
            about=hit,
        )
