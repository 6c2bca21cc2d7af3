"""Brings notebooks of Jupyter into the form that kreuzberg reads: that of today, with outputs that have a plain text.

Runs in the child process, called by `document_parser`. Pure functions.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from magicfs.text.extract.documents.html_parts import html_texts

NOTEBOOK_TYPE: Final = "application/x-ipynb+json"

_HTML: Final = "text/html"
_PLAIN: Final = "text/plain"
_MARKDOWN: Final = "markdown"
_OTHER_TEXTS: Final = ("text/markdown", _HTML, "text/latex")
"""What an output may have instead of a plain text, the best one first."""
_NAME_OF_OBJECT: Final = re.compile(r"<[\w.]+ object(?: at 0x[0-9a-fA-F]+)?>")
"""The plain text of an object that shows itself in another form."""


def in_present_form(content: bytes) -> bytes:
    """The notebook with its cells in the form of version 4; the same bytes where they are, or where it is none.

    An output that has only another text, such as HTML, gets the words of it as its plain text.
    """
    try:
        notebook = json.loads(content)
    except ValueError:
        return content
    if not isinstance(notebook, dict):
        return content
    old = [cell for sheet in _dicts(notebook.get("worksheets")) for cell in _dicts(sheet.get("cells"))]
    cells = _dicts(notebook.get("cells")) or [_present_cell(cell) for cell in old]
    outputs = (output.get("data") for cell in cells for output in _dicts(cell.get("outputs")))
    without_plain = [data for data in outputs if isinstance(data, dict) and _lacks_plain_text(data)]
    if not (old or without_plain):
        return content
    for data in without_plain:
        kind = next(kind for kind in _OTHER_TEXTS if kind in data)
        text = _text(data[kind])
        data[_PLAIN] = "\n".join(html_texts(text)) if kind == _HTML else text
    return json.dumps({**notebook, "cells": cells, "nbformat": 4, "nbformat_minor": 5}).encode()


def _lacks_plain_text(data: dict[str, Any]) -> bool:
    """Whether an output has another text, and no plain one that says anything."""
    is_named = _NAME_OF_OBJECT.fullmatch(_text(data.get(_PLAIN, "")).strip()) is not None
    return (_PLAIN not in data or is_named) and any(kind in data for kind in _OTHER_TEXTS)


def _present_cell(cell: dict[str, Any]) -> dict[str, Any]:
    """A cell of version 3 in the form of version 4."""
    source = _text(cell.get("source") or cell.get("input"))
    if cell.get("cell_type") == "heading":
        level = cell.get("level")
        return {
            "cell_type": _MARKDOWN,
            "metadata": {},
            "source": f"{'#' * level if isinstance(level, int) else '#'} {source}",
        }
    outputs = [_present_output(output) for output in _dicts(cell.get("outputs"))]
    return {"cell_type": cell.get("cell_type", "raw"), "metadata": {}, "source": source, "outputs": outputs}


def _present_output(output: dict[str, Any]) -> dict[str, Any]:
    """An output of version 3 in the form of version 4: texts lay beside its type by short names."""
    kind = output.get("output_type")
    if kind == "pyerr":
        return {**output, "output_type": "error"}
    if kind == "stream":
        return {"output_type": kind, "name": "stdout", "text": _text(output.get("text"))}
    named = ((_PLAIN, output.get("text")), (_HTML, output.get("html")), ("text/latex", output.get("latex")))
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {mime_type: _text(text) for mime_type, text in named if text},
    }


def _dicts(value: object) -> list[dict[str, Any]]:
    """The objects in a list; none where there is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    """A text that may be given as a list of lines."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""
