"""Notebooks of Jupyter: cells and outputs in their old form too, and outputs that are pages alone."""

from __future__ import annotations

import json
from typing import Any

from magicfs.text.extract.extractor import FileExtractor
from tests.integration.text.reading import read


def notebook(**fields: Any) -> bytes:
    return json.dumps({"metadata": {}, "nbformat_minor": 0, **fields}).encode()


def test_a_notebook_of_version_3_is_read(extractor: FileExtractor) -> None:
    outputs = [
        {"output_type": "pyout", "text": ["a quoll\n"], "prompt_number": 1},
        {"output_type": "stream", "stream": "stdout", "text": "a numbat"},
        {"output_type": "pyerr", "ename": "ValueError", "evalue": "no wombat", "traceback": []},
    ]
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Marsupials"], "metadata": {}},
        {"cell_type": "code", "input": ["count = ", "3"], "language": "python", "outputs": outputs, "metadata": {}},
    ]
    text = read(extractor, notebook(nbformat=3, worksheets=[{"cells": cells}]), b"old.ipynb").text
    for words in ("Marsupials", "count = 3", "a quoll", "a numbat", "no wombat"):
        assert words in text


def test_an_output_that_is_a_page_alone_is_read(extractor: FileExtractor) -> None:
    page = {"text/html": ["<style>td {color: red}</style><table><tr><td>a qu", "<b>oll</b></td></tr></table>"]}
    outputs = [{"output_type": "display_data", "metadata": {}, "data": page}]
    cells = [{"cell_type": "code", "metadata": {}, "source": ["show()"], "outputs": outputs, "execution_count": 1}]
    text = read(extractor, notebook(nbformat=4, cells=cells), b"a.ipynb").text
    assert "a quoll" in text
    assert "color" not in text


def test_an_output_that_is_named_alone_in_plain_text_is_read_in_another_form(extractor: FileExtractor) -> None:
    datas = [
        {"text/plain": ["<IPython.core.display.Markdown object>"], "text/markdown": ["a **bil**by"]},
        {"text/plain": "<lib.Frame object at 0x7f01>", "text/html": "<p>a potoroo</p>"},
        {"text/latex": ["$x$ of dunnarts"]},
    ]
    outputs = [{"output_type": "display_data", "metadata": {}, "data": data} for data in datas]
    cells = [{"cell_type": "code", "metadata": {}, "source": ["show()"], "outputs": outputs, "execution_count": 1}]
    text = read(extractor, notebook(nbformat=4, cells=cells), b"a.ipynb").text
    assert all(words in text for words in ("**bil**by", "a potoroo", "of dunnarts"))
    assert "object" not in text


def test_letters_of_every_cell_are_read(extractor: FileExtractor) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Größen\n", "der Wür\u00adfel 骰子"]},
        {"cell_type": "code", "metadata": {}, "source": "x = 'Öl'", "outputs": [], "execution_count": None},
    ]
    document = read(extractor, notebook(nbformat=4, cells=cells), b"a.ipynb")
    assert document.text == "# Größen\nder Wür\u00adfel 骰子\n\nx = 'Öl'"
    assert document.title == "Größen"


def test_what_is_no_notebook_is_a_text(extractor: FileExtractor) -> None:
    assert "quoll" in read(extractor, b'{"a": "quoll"}', b"a.ipynb").text
    assert "quoll" in read(extractor, b'{"cells": [quoll', b"a.ipynb").text
