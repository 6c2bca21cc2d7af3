"""The texts of forms of Adobe's designer (XFA), of whose PDF files the only page asks to wait.

Runs in the child process, used by `pdf_parts`. The XML is not parsed: what is a text is found by its tags, so entities
never grow. Pure functions.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from magicfs.text.extract.plain.plain_text import clean

_MAX_BYTES: Final = 8 << 20
"""The part of a form that is read."""
_MAX_TEXT: Final = 20_000
_MAX_ITEMS: Final = 50
"""The texts of a list that are read: longer ones are those of countries and the like."""
_TEMPLATE: Final = re.compile(r"<(?:\w{1,20}:)?template\b.*?</(?:\w{1,20}:)?template\s*>", re.DOTALL)
_OPEN: Final = r"\b(?:[^<>]*[^<>/])?>"
"""What follows the name of an element that has something in it: one that ends at once is none of these."""
_DATA: Final = re.compile(rf"<(?:\w{{1,20}}:)?data{_OPEN}(.*?)</(?:\w{{1,20}}:)?data\s*>", re.DOTALL)
_NOT_SHOWN: Final = re.compile(rf"<(script|submit|bind|desc|extras|keep){_OPEN}.*?</\1\s*>", re.DOTALL)
_ITEMS: Final = re.compile(rf"<items{_OPEN}.*?</items\s*>", re.DOTALL)
_SHOWN: Final = re.compile(rf"<(text|exData){_OPEN}(.*?)</\1\s*>", re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]{0,5000}>")


def xfa_texts(form: bytes) -> Iterator[str]:
    """Yield the captions of a form and what its lists let choose, then what was filled in."""
    text = form[:_MAX_BYTES].decode("utf-8", "replace")
    for template in _TEMPLATE.findall(text):
        shown = _ITEMS.sub(_short_list, _NOT_SHOWN.sub("", template))
        yield from filter(None, (_plain(match[2]) for match in _SHOWN.finditer(shown)))
    for data in _DATA.findall(text):
        yield from filter(None, map(_plain, _TAG.split(data)))


def _short_list(items: re.Match[str]) -> str:
    return items[0] if len(_SHOWN.findall(items[0])) <= _MAX_ITEMS else ""


def _plain(text: str) -> str:
    """A text without tags, which are those of a page where it has some."""
    return " ".join(clean(html.unescape(_TAG.sub(" ", text))).split())[:_MAX_TEXT]
