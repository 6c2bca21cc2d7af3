"""The texts of forms of Adobe's designer (XFA), of whose PDF files the only page asks to wait.

Runs in the child process, used by `pdf_parts`. The XML is not parsed: what is a text is found by its tags, so entities
never grow. No state.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Final

from magicfs.text.extract.plain.plain_text import clean

_MAX_BYTES: Final = 8 << 20
"""The part of a form that is read."""
_MAX_TEXT: Final = 20_000
_MAX_ITEMS: Final = 50
"""The texts of a list that are read: longer ones are those of countries and the like."""
_TAG: Final = re.compile(r"<[^<>]{0,5000}>")


class _Elements:
    """The elements with one of these names, each up to the next tag that ends its name.

    Takes time in proportion to the text: an end that is missing is searched once, and not for every element.
    """

    def __init__(self, *names: str, prefix: str = "") -> None:
        """`prefix` is the expression of what may stand before the names."""
        # An element that ends at once has nothing in it.
        self._begin = re.compile(rf"<{prefix}({'|'.join(names)})\b(?:[^<>]*[^<>/])?>")
        self._ends = {name: re.compile(rf"</{prefix}{name}\s*>") for name in names}

    def in_text(self, text: str) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
        """Yield the first and the last tag of each element; none of those that are in another one."""
        last_tags: dict[str, re.Match[str] | None] = {}
        first_tag = self._begin.search(text)
        while first_tag:
            name, begin = first_tag[1], first_tag.end()
            last_tag = last_tags.get(name, first_tag)
            if last_tag and last_tag.start() < begin:
                last_tag = last_tags[name] = self._ends[name].search(text, begin)
            if last_tag:
                yield first_tag, last_tag
                begin = last_tag.end()
            first_tag = self._begin.search(text, begin)

    def replaced(self, text: str, replacement: Callable[[str], str]) -> str:
        """The text with something else in the place of each element, which `replacement` is given whole."""
        pieces: list[str] = []
        end = 0
        for first_tag, last_tag in self.in_text(text):
            pieces += (text[end : first_tag.start()], replacement(text[first_tag.start() : last_tag.end()]))
            end = last_tag.end()
        return "".join((*pieces, text[end:]))


_PREFIX: Final = r"(?:\w{1,20}:)?"
_TEMPLATES: Final = _Elements("template", prefix=_PREFIX)
_DATA: Final = _Elements("data", prefix=_PREFIX)
_NOT_SHOWN: Final = _Elements("script", "submit", "bind", "desc", "extras", "keep")
_LISTS: Final = _Elements("items")
_SHOWN: Final = _Elements("text", "exData")


def xfa_texts(form: bytes) -> Iterator[str]:
    """Yield the captions of a form and what its lists let choose, then what was filled in."""
    text = form[:_MAX_BYTES].decode("utf-8", "replace")
    for template in _contents(_TEMPLATES, text):
        shown = _LISTS.replaced(_NOT_SHOWN.replaced(template, lambda _: ""), _short_list)
        yield from filter(None, map(_plain, _contents(_SHOWN, shown)))
    for data in _contents(_DATA, text):
        yield from filter(None, map(_plain, _TAG.split(data)))


def _contents(elements: _Elements, text: str) -> Iterator[str]:
    """Yield what stands between the tags of each element."""
    return (text[first_tag.end() : last_tag.start()] for first_tag, last_tag in elements.in_text(text))


def _short_list(items: str) -> str:
    """A list that is read; an empty text of a longer one."""
    return items if sum(1 for _ in _SHOWN.in_text(items)) <= _MAX_ITEMS else ""


def _plain(text: str) -> str:
    """A text without tags, which are those of a page where it has some."""
    return " ".join(clean(html.unescape(_TAG.sub(" ", text))).split())[:_MAX_TEXT]
