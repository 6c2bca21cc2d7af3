"""The names that the mount has given to results, and the files that they stand for.

Used by the directories of `search/` and `links/`. A name that a program has seen never comes to mean another file. Safe
in any thread.
"""

from __future__ import annotations

import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping

import xxhash

from magicfs.domain.results import Hit
from magicfs.tree.names import SHARED_BYTES, beginnings, numbered

MAX_CACHED_NAMES = 20_000
"""Result names of all queries together, about 20 MB."""
GIVEN_PER_KEPT = 5
"""The number of names that are remembered by digests for each one that is kept."""


class ResultNameCache:
    """The latest result names of all queries. Safe in any thread.

    Scores change as files are indexed, and names with them; programs still open the names that they listed before. A
    name never comes to mean another file: a program may be about to save through it. That is certain while the name is
    kept, and as long as there is anything beside the results of its query.
    """

    def __init__(self, *, max_names: int = MAX_CACHED_NAMES) -> None:
        self._max_names = max_names
        self._lock = threading.Lock()
        self._hits: OrderedDict[tuple[bytes, bytes], Hit] = OrderedDict()
        self._given: dict[int, int] = {}
        """The digests of the latest names, kept or not, and of the files that had them."""
        self._long: Counter[tuple[bytes, bytes]] = Counter()
        """How many kept names of a query are longer than `SHARED_BYTES`, by what they begin with."""
        self._held: dict[bytes, set[bytes]] = {}
        """By query, the names of what is no result there."""

    def add(self, query: bytes, hits: Mapping[bytes, Hit]) -> dict[bytes, Hit]:
        """Add the names of a result, and drop the oldest names beyond the limit.

        Returns the hits by the names under which they are kept: a name that was another file's gets a number.
        """
        kept: dict[bytes, Hit] = {}
        with self._lock:
            for wanted, hit in hits.items():
                file = _digest_of_file(hit)
                name = next(name for name in numbered(wanted) if self._may_have(query, name, hit, file))
                kept[name] = hit
                self._keep(query, name, hit)
                self._given[_digest(query, name)] = file
            self._drop_oldest()
        return kept

    def _keep(self, query: bytes, name: bytes, hit: Hit) -> None:
        if len(name) > SHARED_BYTES and (query, name) not in self._hits:
            self._long[query, name[:SHARED_BYTES]] += 1
        self._hits[query, name] = hit
        self._hits.move_to_end((query, name))

    def _drop_oldest(self) -> None:
        for _ in range(len(self._hits)):
            if len(self._hits) <= self._max_names:
                break
            query, name = next(iter(self._hits))
            if query in self._held:
                self._hits.move_to_end((query, name))
            else:
                self._drop(query, name)
        while len(self._given) > GIVEN_PER_KEPT * self._max_names:
            del self._given[next(iter(self._given))]

    def _drop(self, query: bytes, name: bytes) -> None:
        del self._hits[query, name]
        if len(name) > SHARED_BYTES:
            beginning = query, name[:SHARED_BYTES]
            self._long[beginning] -= 1
            if not self._long[beginning]:
                del self._long[beginning]

    def _may_have(self, query: bytes, name: bytes, hit: Hit, file: int) -> bool:
        """Whether a hit may have that name. `file` is the digest of its file."""
        known = self._hits.get((query, name))
        if known is not None:
            # One that was moved is the same file, and so is one that was saved by replacing it.
            return known.host == hit.host and (known.absolute_path == hit.absolute_path or known.file_id == hit.file_id)
        if name in self._held.get(query, ()):
            return False
        return self._given.get(_digest(query, name)) in {None, file}

    def get(self, query: bytes, name: bytes) -> Hit | None:
        """The hit that had that name."""
        with self._lock:
            return self._hits.get((query, name))

    def is_derived(self, query: bytes, name: bytes) -> bool:
        """Whether a program may have made a name of that of a result of that query, for a file beside it."""
        with self._lock:
            if any((query, beginning) in self._hits for beginning in beginnings(name)):
                return True
            is_long_itself = len(name) > SHARED_BYTES and (query, name) in self._hits
            return self._long[query, name[:SHARED_BYTES]] > is_long_itself

    def hold(self, query: bytes, name: bytes) -> None:
        """Give this name to no result that does not have it, and drop no name of this query."""
        with self._lock:
            self._held.setdefault(query, set()).add(name)

    def release(self, query: bytes, name: bytes) -> None:
        """End what `hold` began."""
        with self._lock:
            held = self._held.get(query, set())
            held.discard(name)
            if not held:
                self._held.pop(query, None)


def _digest(query: bytes, name: bytes) -> int:
    return xxhash.xxh3_64_intdigest(query + b"/" + name)


def _digest_of_file(hit: Hit) -> int:
    return xxhash.xxh3_64_intdigest(os.fsencode(hit.host) + b"/" + hit.absolute_path)
