"""Decides which pieces of a query that look like syntax are meant to the letter: a pasted command line or a log line.

Used by the search service. `tar -xzf backup` excludes nothing where a text has both `tar` and `-xzf`; `type:module` is
no filter where no file is of that type and a text has it to the letter. Runs in the caller's transaction.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from magicfs.db.pool import Connection
from magicfs.db.search import file_facts
from magicfs.db.search.found_files import newest_files
from magicfs.domain.chunks import CopyRules
from magicfs.domain.query import Filters, Query, SyntaxToken
from magicfs.search.normalisation import WRITTEN_MINUS
from magicfs.search.typed_scope import scope_of
from magicfs.text.analysis import phrase_query

_VALUE: Final = re.compile(r"[0-9]|~?/|\.{1,2}/")
"""What the value of an option begins with if it is no word: a number or a path."""


def exclusion_conditions(query: Query) -> dict[str, str]:
    """The exclusions, patterns of names and fields of a query, each with what a text has that has it to the letter.

    A text has the exclusion with its minus or its `NOT`, together with the word before it. One that comes first needs
    a value behind it, side by side: `-crf 23` is an option, and `-draft report` none. A query that asks for nothing
    else, such as `-Wall`, needs no other word: it means an option. A word behind a dash that is no minus, and
    one behind a star, `char *buffer`, are text where both words stand side by side.
    """
    is_alone = not (query.question or query.filters or query.excluded_filters)
    return {
        token.text: condition for token in query.syntax if (condition := _condition_of_any(token, is_alone=is_alone))
    }


def _condition_of_any(token: SyntaxToken, *, is_alone: bool) -> str | None:
    if token.is_field:
        return phrase_query(token.text)
    return _of_neighbours(token) if token.filters else _condition(token, is_alone=is_alone)


def unmet_filters(connection: Connection, query: Query) -> frozenset[str]:
    """The filters of a query that no file meets, whatever else the query asks for."""
    return frozenset(
        token.text for token in query.syntax if token.filters and not _has_files(connection, token.filters)
    )


def literal_filters(connection: Connection, query: Query, unmet: Collection[str]) -> frozenset[str]:
    """Those of the `unmet_filters` that some text has as typed.

    Those with a name of other tools need no such text: `path:` is a filter for some people, and a word for others.
    """
    tokens = [token for token in query.syntax if token.text in unmet]
    conditions = {token.text: phrase_query(token.text) for token in tokens}
    met = file_facts.met_conditions(connection, [condition for condition in conditions.values() if condition])
    return frozenset(token.text for token in tokens if token.is_foreign or conditions[token.text] in met)


def _has_files(connection: Connection, filters: Filters) -> bool:
    return bool(newest_files(connection, scope_of(filters), rules=CopyRules(), limit=1))


def _of_neighbours(token: SyntaxToken) -> str | None:
    """The condition that a text has what is behind a dash or a star beside the word before it, with a dash or without.

    Before an extension, as in `rm *.log`, it has no point. None where nothing stands before it, and for another filter.
    """
    word = token.text.lstrip(f"*{WRITTEN_MINUS}")
    beside = phrase_query(f"{token.before} {word.lstrip('.')}")
    if word == token.text or not token.before or beside is None:
        return None
    joined = phrase_query(f"{token.before}{'' if word[0] == '.' else '-'}{word}")
    return f"({beside}) & !({joined})" if word[0] == "." else f"({beside}) | ({joined})"


def _condition(token: SyntaxToken, *, is_alone: bool) -> str | None:
    """The condition that a text has an exclusion as it was typed, with its minus; None without a word beside it.

    In scripts without spaces, a minus before a word is no part of any word.
    """
    if token.text.startswith(WRITTEN_MINUS):
        return _of_neighbours(token)
    if token.text.startswith("NOT"):
        return phrase_query(f"{token.before} {token.text}")
    before, literal = phrase_query(token.before), phrase_query(token.text)
    if literal == phrase_query(token.text.removeprefix("-")):
        return None
    if is_alone:
        return literal
    if _VALUE.match(token.after):
        return phrase_query(f"{token.text} {token.after}")
    return f"({before}) & ({literal})" if before and literal else None
