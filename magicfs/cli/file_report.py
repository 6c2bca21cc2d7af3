"""What `magicfs doctor PATH` says of one file, a fact a line: what of it is in the index, and what was left out.

Reads the file's metadata on disk, and nothing else. Any thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from magicfs.cli import terminal
from magicfs.domain.explanation import Explanation
from magicfs.domain.file_facts import FileFacts
from magicfs.domain.files import FileState, SkipReason, clamp_to_int64, display_path
from magicfs.domain.roots import RootState
from magicfs.text.terminal_signs import without_terminal_signs

_RETRY = "then run 'magicfs failures --retry'"
_BY_NAME = "it has no text that is read: its name finds it"
REMEDIES = {
    SkipReason.TOO_LARGE: f"raise MAGICFS_MAX_FILE_MB, and restart MagicFS, {_RETRY}",
    SkipReason.ENCRYPTED: "store it without a password to have it found by its text",
    SkipReason.CORRUPT: "open it in its own program, or restore it from a backup",
    SkipReason.BINARY: _BY_NAME,
    SkipReason.EMPTY: _BY_NAME,
    SkipReason.NO_TEXT: _BY_NAME,
    SkipReason.NEEDS_OCR: "install tesseract: 'magicfs doctor' says what reads text in images",
    SkipReason.PERMISSION: "let the user who runs MagicFS read it",
    SkipReason.VANISHED: "the next scan looks at it again",
    SkipReason.TIMEOUT: f"raise MAGICFS_EXTRACT_SECONDS, to 120 at most, and restart MagicFS, {_RETRY}",
    SkipReason.CRASHED: "other files are not affected; report it to the authors of the parser if you can share it",
    SkipReason.OUT_OF_MEMORY: f"give this machine more memory, {_RETRY}: others than this text could be read",
    SkipReason.BOMB: f"if it is no attack, raise MAGICFS_WORKER_MEMORY_MB, and restart MagicFS, {_RETRY}",
}
"""What to do about each reason, as docs/reasons.md says it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a report."""

    label: str
    value: str
    is_of_file: bool = False
    """Whether the value is nothing but text of the file."""

    def __str__(self) -> str:
        return f"{self.label:<9} {self.value}"

    def shown(self) -> str:
        """The line for a terminal: what comes from the file alone is one text, what has a name in it is not."""
        return str(replace(self, value=terminal.shown(self.value))) if self.is_of_file else str(self)


def explanation_facts(explanation: Explanation) -> list[Fact]:
    """What the index and the disk have about a file."""
    root, facts = explanation.root, explanation.facts
    trouble = "" if root.state is RootState.PRESENT else f" ({root.state}: {root.detail})"
    first = Fact("root", f"{root.root.name}{trouble}")
    if facts is None:
        return [first, Fact("directory" if explanation.is_directory else "not seen", explanation.why_not)]
    return [
        first,
        *_facts_of_state(facts),
        *_facts_of_text(facts),
        *_facts_of_omissions(facts),
        *_facts_of_disk(facts, explanation.absolute),
    ]


def facts_json(explanation: Explanation) -> dict[str, Any] | None:
    """What the index has about a file, for programs; None when it has nothing."""
    if explanation.facts is None:
        return None
    return asdict(explanation.facts) | {"some_copies": [display_path(path) for path in explanation.facts.some_copies]}


def _facts_of_state(facts: FileFacts) -> Iterator[Fact]:
    """The state of the file, and when it was read."""
    explained = facts.reason or ("partly read" if facts.partly_read else "")
    yield Fact("state", f"{facts.state}" + (f": {explained}" if explained else ""))
    if facts.detail:
        yield Fact("detail", facts.detail)
    if facts.reason:
        yield Fact("hint", REMEDIES[SkipReason(facts.reason)])
    if facts.state is FileState.PENDING:
        by = f", {facts.leased_by} has it" if facts.leased_by else ""
        yield Fact("attempts", f"{facts.attempts}{by}")
    if facts.indexed_at is not None:
        yield Fact("indexed", f"{datetime.fromtimestamp(facts.indexed_at).astimezone():%Y-%m-%d %H:%M:%S}")
    if facts.mime_type:
        # Behind the MIME type, a kind names the code that reads it.
        detected = (facts.kind or "").partition(" ")[0]
        yield Fact(
            "type", f"{facts.mime_type}{f', read as {detected}' if detected not in {'', facts.mime_type} else ''}"
        )


def _facts_of_text(facts: FileFacts) -> Iterator[Fact]:
    """The text that the index has of the file: its words, its chunks, and who else has it."""
    if facts.title:
        yield Fact("title", facts.title, is_of_file=True)
    if facts.beginning:
        yield Fact("begins", " ".join(without_terminal_signs(facts.beginning).split()), is_of_file=True)
    if facts.chunks:
        yield Fact("language", f"{facts.language or 'not known: its words have English stems'}")
        yield Fact("words", f"{facts.words:,} different words in {_chunks(facts)}")
        yield Fact("found", f"{facts.embedded:,} of {_chunks(facts)} by meaning, all of them by their words")
        if facts.multilingual_model:
            yield Fact("vectors", _vectors(facts))
    if facts.recognised_by:
        yield Fact("pictures", f"read by {facts.recognised_by}")
    if facts.copies:
        paths = ", ".join(map(display_path, facts.some_copies))
        more = facts.copies - len(facts.some_copies)
        and_more = f" and {more} more" if more else ""
        others = "1 other file has" if facts.copies == 1 else f"{facts.copies} other files have"
        yield Fact("copies", f"{others} the same bytes: {paths}{and_more}")


def _chunks(facts: FileFacts) -> str:
    return f"{facts.chunks:,} " + ("chunk" if facts.chunks == 1 else "chunks")


def _vectors(facts: FileFacts) -> str:
    """The number of vectors under each model, and why other chunks have none."""
    active = f"{facts.active_vectors:,} of {facts.active_model}"
    if not facts.is_read_by_active:
        active += f", which does not read {facts.language}"
    other = f"{facts.multilingual_vectors:,} of {facts.multilingual_model}"
    if facts.second_vectors:
        other += f", {terminal.counted(facts.second_vectors, 'second vector')} to come"
    return f"{active}; {other}"


def _facts_of_omissions(facts: FileFacts) -> Iterator[Fact]:
    """Which parts of an indexed file are not in the index, and what to do."""
    yield from _facts_of_meaning(facts)
    yield from _facts_of_lost_text(facts)
    yield from _facts_of_pages(facts)
    if facts.unread_parts:
        yield Fact("left out", f"{facts.unread_parts}: docs/reasons.md says what to do")


def _facts_of_meaning(facts: FileFacts) -> Iterator[Fact]:
    """How many chunks have no vectors, and why."""
    of_all = f"of {_chunks(facts)}"
    if facts.waiting:
        yield Fact("waiting", f"{facts.waiting:,} {of_all} for their vectors: they are found by their words meanwhile")
    if facts.words_only:
        yield Fact(
            "left out",
            f"the meaning of {facts.words_only:,} {of_all}, which are beyond MAGICFS_MAX_EMBEDDED_CHUNKS: "
            "raise it, then restart MagicFS",
        )
    if facts.unread:
        reader = "no model reads" if facts.multilingual_model else "the model does not read"
        yield Fact("left out", f"the meaning of {facts.unread:,} {of_all}: {reader} their script")
    if facts.refused:
        yield Fact("left out", f"the meaning of {facts.refused:,} {of_all}, which failed: see 'magicfs failures'")


def _facts_of_lost_text(facts: FileFacts) -> Iterator[Fact]:
    """What of the text is not in the index."""
    if facts.encoded_characters:
        yield Fact(
            "left out",
            f"{facts.encoded_characters:,} characters of encoded data, such as pictures in base64: "
            "docs/formats.md says what that is",
        )
    if facts.cut_bytes:
        yield Fact(
            "left out",
            f"{facts.cut_bytes:,} bytes of its text, which are beyond MAGICFS_MAX_TEXT_MB, MAGICFS_MAX_FILE_MB or "
            f"MAGICFS_EXTRACT_SECONDS: raise them, {_RETRY}",
        )


def _facts_of_pages(facts: FileFacts) -> Iterator[Fact]:
    """How many pages or pictures are not read, and whether they will be."""
    which = f" ({facts.unread_detail})" if facts.unread_detail else ""
    noun = "picture" if (facts.unread_detail or "").startswith("picture") else "page"
    if facts.pending_pages:
        pages = terminal.counted(facts.pending_pages, noun)
        yield Fact("waiting", f"{pages}{which}: they are read some at a time, when no file waits")
    if facts.unread_pages > facts.pending_pages:
        hint = (
            "OCR is missing or does not start: 'magicfs doctor' says what reads text in images"
            if facts.waits_for_ocr
            else f"the parser failed on them, or they took more than MAGICFS_EXTRACT_SECONDS: raise it, {_RETRY}"
        )
        pages = terminal.counted(facts.unread_pages - facts.pending_pages, noun)
        yield Fact("left out", f"{pages}{which}: {hint}")


def _facts_of_disk(facts: FileFacts, path: bytes) -> Iterator[Fact]:
    """How the file on disk differs from the one in the index, if it does."""
    try:
        status = os.lstat(path)
    except OSError as error:
        yield Fact("on disk", f"{error.strerror}: the next scan removes it from the index")
        return
    if (status.st_size, clamp_to_int64(status.st_mtime_ns)) != (facts.size, facts.mtime_ns):
        yield Fact("on disk", "it has changed since: the next scan has it read again")
