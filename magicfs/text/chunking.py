"""Cuts a document into chunks that the model can read whole, and gives each its context and its headings.

Used by the extract workers. A chunk fills between 35 and 100 percent of its capacity in tokens. Within that window it
ends at the strongest boundary, such as the one before a heading, and among equally strong ones at the one whose next
unit has the highest checksum. So a boundary depends on the text near it alone: after an edit, the old boundaries return
within a chunk or two, and all other chunks are equal to those embedded already.

In a format with pages, no chunk goes over the end of a page, and running headers and footers are in none.

The chunks depend only on the document, the tokenizer and the capacity. Time is linear in the length of the text. Not
thread-safe.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from zlib import crc32

from tokenizers import Tokenizer

from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document
from magicfs.domain.models import ModelSpec
from magicfs.errors import ModelCorrupt
from magicfs.text.analysis import ANALYSIS_VERSION
from magicfs.text.chunk_words import chunk_words, contains
from magicfs.text.headings import Above, Layout
from magicfs.text.units import Boundary, Unit, units_of

_MAX_CHARACTERS_PER_TOKEN = 8
"""A unit with more characters a token is measured by its length: it is no language but, say, encoded data, or a word of
a thousand letters, which some tokenizers count as one token."""

_MIN_FILL = 0.35
"""Share of the capacity that a chunk reaches before it may end. At 0.35, an edited paragraph makes 1.2 new chunks on
average and 3 at worst (of 60 edits), and chunks fill 0.67 of the capacity. At 0.5 it is 2.0, 5 and 0.73."""

_UNITS_PER_TOKENIZER_CALL = 4096
"""Enough to keep the tokenizer busy, few enough to bound memory."""

_MAX_CONTEXT_TOKENS = 30

_RESERVED_TOKENS = 40
"""Tokens that the model reads besides a chunk's text: its two special tokens, its prefix, and the context."""

_LONG_DOCUMENT_PAGES = 20
"""The model does not read the title of a longer document: it makes its many pages alike."""

_MAX_HEADINGS_CHARACTERS = 600
"""More headings would outweigh the text of the chunk."""

_MAX_CONTEXT_CHARACTERS = 150
"""A longer title would outweigh the text of the chunk."""

_OPENING_CHARACTERS = 300
"""Characters at the beginning of a text in which its title is searched for."""

_TITLE_END = re.compile(r"(?<=[.?!])[ \t]*\n|\n[ \t]*\n")
"""A title above a text ends with a line that ends a sentence, or before a blank line."""

_TYPES_WITH_OPENING_TITLE = frozenset(
    {
        "text/plain",
        "application/pdf",
        "application/rtf",
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.oasis.opendocument.text",
    }
)
"""Types whose first lines are likely to be the title, if the document states none."""

_MIN_TITLE_WORDS = 3
_MIN_TITLE_LETTER_SHARE = 0.6
_WORD = re.compile(r"[^\W\d_]{2,}")


def max_text_tokens(spec: ModelSpec) -> int:
    """The number of tokens of a chunk's text that the model can read beside what else it reads with the chunk."""
    return max(_RESERVED_TOKENS, spec.max_tokens - _RESERVED_TOKENS)


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in a model's `tokenizer.json`, which tokenizes whole texts. Raises `ModelCorrupt`."""
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise ModelCorrupt(f"the tokenizer {path} cannot be read ({error}): run 'magicfs model pull'") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


class TokenChunker:
    """Cuts documents into chunks measured in the tokens of one model."""

    def __init__(self, tokenizer_path: Path, *, max_tokens: int) -> None:
        """Load the model's `tokenizer.json`. `max_tokens` is the capacity of a chunk; special tokens do not count.

        Raises `ModelCorrupt` when the tokenizer cannot be read.
        """
        self._tokenizer = load_tokenizer(tokenizer_path)
        self._max_tokens = max_tokens
        self._min_tokens = int(max_tokens * _MIN_FILL)

    def chunks(self, document: Document) -> list[Chunk]:
        """The chunks of `document` in order, without overlap. Blank lines between two chunks belong to neither."""
        text = document.text
        layout = Layout(document)
        units = layout.arranged(
            units_of(
                text,
                mime_type=document.mime_type,
                heading_lines=layout.heading_lines,
                bounds=document.chunk_bounds,
                max_characters=self._max_tokens,  # a character is seldom more than a token
            )
        )
        tokens = self._count_tokens([text[unit.start : unit.end] for unit in units])
        units, tokens = self._split_oversized(text, units, tokens)
        pages = layout.page_ends(units)
        ends = [
            first + end
            for first, last in zip([0, *pages], pages, strict=False)
            for end in self._chunk_ends(text, units[first:last], tokens[first:last])
        ]
        spans = [slice(first, end) for first, end in zip([0, *ends], ends, strict=False) if sum(tokens[first:end])]
        above = layout.above({units[span.start].line for span in spans})
        title = self._truncate_context(context_of(document))
        left_out = _lines_left_out(document)
        chunks: list[Chunk] = []
        for span in spans:
            chunk = _make_chunk(document, units[span], sum(tokens[span]))
            over = above.get(chunk.first_line)
            if over is None:
                chunk = replace(chunk, context="" if contains(chunk.text, title) else title)
            else:
                chunk = self._with_layout(chunk, document, title, over, layout.headings_in(units[span]))
            if document.omission is not None and units[span][0].start >= document.omission.offset:
                chunk = replace(chunk, first_line=chunk.first_line + left_out, last_line=chunk.last_line + left_out)
            chunks.append(_with_words(chunk, document, is_first=not chunks))
        return chunks

    def _with_layout(self, chunk: Chunk, document: Document, title: str, above: Above, inside: Sequence[str]) -> Chunk:
        """The chunk with its context and its headings; `inside` are the headings that it contains."""
        is_long = len(document.page_starts) > _LONG_DOCUMENT_PAGES
        read = [text for text in ("" if is_long else title, above.table_head) if not contains(chunk.text, text)]
        found_by = dict.fromkeys((title if is_long else "", *above.headings, *inside, above.table_head))
        return replace(
            chunk,
            context=self._truncate_context("\n".join(read)) if above.table_head in read else "".join(read),
            headings="\n".join(filter(None, found_by))[:_MAX_HEADINGS_CHARACTERS],
        )

    def pieces(self, text: str, *, context: str) -> list[Chunk]:
        """The pieces of a chunk that was cut for another model, with its context. Lines count from 1 in the chunk."""
        pieces = self.chunks(Document(text=text, mime_type=""))
        return [replace(piece, context="" if contains(piece.text, context) else context) for piece in pieces]

    def _truncate_context(self, context: str) -> str:
        """The first tokens of a context: in some scripts every letter is a token."""
        offsets = self._tokenizer.encode(context, add_special_tokens=False).offsets
        return context if len(offsets) <= _MAX_CONTEXT_TOKENS else context[: offsets[_MAX_CONTEXT_TOKENS - 1][1]]

    def _count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text."""
        counts: list[int] = []
        for first in range(0, len(texts), _UNITS_PER_TOKENIZER_CALL):
            batch = texts[first : first + _UNITS_PER_TOKENIZER_CALL]
            counts.extend(map(len, self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)))
        return counts

    def _split_oversized(self, text: str, units: list[Unit], tokens: list[int]) -> tuple[list[Unit], list[int]]:
        """Halve every unit that exceeds the capacity, until none does: in some scripts a letter is several tokens."""
        while max(tokens, default=0) > self._max_tokens:
            smaller: list[Unit] = []
            for unit, count in zip(units, tokens, strict=True):
                middle = (unit.start + unit.end) // 2
                if count <= self._max_tokens or middle == unit.start:
                    smaller.append(unit)
                else:
                    smaller.append(Unit(unit.start, middle, unit.line, unit.boundary))
                    smaller.append(Unit(middle, unit.end, unit.line, Boundary.INSIDE))
            if len(smaller) == len(units):
                break
            units, tokens = smaller, self._count_tokens([text[unit.start : unit.end] for unit in smaller])
        return units, tokens

    def _chunk_ends(self, text: str, units: list[Unit], tokens: list[int]) -> list[int]:
        """The index of the unit after the last one, for each chunk."""
        sizes = (
            max(count, (unit.end - unit.start) // _MAX_CHARACTERS_PER_TOKEN)
            for unit, count in zip(units, tokens, strict=True)
        )
        cumulative = list(accumulate(sizes, initial=0))
        ranked = [
            (unit.boundary, crc32(text[unit.start : unit.end].encode("utf-8")), index)
            for index, unit in enumerate(units)
        ]
        ends: list[int] = []
        start = 0
        while start < len(units):
            start = self._chunk_end(cumulative, ranked, start)
            ends.append(start)
        return ends

    def _chunk_end(self, cumulative: list[int], ranked: list[tuple[Boundary, int, int]], start: int) -> int:
        """The index of the unit after the last one of the chunk that begins with unit `start`.

        `cumulative[i]` is the size of the first `i` units. `ranked[i]` is the rank of the boundary before unit `i` as
        the end of a chunk, the highest the best: its strength, the checksum of the unit, and `i`.
        """
        size_before, total = cumulative[start], cumulative[-1]
        last = bisect_right(cumulative, size_before + self._max_tokens) - 1
        if last >= len(ranked):
            return len(ranked)
        last = max(last, start + 1)
        first = bisect_left(cumulative, size_before + self._min_tokens, start + 1)
        if total - size_before <= self._max_tokens + self._min_tokens // 2:
            # The rest is little more than a chunk: leave the last chunk enough text to be worth an embedding.
            last = min(last, bisect_right(cumulative, total - self._min_tokens // 2) - 1)
        first = min(first, last)
        if first <= start:
            return start + 1
        return max(ranked[first : last + 1])[2]


def _make_chunk(document: Document, units: Sequence[Unit], tokens: int) -> Chunk:
    """The chunk of consecutive units, without what it is found by."""
    start, end = units[0].start, units[-1].end
    return Chunk(
        text=document.text[start:end].rstrip(),
        tokens=tokens,
        first_line=units[0].line,
        last_line=units[-1].line,
        page=_page_at(document, start),
    )


def _page_at(document: Document, offset: int) -> int | None:
    """The number of the page at an offset of the text; None where the document has no pages, or no numbers of them."""
    page = bisect_right(document.page_starts, offset)
    return page + document.first_page - 1 if page and document.first_page is not None else None


def _lines_left_out(document: Document) -> int:
    """The difference between the numbers of a line behind the omission in the file and in the text."""
    omission = document.omission
    return 0 if omission is None else omission.line - 1 - document.text.count("\n", 0, omission.offset)


def _with_words(chunk: Chunk, document: Document, *, is_first: bool) -> Chunk:
    """The chunk with its words. The first one of a document is found by the words of its metadata too."""
    metadata = (document.title, document.author, document.keywords) if is_first else ()
    words = chunk_words(chunk.text, language=document.language, metadata=metadata, headings=chunk.headings)
    return replace(chunk, words=words, analysis=ANALYSIS_VERSION)


def context_of(document: Document) -> str:
    """The title of a document on one line: the stated one, else the one above its text; empty if it has neither."""
    title = document.title
    if not title and document.mime_type in _TYPES_WITH_OPENING_TITLE:
        title = _title_above(document.text)
    return " ".join((title or "").split())[:_MAX_CONTEXT_CHARACTERS]


def _title_above(text: str) -> str:
    """The title above a text; empty when the text begins with prose or with numbers."""
    opening = _TITLE_END.split(text[:_OPENING_CHARACTERS].strip(), maxsplit=1)[0]
    if len(" ".join(opening.split())) > _MAX_CONTEXT_CHARACTERS:
        return ""
    letters = sum(character.isalpha() or character.isspace() for character in opening)
    if len(_WORD.findall(opening)) < _MIN_TITLE_WORDS or letters < _MIN_TITLE_LETTER_SHARE * len(opening):
        return ""
    return opening
