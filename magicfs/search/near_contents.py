"""The contents that are near to a file, and how near: by probes, what probes bring, and a comparison of whole files.

A few chunks of the file, spread over it, are the probes: each brings the chunks nearest to it, and these the contents
that have them. So do chunks that the file shares with other contents. Every list has a limit: a book costs no more than
some pages do. Used by `magicfs.search.neighbours`. Reads in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from magicfs.db.pool import Connection
from magicfs.db.search import neighbours as neighbours_db
from magicfs.db.search.neighbours import FileVectors
from magicfs.domain.ids import ChunkId, ContentId
from magicfs.domain.models import IndexedModel, ModelState
from magicfs.search.compared_file import ComparedFile
from magicfs.search.file_similarity import Centres, Text, Vectors, joined, matches, spread
from magicfs.search.fusion import WEIGHT_OF_SECOND

PROBES = 8
"""The number of chunks of the file that look for near ones, besides its mean."""
BROUGHT = 400
"""The number of chunks that all probes bring together, unless twice the number of results is more."""
LEAST_OF_PROBE, MOST_OF_PROBE = 40, 500
COMPARED = 300
"""The most contents by the vectors of one model that are compared, unless twice the number of results is more."""
CHUNKS_COMPARED = 16
"""The chunks of each other content that are compared, spread over it, besides those that a probe has brought."""
SAMPLE = 100
"""Contents drawn at random, which say what chance reaches."""
CONTENTS_OF_CHUNK = 50
"""The most contents of a chunk that are looked at: licences and headers are in thousands of files."""


class Near(NamedTuple):
    """How near a content is, and its chunk that is nearest to one of the file."""

    similarity: float
    """0 for what chance reaches, 1 for the same text; not clipped."""
    chunk: ChunkId


class _Reader(NamedTuple):
    """A model, and what it has read of the file and of contents drawn at random."""

    model: IndexedModel
    own: FileVectors
    centres: Centres
    sample: Sequence[Text]

    @property
    def weight(self) -> float:
        return WEIGHT_OF_SECOND if self.model.state is ModelState.MULTILINGUAL else 1.0

    def probes(self, language: str) -> Vectors:
        """The vectors that look for near chunks, each of length 1, shape (n, dimension)."""
        mean = self.own.vectors.mean(axis=0, keepdims=True)
        mean /= max(float(np.linalg.norm(mean)), 1e-9)
        # Texts in other languages are farther away, whatever they say.
        elsewhere = self.centres.elsewhere(mean[0], language)
        chosen = [spread(self.own.vectors, PROBES), elsewhere]
        return np.concatenate([*chosen, mean] if len(self.own.vectors) > 1 else chosen)


def near_contents(connection: Connection, own: ComparedFile, *, limit: int) -> dict[ContentId, Near]:
    """The contents that may be among the `limit` nearest, and some more, with what all models say of them."""
    sample = neighbours_db.sample_contents(connection, without=own.content, limit=SAMPLE)
    languages = neighbours_db.languages_of_contents(connection, sample)
    readers = [_reader(connection, model, vectors, languages) for model, vectors in own.vectors]
    brought = _brought(connection, own, readers, limit=limit)
    languages = neighbours_db.languages_of_contents(connection, brought)
    compared = [(reader.weight, _compared(connection, reader, own.language, brought, languages)) for reader in readers]
    near = {}
    for content in brought:
        said = [(weight, by_model[content]) for weight, by_model in compared if content in by_model]
        if said:
            similarity = joined([(weight, one.similarity) for weight, one in said])
            near[content] = Near(similarity, said[0][1].chunk)
    return near


def _reader(
    connection: Connection, model: IndexedModel, own: FileVectors, languages: Mapping[ContentId, str]
) -> _Reader:
    """A model with what it has read of some contents, which have these languages."""
    read = neighbours_db.spread_vectors(connection, model, languages, each=CHUNKS_COMPARED)
    sample = [Text(one.vectors, languages[content]) for content, one in read.items()]
    return _Reader(model, own, Centres(model, sample), sample)


def _brought(
    connection: Connection, own: ComparedFile, readers: Sequence[_Reader], *, limit: int
) -> dict[ContentId, set[ChunkId]]:
    """The contents that have chunks of the file, or chunks near to it, with these chunks."""
    most = max(COMPARED, 2 * limit)
    chunks = {chunk for reader in readers for chunk in reader.own.chunks}
    sharing = _contents_of(connection, own, chunks)
    brought = {content: set(sharing[content]) for content in sorted(sharing, key=lambda one: -len(sharing[one]))[:most]}
    for reader in readers:
        probes = reader.probes(own.language)
        each = min(MOST_OF_PROBE, max(LEAST_OF_PROBE, max(BROUGHT, 2 * limit) // len(probes)))
        found = neighbours_db.near_chunks(connection, reader.model, probes, own=chunks, limit=each)
        having = _contents_of(connection, own, found)
        nearest = {content: max(found[chunk] for chunk in near) for content, near in having.items()}
        for content in sorted(having, key=lambda one: -nearest[one])[:most]:
            brought.setdefault(content, set()).update(having[content])
    return brought


def _contents_of(
    connection: Connection, own: ComparedFile, chunks: Collection[ChunkId]
) -> dict[ContentId, list[ChunkId]]:
    return neighbours_db.contents_of_chunks(connection, chunks, without=own.content, each=CONTENTS_OF_CHUNK)


def _compared(
    connection: Connection,
    reader: _Reader,
    language: str,
    brought: Mapping[ContentId, Collection[ChunkId]],
    languages: Mapping[ContentId, str],
) -> dict[ContentId, Near]:
    """What one model says of the contents that it has read."""
    read = neighbours_db.spread_vectors(connection, reader.model, brought, each=CHUNKS_COMPARED)
    others = neighbours_db.vectors_of_chunks(
        connection, reader.model, {one for near in brought.values() for one in near}
    )
    known = dict(zip(others.chunks, others.vectors, strict=True))
    texts = {}
    for content, near in brought.items():
        vectors = {chunk: known[chunk] for chunk in near if chunk in known}
        if content in read:
            vectors |= zip(*read[content], strict=True)
        if vectors:
            texts[content] = vectors
    found = matches(
        Text(reader.own.vectors, language),
        [Text(np.array(list(vectors.values())), languages[content]) for content, vectors in texts.items()],
        sample=reader.sample,
        centres=reader.centres,
    )
    return {
        content: Near(match.similarity, list(vectors)[match.chunk])
        for (content, vectors), match in zip(texts.items(), found, strict=True)
    }
