"""Encoded data in files of many formats makes no text: what stands around it is found, line by line."""

from __future__ import annotations

import base64
import json
import random
import textwrap

import pytest

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.extractor import FileExtractor

PICTURE = base64.b64encode(random.Random(11).randbytes(30_000)).decode()
LINES = "\n".join(textwrap.wrap(PICTURE, 76))
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Otters\n", "A plot of the otters of Skye."]},
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {},
            "source": ["plot(otters)"],
            "outputs": [
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {"image/png": LINES + "\n", "text/plain": ["<Figure size 640x480>"]},
                },
                {"output_type": "stream", "name": "stdout", "text": ["seventeen holts counted\n"]},
            ],
        },
    ],
    "metadata": {"language_info": {"name": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
FILES = {
    "trip.md": f"# Skye\n\n![an otter](data:image/png;base64,{PICTURE})\n\nWe saw otters at the slipway.\n",
    "page.html": f"<html><body><p>We saw otters</p><img src='data:image/png;base64,{PICTURE}'><p>at the slipway.</p>"
    f"<style>body {{ background: url(data:image/png;base64,{PICTURE}) }}</style></body></html>",
    "otters.ipynb": json.dumps(NOTEBOOK),
    "otters.json": json.dumps({"note": "otters at the slipway", "thumbnail": PICTURE, "mask": LINES}),
    "otters.css": f".otters {{ background: url(data:font/woff2;base64,{PICTURE}) }} /* the slipway */",
    "otters.csv": f"name,photo\notters,{PICTURE}\nslipway,{PICTURE}\n",
    "otters.eml": f"From: a@example.org\r\nSubject: otters\r\n\r\nThe key of the slipway:\r\n{LINES}\r\n",
    "otters.xml": f"<note><photo>\n{LINES}\n</photo><text>otters at the slipway</text></note>",
}


@pytest.mark.parametrize("name", FILES)
def test_only_what_a_person_reads_is_text(extractor: FileExtractor, name: str) -> None:
    outcome = extractor.extract(FILES[name].encode(), name=name.encode())
    assert isinstance(outcome, Document)
    assert "otters" in outcome.text
    assert len(outcome.text) < 600
    assert max(map(len, outcome.text.split())) < 60
    assert outcome.encoded_characters >= len(PICTURE)


def test_lines_are_those_of_the_file(extractor: FileExtractor) -> None:
    outcome = extractor.extract(FILES["trip.md"].encode(), name=b"trip.md")
    assert isinstance(outcome, Document)
    assert outcome.text.split("\n")[4] == "We saw otters at the slipway."
    assert outcome.title == "Skye"


def test_a_file_of_nothing_else_has_no_text(extractor: FileExtractor) -> None:
    outcome = extractor.extract(LINES.encode(), name=b"photo.b64")
    assert outcome == Unreadable(SkipReason.NO_TEXT, "nothing but encoded data")
