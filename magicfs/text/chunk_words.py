"""The words by which searches find a chunk: those of its text, its headings and, at the first chunk, its metadata.

Used by the chunker, and by maintenance for chunks that have the words of an older version. Pure functions; any thread.
"""

from __future__ import annotations

from collections.abc import Iterable

from magicfs.domain.chunks import ChunkSource
from magicfs.text.analysis import analyze


def chunk_words(text: str, *, language: str | None, metadata: Iterable[str | None] = (), headings: str = "") -> str:
    """The words of a chunk, as Postgres reads a `tsvector`.

    `language` is the ISO 639-1 code of the document's language. `metadata` is given for the first chunk of a document:
    its title, author and keywords, where it has them. What the text itself states is left out, but for `headings`, a
    line each: they say what the text is about, and so count once more where they are part of it.
    """
    stated_elsewhere = [entry for entry in metadata if entry and not contains(text, entry)]
    return analyze(text, language=language, metadata=[*headings.splitlines(), *stated_elsewhere])


def words_of_source(source: ChunkSource) -> str:
    """The words of a stored chunk."""
    return chunk_words(source.text, language=source.language, metadata=source.metadata, headings=source.headings)


def contains(text: str, statement: str) -> bool:
    """Whether a text states something, such as its title; case and whitespace do not matter."""
    return not statement or statement.casefold() in " ".join(text.split()).casefold()
