"""The file whose neighbours are looked for: found by its path, with its vectors, or why it cannot be compared.

Used by `magicfs.search.neighbours`. Reads in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from magicfs.db.pool import Connection
from magicfs.db.search import neighbours as neighbours_db
from magicfs.db.search.file_text import TextOfFile, is_directory, texts_at
from magicfs.db.search.neighbours import FileVectors
from magicfs.domain.files import FileState, display_path
from magicfs.domain.ids import ContentId
from magicfs.domain.models import IndexedModel, ModelState
from magicfs.errors import NotComparable, UsageError

OWN_CHUNKS = 2000
"""The most chunks of the file that are compared."""


@dataclass(frozen=True, slots=True)
class ComparedFile:
    """A file that others are compared with."""

    text: TextOfFile
    content: ContentId
    vectors: Sequence[tuple[IndexedModel, FileVectors]]
    """Those of each model that has read some of it; not empty."""
    notices: tuple[str, ...]

    @property
    def language(self) -> str:
        """ISO 639-1; empty where it is not known."""
        return self.text.language or ""


def read_compared_file(
    connection: Connection, models: Sequence[IndexedModel], path: bytes, *, host: str | None, preferred: str
) -> ComparedFile:
    """The file at an absolute path, on `host` if given, else on the host `preferred`, else on the one that has it.

    Raises `UsageError` where the index has no such file, or several, and `NotComparable` for one without vectors.
    """
    text = _text_at(connection, path, host=host, preferred=preferred)
    shown = display_path(path)
    if text.content is None or text.state not in {FileState.INDEXED, FileState.PENDING}:
        raise NotComparable(_why_no_text(text, shown))
    if not models:
        raise NotComparable("the index has no model yet: run 'magicfs up'")
    vectors = [
        (model, found[text.content])
        for model in models
        if (found := neighbours_db.spread_vectors(connection, model, [text.content], each=OWN_CHUNKS))
    ]
    notices = []
    if host is None and text.host != preferred:
        notices.append(f"{shown} is a file of {text.host}")
    if text.state is FileState.PENDING:
        notices.append(f"{shown} has changed and waits to be read again: its last text is compared")
    states = [neighbours_db.states_of_chunks(connection, model, text.content) for model in models]
    if not vectors:
        raise NotComparable(f"{shown} {_why_no_vectors(states)}")
    first = states[list(models).index(vectors[0][0])]
    if first.get("pending"):
        notices.append(f"{first.get('done', 0)} of {sum(first.values())} chunks of {shown} have a vector yet")
    elif (to_come := _second_vectors_to_come(connection, models, vectors, states)) is not None:
        notices.append(f"{shown} {to_come}: 'magicfs status' says when none are to come")
    return ComparedFile(text, text.content, vectors, tuple(notices))


def _second_vectors_to_come(
    connection: Connection,
    models: Sequence[IndexedModel],
    vectors: Sequence[tuple[IndexedModel, FileVectors]],
    states: Sequence[Mapping[str | None, int]],
) -> str | None:
    """What the file lacks while second vectors are to come, its own or those of others; None if it lacks nothing."""
    second = next((model for model in models if model.state is ModelState.MULTILINGUAL), None)
    if second is None:
        return None
    if states[list(models).index(second)].get("pending"):
        return "is compared with other languages once it has its second vectors"
    if [model for model, _ in vectors] == [second] and neighbours_db.waits_for_second_vectors(connection, second):
        return "is not compared with texts that lack their second vectors, and there may be more like it"
    return None


def _text_at(connection: Connection, path: bytes, *, host: str | None, preferred: str) -> TextOfFile:
    found = texts_at(connection, path, host=host, preferred=preferred)
    shown = display_path(path)
    if not found:
        if is_directory(connection, path):
            raise UsageError(f"{shown} is a directory: name one of its files")
        raise UsageError(f"the index has no file {shown}: 'magicfs doctor PATH' says why")
    if len(found) > 1 and found[0].host != preferred:
        hosts = ", ".join(text.host for text in found)
        raise UsageError(f"several hosts have a file {shown}: ask on one of them ({hosts})")
    return found[0]


def _why_no_text(text: TextOfFile, path: str) -> str:
    """Why a file has no text, and what to do."""
    match text.state:
        case FileState.PENDING:
            return f"{path} waits to be read: try again in a moment"
        case FileState.SKIPPED | FileState.FAILED:
            return f"{path} has no text in the index ({text.state}: {text.reason}): docs/reasons.md says what to do"
        case _:
            return f"{path} has no text: only its name is found"


def _why_no_vectors(states: Sequence[Mapping[str | None, int]]) -> str:
    """Why no chunk of a file has a vector, by the states of its chunks under each model."""
    counted = {state for by_state in states for state in by_state}
    if not counted:
        return "has no text: only its name is found"
    if "pending" in counted:
        return "waits for its vectors: try again in a moment"
    if "failed" in counted:
        return "got no vectors, because the model failed: see 'magicfs failures'"
    if "unread" in counted:
        return "is in a language or a script that no model of the index reads"
    return "has no vectors: it is beyond MAGICFS_MAX_EMBEDDED_CHUNKS"
