"""Reads notebooks of Jupyter: their cells and the texts of their outputs, in the form of today and of version 3.

Runs in the child process, called by `own_readers`. Pure functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.html_parts import html_texts
from magicfs.text.extract.plain.plain_text import clean, title_of

NOTEBOOK_TYPE: Final = "application/x-ipynb+json"

_HTML: Final = "text/html"
_PLAIN: Final = "text/plain"
_MARKDOWN: Final = "text/markdown"
_OTHER_TEXTS: Final = (_MARKDOWN, _HTML, "text/latex")
"""What an output may have instead of a plain text, the best one first."""
_OLD_NAMES: Final = {"html": _HTML, "latex": "text/latex"}
"""The texts of an output of version 3, which lie beside its type."""
_NAME_OF_OBJECT: Final = re.compile(r"<[\w.]+ object(?: at 0x[0-9a-fA-F]+)?>")
"""The plain text of an object that shows itself in another form."""

_MAX_LEVEL: Final = 6
"""That of a heading."""


def read_notebook(content: bytes) -> Document | Unreadable:
    """The texts of a notebook, a blank line between two of them."""
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError):
        notebook = None
    if not isinstance(notebook, dict) or not ("cells" in notebook or "worksheets" in notebook):
        return Unreadable(SkipReason.CORRUPT, "no notebook")
    old = [cell for sheet in _dicts(notebook.get("worksheets")) for cell in _dicts(sheet.get("cells"))]
    cells = [*_dicts(notebook.get("cells")), *old]
    text = "\n\n".join(clean(text).strip("\n") for cell in cells for text in _cell_texts(cell) if text.strip())
    if not text:
        return Unreadable(SkipReason.NO_TEXT)
    headings = "\n\n".join(_source(cell) for cell in cells if cell.get("cell_type") in {"markdown", "heading"})
    return Document(text=text, mime_type=NOTEBOOK_TYPE, title=title_of(headings, mime_type=_MARKDOWN))


def _cell_texts(cell: dict[str, Any]) -> Iterator[str]:
    yield _source(cell)
    for output in _dicts(cell.get("outputs")):
        if output.get("output_type") in {"error", "pyerr"}:
            yield f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
        else:
            yield _output_text(output)


def _source(cell: dict[str, Any]) -> str:
    source = _text(cell.get("source") or cell.get("input"))
    if cell.get("cell_type") != "heading":
        return source
    level = cell.get("level")
    return f"{'#' * min(level, _MAX_LEVEL) if isinstance(level, int) else '#'} {source}"


def _output_text(output: dict[str, Any]) -> str:
    """The plain text of an output, or another one that says more."""
    data = output.get("data")
    if not isinstance(data, dict):
        data = {_PLAIN: output.get("text"), **{kind: output.get(name) for name, kind in _OLD_NAMES.items()}}
    plain = _text(data.get(_PLAIN))
    if plain and not _NAME_OF_OBJECT.fullmatch(plain.strip()):
        return plain
    kind = next((kind for kind in _OTHER_TEXTS if data.get(kind)), _PLAIN)
    text = _text(data.get(kind))
    return "\n".join(html_texts(text)) if kind == _HTML else text


def _dicts(value: object) -> list[dict[str, Any]]:
    """The objects in a list; none where there is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    """A text that may be given as a list of lines."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""
