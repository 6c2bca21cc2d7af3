"""What people type into a search, understood as a `Query`.

Pure; used by the search service, so by the command line and the mount alike. There are no syntax errors: what is
not understood is ordinary text. docs/search.md describes the language to its users.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from magicfs.domain.query import Filters, Query

LONGEST_TEXT = 4096
"""Characters. The rest of a longer query is not read; no model reads that far."""
LARGEST_LIMIT = 1000
LARGEST_SIZE = 1 << 62
"""Bytes. Postgres compares no larger ones."""

_ESCAPES = re.compile(r"%(2[Ff]|25)")
_PIECE = re.compile(
    r"""(?P<minus>-(?=["\w]))?            # -without, but neither a lone dash nor --option
        (?: "(?P<phrase>[^"]*)"
          | (?P<name>[A-Za-z]+):"(?P<quoted>[^"]+)"
          | (?P<bare>[^\s"]+)
          | "                             # never closed: a sign like any other
        )""",
    re.VERBOSE,
)
_QUOTES = str.maketrans("\u201c\u201d\u201e", '"""')
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", re.ASCII)
_SIZE = re.compile(r"(>=?|<=?)(\d{1,15}(?:\.\d{1,3})?)([kmgt]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@dataclass
class _Draft:
    """A query while it is read."""

    filters: Filters = field(default_factory=Filters)
    limit: int | None = None
    words: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)


def parse(text: str) -> Query:
    """Understand what somebody typed. Never raises, whatever `text` holds."""
    draft = _Draft()
    for piece in _PIECE.finditer(_readable(text)):
        _read_piece(draft, piece)
    return Query(
        text=text,
        question=" ".join(draft.words),
        phrases=tuple(draft.phrases),
        without=tuple(draft.without),
        filters=draft.filters,
        limit=draft.limit,
    )


def _readable(text: str) -> str:
    """Undo `%2F` and `%25`, and replace what neither Postgres nor a model reads."""
    text = _ESCAPES.sub(lambda found: "%" if found[1] == "25" else "/", text[:LONGEST_TEXT])
    text = _UNPRINTABLE.sub(lambda found: "\ufffd" if found[0] >= "\ud800" else " ", text)
    return text.translate(_QUOTES)


def _read_piece(draft: _Draft, piece: re.Match[str]) -> None:
    phrase, bare = piece["phrase"], piece["bare"]
    if phrase is not None:
        _read_phrase(draft, " ".join(phrase.split()), negative=piece["minus"] is not None)
        return
    if piece["quoted"] is not None:
        name, value = piece["name"], piece["quoted"]
        if piece["minus"] is None and _apply_filter(draft, name, value):
            return
        _read_phrase(draft, f"{name}:{value}", negative=piece["minus"] is not None)
        return
    if bare is None:
        return
    if piece["minus"] is not None:
        draft.without.append(bare)
        return
    name, colon, value = bare.partition(":")
    if not (colon and value and _apply_filter(draft, name, value)):
        draft.words.append(bare)


def _read_phrase(draft: _Draft, phrase: str, *, negative: bool) -> None:
    if not phrase:
        return
    if negative:
        draft.without.append(phrase)
    else:
        draft.phrases.append(phrase)
        draft.words.append(phrase)


def _apply_filter(draft: _Draft, name: str, value: str) -> bool:
    """Take over a filter; False when there is no such filter or its value makes no sense."""
    if name.lower() == "limit":
        return _apply_limit(draft, value)
    reader = _FILTERS.get(name.lower())
    changed = reader(draft.filters, value) if reader else None
    if changed is None:
        return False
    draft.filters = changed
    return True


def _apply_limit(draft: _Draft, value: str) -> bool:
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) == 0:
        return False
    draft.limit = min(int(value), LARGEST_LIMIT)
    return True


def _kind(filters: Filters, value: str) -> Filters | None:
    return replace(filters, types=(*filters.types, value.lower()))


def _extension(filters: Filters, value: str) -> Filters | None:
    extension = value.lower().lstrip("*").lstrip(".")
    return replace(filters, extensions=(*filters.extensions, extension)) if extension else None


def _folder(filters: Filters, value: str) -> Filters | None:
    folder = value.rstrip("/") if value.startswith("/") else value.strip("/")
    return replace(filters, folders=(*filters.folders, folder)) if folder else None


def _name(filters: Filters, value: str) -> Filters | None:
    return replace(filters, names=(*filters.names, value))


def _host(filters: Filters, value: str) -> Filters | None:
    return replace(filters, hosts=(*filters.hosts, value))


def _root(filters: Filters, value: str) -> Filters | None:
    return replace(filters, roots=(*filters.roots, value))


def _day(filters: Filters, value: str, *, start: bool) -> Filters | None:
    found = _DAY.fullmatch(value)
    if found is None:
        return None
    try:
        day = date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        return None
    return replace(filters, after=day) if start else replace(filters, before=day)


def _size(filters: Filters, value: str) -> Filters | None:
    found = _SIZE.fullmatch(value)
    if found is None:
        return None
    size = min(int(float(found[2]) * _UNITS[found[3].lower()]), LARGEST_SIZE)
    if found[1].startswith(">"):
        return replace(filters, larger=size - 1 if found[1] == ">=" else size)
    return replace(filters, smaller=size + 1 if found[1] == "<=" else size)


_FILTERS: dict[str, Callable[[Filters, str], Filters | None]] = {
    "type": _kind,
    "ext": _extension,
    "in": _folder,
    "name": _name,
    "host": _host,
    "root": _root,
    "after": partial(_day, start=True),
    "before": partial(_day, start=False),
    "size": _size,
}
