"""Finds the styles of `.docx` that hide text: a run has such a style, or its paragraph.

Runs in the child process, used by `word_xml` and `office_parts`. Pure functions.
"""

from __future__ import annotations

import zipfile
from typing import Final
from xml.etree import ElementTree as ET

from magicfs.text.extract.documents.file_parts import DAMAGE
from magicfs.text.extract.documents.xml_elements import attribute, local_name, named, parse_xml
from magicfs.text.extract.documents.xml_texts import SHOWN_AGAIN

_STYLES: Final = "word/styles.xml"
_HIDES: Final = b"vanish"
_MAX_BYTES: Final = 8 << 20


def hidden_styles(document: zipfile.ZipFile) -> frozenset[str]:
    """The names by which text has a style that hides it; none where the styles are missing or damaged."""
    try:
        if document.getinfo(_STYLES).file_size > _MAX_BYTES:
            return frozenset()
        data = document.read(_STYLES)
        if _HIDES not in data:
            return frozenset()
        styles = {attribute(style, "styleId"): style for style in named(parse_xml(data), "style")}
    except DAMAGE:
        return frozenset()
    return frozenset(name for name in styles if _hides(name, styles))


def _hides(name: str, styles: dict[str, ET.Element]) -> bool:
    """Whether a style, or the nearest one that it is based on and that says something of it, hides text."""
    seen: set[str] = set()
    while name in styles and name not in seen:
        seen.add(name)
        properties = [element for element in styles[name] if local_name(element) == "rPr"]
        for element in (child for group in properties for child in group if local_name(child) == "vanish"):
            return attribute(element, "val") not in SHOWN_AGAIN
        name = next((attribute(element, "val") for element in styles[name] if local_name(element) == "basedOn"), "")
    return False
