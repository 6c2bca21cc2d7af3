"""Cuts a document into chunks that the model can read whole, at places that survive editing.

Used by the extraction service. A chunk is filled between a third and all of its capacity; within that window it ends
at the best boundary (before a heading rather than after a paragraph, there rather than after a sentence), and
among equals at the one whose following words have the highest checksum. So boundaries depend on the text around
them, not on what comes before: after an edit they fall into step again within a chunk or two, and all other chunks
are, letter by letter, the ones that have been embedded already.

The result depends on nothing but document, tokenizer and size. Time is linear in the length of the text. One thread
at a time.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from zlib import crc32

from tokenizers import Tokenizer

from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document
from magicfs.domain.models import ModelSpec
from magicfs.errors import ModelCorrupt
from magicfs.text.units import Level, Unit, units_of

_CHARACTERS_PER_TOKEN = 8
"""Text with more of them is no language (encoded data, a word of a thousand letters, which some tokenizers count as
one token); it is measured by its length."""

_LEAST_SHARE = 0.35
"""Of the capacity that a chunk must reach before it may end. The wider the window, the sooner boundaries fall into
step after an edit (new chunks for one edited paragraph, mean and worst of 60: at 0.5 2.0 and 5, at 0.35 1.2 and 3), and
the smaller the chunks (0.73 and 0.67 of the capacity on average)."""

_BATCH = 4096
"""Units that are counted in one call: enough to keep the tokenizer busy, little enough to bound memory."""


_CONTEXT_TOKENS = 30
"""The most that a context may have."""

_BESIDE_TEXT = 40
"""Tokens that the model reads beside a chunk's text: its own two, a prefix, and the context."""


def room_for_text(spec: ModelSpec) -> int:
    """How many tokens of a chunk's text a model reads at once, besides everything else that it is given."""
    return max(_BESIDE_TEXT, spec.max_tokens - _BESIDE_TEXT)


class TokenChunker:
    """Cuts documents by the tokens of one model."""

    def __init__(self, tokenizer_path: Path, *, max_tokens: int) -> None:
        """Load the model's `tokenizer.json`. `max_tokens` is the capacity of a chunk without special tokens.

        Raises `ModelCorrupt` when the tokenizer cannot be read.
        """
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer_path))
        except Exception as error:  # the library raises bare Exception
            raise ModelCorrupt(
                f"the tokenizer {tokenizer_path} cannot be read ({error}): pull the model again"
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._most = max_tokens
        self._least = int(max_tokens * _LEAST_SHARE)

    def chunks(self, document: Document) -> list[Chunk]:
        """Return the chunks of `document` in order. They do not overlap; blank lines between them belong to none."""
        text = document.text
        units = units_of(text, mime_type=document.mime_type, page_starts=document.page_starts, longest=self._most)
        tokens = self._count([text[unit.start : unit.end] for unit in units])
        units, tokens = self._halved(text, units, tokens)
        ends = self._pack(text, units, tokens)
        context = self._fitting(context_of(document))
        return [
            chunk
            for first, end in zip([0, *ends], ends, strict=False)
            if (chunk := _chunk(document, context, units[first:end], sum(tokens[first:end])))
        ]

    def _fitting(self, context: str) -> str:
        """The beginning of a context that leaves room for the text: in some scripts a letter is a token."""
        offsets = self._tokenizer.encode(context, add_special_tokens=False).offsets
        return context if len(offsets) <= _CONTEXT_TOKENS else context[: offsets[_CONTEXT_TOKENS - 1][1]]

    def _count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        counts: list[int] = []
        for at in range(0, len(texts), _BATCH):
            encoded = self._tokenizer.encode_batch_fast(texts[at : at + _BATCH], add_special_tokens=False)
            counts.extend(map(len, encoded))
        return counts

    def _halved(self, text: str, units: list[Unit], tokens: list[int]) -> tuple[list[Unit], list[int]]:
        """Halve units that alone exceed the capacity: scripts of which a letter is several tokens."""
        while max(tokens, default=0) > self._most:
            fitting: list[Unit] = []
            for unit, count in zip(units, tokens, strict=True):
                middle = (unit.start + unit.end) // 2
                if count <= self._most or middle == unit.start:
                    fitting.append(unit)
                else:
                    fitting.append(Unit(unit.start, middle, unit.line, unit.level))
                    fitting.append(Unit(middle, unit.end, unit.line, Level.INSIDE))
            if len(fitting) == len(units):
                break
            units, tokens = fitting, self._count([text[unit.start : unit.end] for unit in fitting])
        return units, tokens

    def _pack(self, text: str, units: list[Unit], tokens: list[int]) -> list[int]:
        """Return for each chunk the index behind its last unit."""
        sizes = (
            max(count, (unit.end - unit.start) // _CHARACTERS_PER_TOKEN)
            for unit, count in zip(units, tokens, strict=True)
        )
        behind = list(accumulate(sizes, initial=0))
        grades = [(unit.level, crc32(text[unit.start : unit.end].encode("utf-8")), at) for at, unit in enumerate(units)]
        ends: list[int] = []
        start = 0
        while start < len(units):
            start = self._end(behind, grades, start)
            ends.append(start)
        return ends

    def _end(self, behind: list[int], grades: list[tuple[Level, int, int]], start: int) -> int:
        """Choose where the chunk ends that begins at `start`. `behind[i]` is the size of the first `i` units."""
        base, total = behind[start], behind[-1]
        last = bisect_right(behind, base + self._most) - 1
        if last >= len(grades):
            return len(grades)
        last = max(last, start + 1)
        first = bisect_left(behind, base + self._least, start + 1)
        if total - base <= self._most + self._least // 2:
            # What remains is little more than a chunk: leave something worth embedding for the last one.
            last = min(last, bisect_right(behind, total - self._least // 2) - 1)
        first = min(first, last)
        if first <= start:
            return start + 1
        return max(grades[first : last + 1])[2]


def _chunk(document: Document, context: str, units: Sequence[Unit], tokens: int) -> Chunk | None:
    """Make a chunk of units that follow each other; None if they hold nothing that the model sees."""
    if tokens == 0:
        return None
    start, end = units[0].start, units[-1].end
    text = document.text[start:end].rstrip()
    return Chunk(
        text=text,
        tokens=tokens,
        first_line=units[0].line,
        last_line=units[-1].line,
        page=bisect_right(document.page_starts, start) or None,
        context=context if needs(context, text) else "",
    )


LONGEST = 150
"""Characters: what says more is no title, and would take the place of what the chunk says."""

_HEAD = 300
_END = re.compile(r"(?<=[.?!])[ \t]*\n|\n[ \t]*\n")
"""Where a title that stands above a text ends: at the end of a line, by a full stop or before a blank line."""
_PROSE = frozenset(
    {
        "text/plain",
        "application/pdf",
        "application/rtf",
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.oasis.opendocument.text",
    }
)
"""Formats of which the lines above the text are likely to be its title, if they do not name one."""

_FEWEST_WORDS = 3
_WORD = re.compile(r"[^\W\d_]{2,}")
_LEAST_LETTERS = 0.6


def context_of(document: Document) -> str:
    """Return the title of a document, or what stands in for it; empty when there is neither."""
    title = document.title or (_opening(document.text) if document.mime_type in _PROSE else "")
    return " ".join(title.split())[:LONGEST]


def _opening(text: str) -> str:
    """Return the title that stands above a text, if there is one; no sentence of the text, no line of numbers."""
    first = _END.split(text[:_HEAD].strip(), maxsplit=1)[0]
    if len(" ".join(first.split())) > LONGEST:
        return ""
    letters = sum(character.isalpha() or character.isspace() for character in first)
    if len(_WORD.findall(first)) < _FEWEST_WORDS or letters < _LEAST_LETTERS * len(first):
        return ""
    return first


def needs(context: str, text: str) -> bool:
    """Whether a chunk does not say its context itself."""
    return bool(context) and context.casefold() not in " ".join(text.split()).casefold()
