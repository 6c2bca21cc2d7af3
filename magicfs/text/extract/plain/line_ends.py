r"""Counts the line ends of a text block by block, so that the lines behind a part that nobody reads have their numbers.

A line end is one where `plain_text.clean` leaves a newline: `\n`, `\r\n` or `\r`. Used by `text_ends`, and by
`magicfs.pipeline.counted_lines` for files of gigabytes, at a gigabyte a second. A counter belongs to one thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from magicfs.text.extract.plain.text_bytes import WideEncoding


@dataclass(slots=True)
class LineEndCounter:
    """The number of line ends in the blocks so far. Each block has whole characters."""

    wide: WideEncoding | None
    """The encoding of the text if it is UTF-16 or UTF-32."""
    count: int = 0
    _ended_in_return: bool = False

    def add(self, block: bytes) -> None:
        """Count the next block."""
        if not block:
            return
        # Signs are compared with their neighbours: a wide text has bytes of line ends in other characters too.
        text = block.decode(self.wide.codec, "replace").encode("utf-8") if self.wide is not None else block
        self.count += text.count(b"\n")
        if b"\r" in text:
            self.count += text.count(b"\r") - text.count(b"\r\n")
        if self._ended_in_return and text.startswith(b"\n"):
            self.count -= 1
        self._ended_in_return = text.endswith(b"\r")

    def count_before(self, rest: bytes) -> int:
        """The line ends so far, of which the last one may go on in the rest of the text."""
        first = rest[: self.wide.unit_bytes].decode(self.wide.codec, "replace").encode("utf-8") if self.wide else rest
        return self.count - (self._ended_in_return and first.startswith(b"\n"))


def count_line_ends(content: bytes, wide: WideEncoding | None) -> int:
    """The line ends of a text."""
    counter = LineEndCounter(wide)
    counter.add(content)
    return counter.count
