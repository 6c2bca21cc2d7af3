"""A search as it was understood: what to look for, what to leave out, and where to look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on files. Several values of one filter are alternatives; different filters hold together."""

    types: tuple[str, ...] = ()
    """Kinds of files in lower case, such as `pdf`, `image` or `text/html`."""
    extensions: tuple[str, ...] = ()
    """Lower case, without the dot."""
    folders: tuple[str, ...] = ()
    """Names or paths of directories somewhere above the file; absolute when they start with a slash."""
    names: tuple[str, ...] = ()
    """Patterns with `*` and `?` for the whole file name, or plain text that the name contains."""
    hosts: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    after: date | None = None
    """Modified on this day or later."""
    before: date | None = None
    """Modified on an earlier day than this."""
    larger: int | None = None
    """More bytes than this."""
    smaller: int | None = None
    """Fewer bytes than this."""

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self != Filters()


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody typed into a search. Its texts hold no NUL and no lone surrogate."""

    text: str
    """As it was typed."""
    question: str = ""
    """The words and phrases in their order: what the model embeds."""
    phrases: tuple[str, ...] = ()
    """A result contains each of these, to the letter."""
    without: tuple[str, ...] = ()
    """A result contains none of these words and phrases."""
    filters: Filters = Filters()
    limit: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing at all is asked for."""
        return not (self.question or self.without or self.filters or self.limit)
