"""`search/`: each plausible name is a directory at once; what is in it is found when somebody looks inside."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping

from magicfs.domain.attributes import Attributes
from magicfs.domain.results import Hit
from magicfs.tree.files import REAL_SECONDS, FileLocation, RealFile
from magicfs.tree.nodes import FOREVER_SECONDS, Entry, ReadyEntries, ThreadPool, missing
from magicfs.tree.query_names import plausible
from magicfs.tree.results import Answer, Results
from magicfs.tree.virtual import GeneratedFile, OurDirectory

SHOWN_QUERIES = 20
"""Entries of `search/` itself: the last queries, for those who go there with a file manager."""
REMEMBERED_NAMES = 20_000
"""Names that all queries together go on knowing, about 20 MB: scores move, and programs open what they listed."""
_RESULT_NAME = re.compile(rb"[01]\.\d\d_.", re.DOTALL)


class Remembered:
    """The names that were given to results last, of all queries. Safe in any thread."""

    def __init__(self, *, most: int = REMEMBERED_NAMES) -> None:
        self._most = most
        self._guard = threading.Lock()
        self._hits: OrderedDict[tuple[bytes, bytes], Hit] = OrderedDict()

    def add(self, query: bytes, hits: Mapping[bytes, Hit]) -> None:
        """Remember the names of an answer, and forget the oldest ones."""
        with self._guard:
            for name, hit in hits.items():
                self._hits[query, name] = hit
                self._hits.move_to_end((query, name))
            while len(self._hits) > self._most:
                self._hits.popitem(last=False)

    def find(self, query: bytes, name: bytes) -> Hit | None:
        """What had that name."""
        with self._guard:
            return self._hits.get((query, name))


class SearchDirectory(OurDirectory):
    """`search/` itself. Nothing in it blocks."""

    missing_seconds = FOREVER_SECONDS

    def __init__(self, results: Results, *, host: str, born_ns: int) -> None:
        super().__init__(b"search", born_ns=born_ns)
        self._results = results
        self._remembered = Remembered()
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
        node = QueryDirectory(query, self._results, self._remembered, host=self._host, born_ns=self.born_ns)
        return Entry(query, node, node.known_attributes())


class QueryDirectory(OurDirectory):
    """The results of one query, best first."""

    lane = ThreadPool.INDEX

    def __init__(self, query: bytes, results: Results, remembered: Remembered, *, host: str, born_ns: int) -> None:
        super().__init__(b"query/" + query, born_ns=born_ns)
        self._query = query
        self._results = results
        self._host = host
        self._remembered = remembered
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
        hit = self._remembered.find(self._query, name) or self._answer().hits.get(name)
        if hit is None:
            raise missing(name)
        node = self._node(hit)
        return Entry(name, node, node.attributes(), seconds=REAL_SECONDS)

    def list(self) -> ReadyEntries:
        """The results as the index has them: no file is touched."""
        return ReadyEntries(
            [
                Entry(name, self._node(hit), Attributes.of_indexed(hit.stat), seconds=REAL_SECONDS)
                for name, hit in self._answer().hits.items()
            ]
        )

    def _answer(self) -> Answer:
        answer = self._results.answer(self._query)
        self._remembered.add(self._query, answer.hits)
        return answer

    def _node(self, hit: Hit) -> RealFile:
        return RealFile(
            FileLocation(host=hit.host, root=hit.root_path, path=hit.path),
            here=hit.host == self._host,
            known=Attributes.of_indexed(hit.stat),
            about=hit,
        )
