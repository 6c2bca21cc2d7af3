"""A parsed search: what to look for, what to exclude, and where to look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Period:
    """Days that follow one another; None where there is no first or no last one."""

    first: date | None
    last: date | None

    def __str__(self) -> str:
        """The period as it is typed: `2026-01-31..2026-02-28`."""
        return f"{self.first or ''}..{self.last or ''}"


@dataclass(frozen=True, slots=True)
class SizeRange:
    """Sizes in bytes, both ends included; None where there is no largest one."""

    smallest: int
    largest: int | None

    def __str__(self) -> str:
        """The range as it is typed: `1024..2048`."""
        return f"{self.smallest}..{'' if self.largest is None else self.largest}"


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on files. A file meets a filter by one of its values."""

    types: tuple[str, ...] = ()
    """MIME types, their parts, or extensions, in lower case: `text/html`, `image`, `pdf`."""
    extensions: tuple[str, ...] = ()
    """Without the dot."""
    folders: tuple[str, ...] = ()
    """Names or paths of directories above the file. A path that starts with a slash is absolute."""
    names: tuple[str, ...] = ()
    """Patterns with `*` and `?` for the whole file name, or text that the name contains."""
    hosts: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes."""
    after: date | None = None
    """Modified on this day or later."""
    before: date | None = None
    """Modified before this day."""
    larger: int | None = None
    """More bytes than this."""
    smaller: int | None = None
    """Fewer bytes than this."""
    periods: tuple[Period, ...] = ()
    """Modified on a day of any of these."""
    sizes: tuple[SizeRange, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return self != Filters()


NO_FILTERS: Final = Filters()

STEM_MARK: Final = "^"
"""The first character of a stem among lexemes. No word and no compound begins with it."""

REVERSED_MARK: Final = f"{STEM_MARK}<"
"""What a stem begins with whose letters are in the reverse order: the index finds words by their ends as others by
their beginnings."""


def quoted_lexeme(lexeme: str) -> str:
    """A lexeme as Postgres reads it in a `tsvector` or a `tsquery`."""
    if "'" in lexeme or "\\" in lexeme:
        lexeme = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{lexeme}'"


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One form of a word in the index."""

    text: str
    factor: float = 1.0
    """How much an occurrence counts in BM25."""
    is_exact: bool = True
    """Whether it is the word itself; else its stem."""
    is_prefix: bool = False
    """Whether it stands for all lexemes that begin with it."""

    @property
    def tsquery(self) -> str:
        """The condition that a text has it, as Postgres reads it."""
        quoted = quoted_lexeme(self.text)
        return f"{quoted}:*" if self.is_prefix else quoted


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a question, in all the forms that answer it."""

    word: str
    """The folded word; unique in a question."""
    lexemes: tuple[Lexeme, ...]
    count: int = 1
    """How often the question has it."""
    parts: frozenset[str] = frozenset()
    """The words of a compound, such as `c++` or `2.10.3`, and the compounds in it, which are terms of their own."""

    @property
    def is_compound(self) -> bool:
        """Whether it is a compound."""
        return bool(self.parts)

    @property
    def tsquery(self) -> str:
        """The condition that a text has any of its forms."""
        return " | ".join(lexeme.tsquery for lexeme in self.lexemes)


@dataclass(frozen=True, slots=True)
class SyntaxToken:
    """A piece of a typed text that was read as a filter or as an exclusion, but may be meant to the letter."""

    text: str
    """The piece as it was typed: `type:module`, `-xzf`."""
    before: str = ""
    """The word before it."""
    after: str = ""
    """The first word of the query, for an exclusion without a word before it."""
    filters: Filters = NO_FILTERS
    """The filter alone; empty for an exclusion."""
    is_foreign: bool = False
    """Whether the filter has the name that other tools give it, or is a pattern: it is one if any file meets it."""
    is_field: bool = False
    """Whether it names a field of other tools, and what follows is looked for in all of a file."""


@dataclass(frozen=True, slots=True)
class Within:
    """A directory with all below it, or a file."""

    host: str
    path: bytes
    """Absolute, with links resolved."""


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
    """No result has any of these words, in any form."""
    excluded_phrases: tuple[str, ...] = ()
    """No result has any of these to the letter."""
    filters: Filters = NO_FILTERS
    """Each result meets each of these that has values."""
    excluded_filters: Filters = NO_FILTERS
    """No result meets any of these."""
    limit: int | None = None
    syntax: tuple[SyntaxToken, ...] = ()
    """The filters that keep what they name, the exclusions of a word, and what names a field of other tools."""
    each_copy: bool = False
    """Whether each copy of a content is a result of its own."""
    today: date | None = None
    """The day from which `after:yesterday` counts; None where such words are no days."""
    misread: tuple[str, ...] = ()
    """The filters for days and sizes with a value that says none: they are words."""
    alternatives: tuple[tuple[str, ...], ...] = ()
    """Words of the question, of each group of which any one does."""
    any_phrases: tuple[tuple[str, ...], ...] = ()
    """Each result has one phrase of each of these groups to the letter."""
    within: Within | None = None
    """Where each result is, whatever the filters say; None for anywhere."""

    @property
    def required_phrases(self) -> tuple[tuple[str, ...], ...]:
        """Groups of phrases: each result has a phrase of each group."""
        return (*((phrase,) for phrase in self.phrases), *self.any_phrases)

    @property
    def empty(self) -> bool:
        """Whether the text asks for nothing."""
        has_exclusions = bool(self.excluded or self.excluded_phrases or self.excluded_filters)
        return not (self.question or has_exclusions or self.filters or self.limit or self.each_copy)
