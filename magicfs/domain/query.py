"""A parsed search: what to look for, what to exclude, and where to look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on files. A file meets each filter that has values; it meets a filter by one of its values."""

    types: tuple[str, ...] = ()
    """MIME types, their parts, or extensions, in lower case: `text/html`, `image`, `pdf`."""
    extensions: tuple[str, ...] = ()
    """Lower case, without the dot."""
    folders: tuple[str, ...] = ()
    """Names or paths of directories above the file. A path that starts with a slash is absolute."""
    names: tuple[str, ...] = ()
    """Patterns with `*` and `?` for the whole file name, or text that the name contains."""
    hosts: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    after: date | None = None
    """Modified on this day or later."""
    before: date | None = None
    """Modified before this day."""
    larger: int | None = None
    """More bytes than this."""
    smaller: int | None = None
    """Fewer bytes than this."""

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return self != Filters()


@dataclass(frozen=True, slots=True)
class Query:
    """A typed text, parsed. Its parts contain no NUL and no lone surrogate."""

    text: str
    """The text as it was typed."""
    question: str = ""
    """The words and phrases in their order: what the model embeds."""
    phrases: tuple[str, ...] = ()
    """Each result has all of these to the letter."""
    excluded: tuple[str, ...] = ()
    """No result has any of these words and phrases."""
    filters: Filters = Filters()
    limit: int | None = None

    @property
    def empty(self) -> bool:
        """Whether the text asks for nothing."""
        return not (self.question or self.excluded or self.filters or self.limit)
