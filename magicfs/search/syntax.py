"""The search language: parses a typed text into a `Query`. Pure.

Used by the search service, so by the command line and the mount. There are no syntax errors: whatever is not a phrase,
an exclusion or a filter is ordinary text, and so is what only looks like one, such as `-70` or the inches of `27"`. The
service reads a piece as text that the index has to the letter, or whose filter no file can meet (`Query.syntax`).
docs/search.md describes the language to users.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date

from magicfs.domain.query import Filters, Query, SyntaxToken
from magicfs.search.alternatives import Alternatives, alternatives
from magicfs.search.normalisation import WRITTEN_MINUS, normalized_query
from magicfs.search.typed_filters import (
    FIELDS_OF_OTHER_TOOLS,
    may_be_a_word,
    may_be_text,
    needs_a_form,
    with_filter,
)
from magicfs.text.analysis import fold
from magicfs.text.analysis.tokens import UNSPACED

MAX_LIMIT = 1000
"""The most results of a search, whatever `limit:` says."""

_TOKEN = re.compile(
    rf"""(?P<not>(?:(?<=\s)|\A(?=NOT\s+(?:[A-Za-z]+:|\S*\*)))NOT\s+(?=\S))?  # the NOT of many search engines
        (?P<minus>(?<!\S)[-{WRITTEN_MINUS}](?=["{UNSPACED}]|[^\W\d_]{{2}}|\*[\w.]))?  # not -, --option, -70 and -x
        (?: (?<![^\s\-{WRITTEN_MINUS}])"(?P<phrase>[^"]*)"(?P<near>[~op][0-9]{{1,2}})?(?!\w) # around words
          | (?P<name>[A-Za-z]+):"(?P<quoted>[^"]+)"(?!\w)
          | (?P<bare>\S+)
        )""",
    re.VERBOSE,
)
_NAME = re.compile(r"\s*(-[^\s:\"*]+\.[A-Za-z0-9]{1,5})\s*")
"""A whole query that is the name of a file which begins with a minus, such as `-rf.txt`."""
_HAS_WORD = re.compile(r"[^\W_]")
_PATTERN = re.compile(
    r"(?!.{256})(?=[^*]*\*[\w.-])(?=.*[^\W\d_]|\*[0-9]{3})(?:\*\.(?=\w)|\*?[\w.-]*\w\w)[\w.-]*(?:\*[\w.-]+)*\*?"
)
"""A pattern of file names, with a star before or inside of it, no longer than a name may be. One at the end of a word
stands for its rest; `a*b` and `2*300` are products, and `*p` is a pointer."""
_EXTENSIONS = re.compile(r"\*\.\w+(?:[,;|]\*\.\w+)+")
"""Several extensions, as other tools have them: `*.jpg;*.png`."""
_MAX_PIECES_OF_PATTERN = 3
"""In a longer text, a word behind a star is one that is emphasised, or a pointer in code."""
_NEAR_OPERATOR = re.compile(r"(?:NEAR|WITHIN)/[0-9]{1,3}|AROUND\([0-9]{1,3}\)")
"""What other tools write between words that need not stand side by side, and what they are ranked by in any case."""
_EVERYTHING = frozenset({"*", "*.*"})
"""What asks for all files, as in other tools, or for all that filters keep."""
_ALTERNATIVES = frozenset({"OR", "|", "||"})
"""What says no more than that there are two values, between two filters of one name."""


def parse(text: str, *, literal: Collection[str] = (), today: date | None = None) -> Query:
    """The query in a typed text. The pieces in `literal` are ordinary text, whatever they look like. Never raises.

    `today` is the day from which `after:yesterday` counts; without it, that is ordinary text.
    """
    name = _NAME.fullmatch(text)
    normalized = normalized_query(text)
    literal = frozenset([*literal, name[1]] if name else literal)
    builder = _QueryBuilder(literal, pieces=len(normalized.split()), today=today)
    tokens = list(_TOKEN.finditer(normalized))
    groups = {group.places.start: group for group in alternatives(tokens)}
    grouped = {place for group in groups.values() for place in group.places}
    for place, (before, token, after) in enumerate(zip([None, *tokens], tokens, [*tokens[1:], None], strict=False)):
        if place in grouped:
            if place in groups:
                builder.add_alternatives(groups[place])
        elif not (before and after and _only_joins(before, token, after, builder)):
            builder.add_token(token)
    return builder.build(text)


def _only_joins(before: re.Match[str], token: re.Match[str], after: re.Match[str], builder: _QueryBuilder) -> bool:
    """Whether a token only joins the words or the filters beside it."""
    if token[0] in _ALTERNATIVES:
        return builder.are_of_one_filter(before, after)
    return _NEAR_OPERATOR.fullmatch(token[0]) is not None


@dataclass
class _QueryBuilder:
    """The parts of a query, while its tokens are read."""

    literal: frozenset[str]
    pieces: int
    """The number of pieces of the text that have blanks between them."""
    today: date | None = None
    filters: Filters = field(default_factory=Filters)
    excluded_filters: Filters = field(default_factory=Filters)
    limit: int | None = None
    each_copy: bool = False
    words: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    excluded_phrases: list[str] = field(default_factory=list)
    alternatives: list[tuple[str, ...]] = field(default_factory=list)
    any_phrases: list[tuple[str, ...]] = field(default_factory=list)
    syntax: list[SyntaxToken] = field(default_factory=list)
    misread: list[str] = field(default_factory=list)

    def build(self, text: str) -> Query:
        """The query; `text` is what was typed."""
        question, filters = " ".join(self.words), self.filters
        if question in _EVERYTHING and not self.literal:
            question, filters = "", filters or Filters(names=("*",))
        return Query(
            text=text,
            question=question,
            phrases=tuple(self.phrases),
            excluded=tuple(self.excluded),
            excluded_phrases=tuple(self.excluded_phrases),
            filters=filters,
            excluded_filters=self.excluded_filters,
            limit=self.limit,
            syntax=tuple(map(self._with_word_after, self.syntax)),
            each_copy=self.each_copy,
            today=self.today,
            misread=tuple(self.misread),
            alternatives=tuple(self.alternatives),
            any_phrases=tuple(self.any_phrases),
        )

    def are_of_one_filter(self, *tokens: re.Match[str]) -> bool:
        """Whether these are filters of one name, which keep what any of them keeps."""
        if any(token["minus"] or token["not"] or token[0] in self.literal for token in tokens):
            return False
        parts = [_filter_parts(token, pieces=self.pieces) for token in tokens]
        are_filters = all(with_filter(Filters(), name, value, today=self.today) is not None for name, value in parts)
        return are_filters and len({name.lower() for name, _ in parts}) == 1

    def add_alternatives(self, group: Alternatives) -> None:
        """Add words and phrases of which any one does. Beside a word, a phrase is its words."""
        self.words += [*group.words, *group.phrases]
        if len(group.words) > 1:
            self.alternatives.append(group.words)
        if group.phrases and not group.words:
            self.any_phrases.append(group.phrases)

    def add_token(self, token: re.Match[str]) -> None:
        """Add a match of `_TOKEN`."""
        name, value = _filter_parts(token, pieces=self.pieces)
        if token[0] in self.literal:
            # No directory is meant by `path:docs/report.pdf`, but a file.
            is_path = name.lower() == "path" and "/" in value
            self.words.append(_without_quotes(value if is_path else token[0].removeprefix(WRITTEN_MINUS)))
            return
        is_excluded = token["minus"] is not None
        if (is_excluded or token["not"]) and self._exclude_filter(name, value):
            return
        if token["not"] is not None:
            # Texts in capitals have a NOT too, and so does `IS NOT NULL`.
            negated = token["phrase"] or token["quoted"] or token["bare"] or ""
            is_one = bool(self._last_word or self.filters or self.excluded_filters) and not negated.isupper()
            is_excluded = is_excluded or (is_one and _HAS_WORD.search(negated) is not None)
            if not is_excluded:
                self.words.append("NOT")
        if not is_excluded and self._apply_filter(name, value, typed=token[0]):
            return
        self._add_text(token, name, value, is_excluded=is_excluded)

    def _add_text(self, token: re.Match[str], name: str, value: str, *, is_excluded: bool) -> None:
        """Add what is no filter. A field of other tools is no word: what follows is looked for in all of a file."""
        is_field = name.lower() in FIELDS_OF_OTHER_TOOLS and value[:1].isalnum()
        if is_excluded and value and needs_a_form(name):
            self.misread.append(f"-{name}:{value}")
        if token["near"] and not is_excluded:
            self.words.append(token["phrase"])
        elif token["phrase"] is not None:
            self._add_phrase(" ".join(token["phrase"].split()), is_excluded=is_excluded)
        elif token["quoted"] is not None and is_excluded:
            self._add_phrase(value if is_field else f"{name}:{value}", is_excluded=is_excluded)
        elif token["quoted"] is not None:
            self.words += [] if is_field else [name]
            self._add_phrase(" ".join(value.split()), is_excluded=is_excluded)
        elif token["bare"] is not None:
            if is_field and not is_excluded:
                self.syntax.append(SyntaxToken(token[0], self._last_word, is_field=True))
            self._add_bare(value if is_field else token["bare"], typed=token[0], is_excluded=is_excluded)

    def _add_bare(self, bare: str, *, typed: str, is_excluded: bool) -> None:
        if is_excluded:
            self.syntax.append(SyntaxToken(typed, before=self._last_word))
            self.excluded.append(bare)
        elif word := _without_quotes(bare):
            self.words.append(word)

    def _with_word_after(self, token: SyntaxToken) -> SyntaxToken:
        is_first = not (token.before or token.filters or token.is_field)
        return replace(token, after=next(filter(_HAS_WORD.search, self.words), "")) if is_first else token

    @property
    def _last_word(self) -> str:
        """The last piece that has a word in it: not the `.` of `find . -name`."""
        return next((word for word in reversed(self.words) if _HAS_WORD.search(word)), "")

    def _add_phrase(self, phrase: str, *, is_excluded: bool) -> None:
        if not phrase:
            return
        if is_excluded:
            self.excluded_phrases.append(phrase)
        else:
            self.phrases.append(phrase)
            self.words.append(phrase)

    def _apply_filter(self, name: str, value: str, *, typed: str) -> bool:
        """Add a filter; False for an unknown filter or an invalid value."""
        if name.lower() == "limit" and self._apply_limit(value):
            return True
        if (name.lower(), value.lower()) == ("copies", "all"):
            self.each_copy = True
            return True
        filters = with_filter(self.filters, name, value, today=self.today)
        if filters is None:
            if value and needs_a_form(name):
                self.misread.append(typed[typed.index(name) :])  # without a NOT
            return False
        self.filters = filters
        if may_be_text(name):
            alone = with_filter(Filters(), name, value, today=self.today) or Filters()
            is_foreign = may_be_a_word(name) or ":" not in typed
            self.syntax.append(SyntaxToken(typed, self._last_word, filters=alone, is_foreign=is_foreign))
        return True

    def _exclude_filter(self, name: str, value: str) -> bool:
        """Add a filter that leaves files out; False for an unknown filter or an invalid value."""
        filters = with_filter(self.excluded_filters, name, value, today=self.today)
        if filters is None:
            return False
        self.excluded_filters = filters
        return True

    def _apply_limit(self, value: str) -> bool:
        value = fold(value)
        if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) == 0:
            return False
        self.limit = min(int(value), MAX_LIMIT)
        return True


def _filter_parts(token: re.Match[str], *, pieces: int) -> tuple[str, str]:
    """What would be the name and the value of a filter in a match of `_TOKEN`; either may be empty.

    A pattern of file names, such as `*.pdf` and `inv*2024`, is the value of `name:`; without an extension, it stands
    for the beginning of a name. `pieces` are those of the whole text.
    """
    if token["quoted"] is not None:
        return token["name"], token["quoted"]
    bare = token["bare"] or ""
    if _PATTERN.fullmatch(bare) and ("." in bare or bare[0] != "*" or pieces <= _MAX_PIECES_OF_PATTERN):
        return "name", bare if "." in bare else bare.rstrip("*") + "*"
    if _EXTENSIONS.fullmatch(bare):
        return "ext", bare
    name, _, value = bare.partition(":")
    return name, value


def _without_quotes(bare: str) -> str:
    """A word without the quotes that open or close nothing."""
    return bare.replace('"', " ").strip()
