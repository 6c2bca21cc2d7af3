"""`PdfPages`: the pages of one PDF file, one by one: what a page shows beside its text layer, and that layer itself.

Runs in the child process, made by `kreuzberg_parser` for each file. Layers are read here where another process has
failed at one of them. One thread; calls may raise any exception of the libraries.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pypdf
from pypdf.generic import ContentStream as _ContentStream
from pypdf.generic import DictionaryObject as _Dictionary

from magicfs.domain.contents import Document
from magicfs.text.extract.pdf.page_pictures import may_show_text
from magicfs.text.extract.pdf.pdf_text import PdfFile
from magicfs.text.extract.process.interruption import interrupted_at

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # a line for each fault of a damaged file

_DPI = 200
_MAX_SIDE_PIXELS = 3000
"""The longer side of a page that is recognised; a larger page is drawn with less than `_DPI`."""
_PREVIEW_DPI = 72

_COVERED_SHARE: Final = 0.5
"""The share of a page that the pictures of a scan cover at least: many programs leave margins."""
_MAX_INSTRUCTION_BYTES: Final = 64 * 1024
"""A scanned page with a stamp has few instructions; one with more is drawn, and its text layer is its text."""
_MAX_DEPTH: Final = 4
"""Forms in forms in which pictures are looked for."""
_MAX_INSTRUCTIONS: Final = 20_000
_LOOK_SECONDS: Final = 2.0
"""A look at a page takes milliseconds, and may take minutes in a damaged file."""

_Matrix = tuple[float, float, float, float, float, float]
_UNIT: Final[_Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


class PdfPages:
    """The pages of the PDF file at a path, by number from 0."""

    def __init__(self, path: str, *, recognise: Callable[[bytes], str] | None) -> None:
        """`recognise` gives the clean text in a picture; None without OCR."""
        self._path = path
        self._recognise = recognise
        self._preview: tuple[int, bytes] | None = None
        self._is_slow = False

    def is_covered(self, page: int) -> bool:
        """Whether pictures cover a page, so that the few words of its text layer may be a stamp or a header on a scan.

        Not if pypdf cannot say it, or is slow: the text layer was read, and stands.
        """
        if self._is_slow:
            return False
        try:
            with interrupted_at(time.monotonic() + _LOOK_SECONDS):
                return self._share_of_pictures(page) >= _COVERED_SHARE
        except TimeoutError:
            self._is_slow = True
            return False
        except Exception:
            return False

    def shows_more(self, page: int, *, known_letters: int) -> bool:
        """Whether a page may show text beside the letters of its text layer, so that it is worth recognising."""
        return may_show_text(self._drawn_small(page), known_letters=known_letters)

    def recognise(self, page: int) -> str:
        """The recognised text of a page. Raises `RuntimeError` without OCR."""
        if self._recognise is None:
            raise RuntimeError("there is no OCR")
        return self._recognise(self._file.draw(page, dpi=_DPI, max_pixels=_MAX_SIDE_PIXELS))

    def document(self) -> Document:
        """The document with its title, and with empty pages whose texts `layer` has."""
        return self._file.document()

    def layer(self, page: int) -> str:
        """The clean text layer of a page."""
        return self._file.text(page)

    @cached_property
    def _file(self) -> PdfFile:
        with open(self._path, "rb") as file:
            return PdfFile(file.read())

    @cached_property
    def _reader(self) -> pypdf.PdfReader:
        reader = pypdf.PdfReader(self._path, strict=False)
        if reader.is_encrypted:
            reader.decrypt("")
        return reader

    def _drawn_small(self, page: int) -> bytes:
        if self._preview is None or self._preview[0] != page:
            self._preview = page, self._file.draw(page, dpi=_PREVIEW_DPI, max_pixels=_MAX_SIDE_PIXELS)
        return self._preview[1]

    def _share_of_pictures(self, number: int) -> float:
        """The share of a page that pictures take; 0 for a page of many instructions."""
        page = self._reader.pages[number]
        contents = page.get_contents()
        if contents is None or len(contents.get_data()) > _MAX_INSTRUCTION_BYTES:
            return 0.0
        area = float(page.cropbox.width) * float(page.cropbox.height)
        return sum(_Walk(self._reader).picture_areas(contents, page.get("/Resources"))) / area


@dataclass(slots=True)
class _Walk:
    """A walk through the instructions of a page that looks for pictures."""

    reader: pypdf.PdfReader
    left: int = _MAX_INSTRUCTIONS
    """The instructions that are looked at from now on."""

    def picture_areas(self, contents: Any, resources: Any, matrix: _Matrix = _UNIT, depth: int = 0) -> Iterator[float]:
        """Yield the area of each picture that the instructions draw, in the units of the page."""
        objects = _dictionary(_dictionary(resources).get("/XObject"))
        saved: list[_Matrix] = []
        for operands, operator in _ContentStream(contents, self.reader).operations:
            self.left -= 1
            if self.left < 0:
                return
            if operator == b"q":
                saved.append(matrix)
            elif operator == b"Q" and saved:
                matrix = saved.pop()
            elif operator == b"cm":
                matrix = _product(_matrix(operands), matrix)
            elif operator == b"INLINE IMAGE":
                yield _area(matrix)
            elif operator == b"Do":
                yield from self._areas_of(_dictionary(objects.get(operands[0])), resources, matrix, depth)

    def _areas_of(self, drawn: Any, resources: Any, matrix: _Matrix, depth: int) -> Iterator[float]:
        if drawn.get("/Subtype") == "/Image":
            yield _area(matrix)
        elif drawn.get("/Subtype") == "/Form" and depth < _MAX_DEPTH:
            inner = _product(_matrix(drawn.get("/Matrix") or _UNIT), matrix)
            if len(drawn.get_data()) <= _MAX_INSTRUCTION_BYTES:
                yield from self.picture_areas(drawn, drawn.get("/Resources", resources), inner, depth + 1)


def _dictionary(value: Any) -> Any:
    """The dictionary, or stream, that a value is or refers to; an empty one for anything else."""
    value = value.get_object() if hasattr(value, "get_object") else value
    return value if isinstance(value, _Dictionary) else _Dictionary()


def _matrix(values: Any) -> _Matrix:
    a, b, c, d, e, f = (float(value) for value in values)
    return a, b, c, d, e, f


def _product(inner: _Matrix, outer: _Matrix) -> _Matrix:
    """The matrix that maps by `inner` first, then by `outer`."""
    a, b, c, d, e, f = inner
    g, h, i, j, k, m = outer
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def _area(matrix: _Matrix) -> float:
    """The area of the unit square under a matrix, which is where a picture is drawn."""
    return abs(matrix[0] * matrix[3] - matrix[1] * matrix[2])
