"""Sets lines on numbered pages and writes them as a PDF file with a text layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 612, 792
MARGIN = 60
LEADING = 14
LINES = 44
"""Lines of a page, without header and footer."""
CHARACTERS = 88
"""Of a line of prose."""
LABEL_CHARACTERS = 44
"""Of the first column of a table."""


@dataclass
class Pages:
    """The pages of a document while it is written."""

    header: str
    footer: str
    """Before the number of the page."""
    pages: list[list[str]] = field(default_factory=lambda: [[]])

    @property
    def number(self) -> int:
        """The number of the page that is written, from 1."""
        return len(self.pages)

    def new_page(self) -> None:
        """Begin another page, unless this one is empty."""
        if self.pages[-1]:
            self.pages.append([])

    def line(self, text: str = "") -> int:
        """Write a line. Returns its page."""
        if len(self.pages[-1]) >= LINES:
            self.pages.append([])
        if text or self.pages[-1]:
            self.pages[-1].append(text)
        return self.number

    def heading(self, text: str, *, below: int = 6) -> int:
        """Write a heading with room for some lines `below` it. Returns its page."""
        if len(self.pages[-1]) + below > LINES:
            self.new_page()
        self.line()
        return self.line(text)

    def prose(self, text: str) -> int:
        """Write a paragraph. Returns the page on which it begins."""
        lines = _wrapped(text)
        first = self.line(lines[0])
        for line in lines[1:]:
            self.line(line)
        return first

    def row(self, label: str, values: Sequence[str]) -> int:
        """Write a row of a table. Returns its page."""
        return self.line(f"{label:<{LABEL_CHARACTERS}}" + "".join(f"{value:>12}" for value in values))

    def pdf(self, *, title: str) -> bytes:
        """The document as a PDF file, with header, footer and number on every page."""
        objects = {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            3: b"<</Type/Font/Subtype/Type1/BaseFont/Courier>>",
            4: b"<</Title(%s)>>" % _escaped(title),
        }
        kids = []
        for number, lines in enumerate(self.pages, 1):
            page, content = 3 + 2 * number, 4 + 2 * number
            kids.append(b"%d 0 R" % page)
            objects[page] = (
                b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>"
                % (WIDTH, HEIGHT, content)
            )
            drawing = self._drawing(number, lines)
            objects[content] = b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing)
        objects[2] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(kids), len(kids))
        body = b"".join(b"%d 0 obj%s endobj\n" % item for item in sorted(objects.items()))
        return b"%PDF-1.5\n" + body + b"trailer<</Root 1 0 R/Info 4 0 R>>\n"

    def _drawing(self, number: int, lines: Sequence[str]) -> bytes:
        top = HEIGHT - MARGIN
        placed = [(top + 2 * LEADING, self.header)]
        placed += [(top - LEADING * place, line) for place, line in enumerate(lines) if line]
        placed.append((MARGIN // 2, f"{self.footer} {number}"))
        return b"\n".join(
            b"BT /F 9 Tf %d %d Td (%s) Tj ET" % (MARGIN, height, _escaped(line)) for height, line in placed
        )


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > CHARACTERS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _escaped(text: str) -> bytes:
    return text.encode("ascii").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
