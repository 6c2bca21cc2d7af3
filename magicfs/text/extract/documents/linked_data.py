"""Reads what a page of HTML says of itself for search engines (JSON-LD): a recipe, an event, a shop, an article.

Runs in the child process, used by `html_parts`. Untrusted texts; pure functions.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any, Final

_ADDRESS: Final = re.compile(r"(?:https?:)?//\S*|data:[a-z]{1,20}/\S*|[^\s/]*+/\S*\.\w{2,5}")
_TAG: Final = re.compile(r"<[^<>]{0,1000}>")
_SENTENCES: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_MAX_TEXTS: Final = 2000
_MAX_DEPTH: Final = 20


def stated_texts(data: str) -> Iterator[str]:
    """Yield the texts that the data state, a sentence each, without addresses and types; none of damaged data."""
    try:
        value = json.loads(html.unescape(data) if data.lstrip().startswith("&") else data, strict=False)
    except (ValueError, RecursionError):
        return
    for text in list(_texts(value, _MAX_DEPTH))[:_MAX_TEXTS]:
        # Sentence by sentence, so that what the page shows too is known.
        for sentence in _SENTENCES.split(html.unescape(_TAG.sub(" ", text))):
            shown = " ".join(sentence.split())
            if any(map(str.isalnum, shown)) and not _ADDRESS.fullmatch(shown):
                yield shown


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, list):
        for item in value:
            yield from _texts(item, depth - 1)
    elif depth and isinstance(value, dict):
        for name, item in value.items():
            if not name.startswith("@") or name == "@graph":
                yield from _texts(item, depth - 1)
