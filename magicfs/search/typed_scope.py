"""The scope of filters as they are typed: in the form in which names and paths are compared, with words for names.

Used by `compiled_query`, and by what explains and compares files. Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from magicfs.db.search.scope import Scope, restrict
from magicfs.domain.files import display_path
from magicfs.domain.query import NO_FILTERS, Filters, Within
from magicfs.text.analysis import fold, phrase_query
from magicfs.text.analysis.dates import whole_date
from magicfs.text.names import extension_of, fold_path


def scope_of(
    filters: Filters,
    *,
    excluded_filters: Filters = NO_FILTERS,
    phrases: str | None = None,
    excluded: str | None = None,
    within: Within | None = None,
) -> Scope:
    """The scope of filters as they are typed, with conditions on words as for `restrict`."""
    folded = _folded(filters)
    return restrict(
        folded,
        excluded_filters=_folded(excluded_filters),
        phrases=phrases,
        excluded=excluded,
        name_words=_name_words(filters),
        excluded_name_words=_name_words(excluded_filters),
        within=within,
        last_names=_last_names(folded.folders or ([] if within is None else [display_path(within.path)])),
    )


def _last_names(paths: Sequence[str]) -> Mapping[str, str] | None:
    """The folded last names of directories, each with the extension of a file of that name.

    None without any, and where one has no letter or sign that folding leaves. A relative path is folded already.
    """
    last = [(path, path.rstrip("/").rpartition("/")[2]) for path in paths]
    names = [fold_path(name) if path.startswith("/") else name for path, name in last]
    return {name: extension_of(name) for name in names} if all(names) else None


def _name_words(filters: Filters) -> str | None:
    return any_of(condition for name in filters.names for condition in _words_of_name(name))


def _words_of_name(name: str) -> Iterator[str | None]:
    """The conditions on the words of a name that meet a filter too, if it has no `*` and `?`.

    A blank stands for any sign between words, and for none before a capital; a date for the same day in another form.
    """
    if any(wildcard in name for wildcard in "*?"):
        return
    if " " in name.strip():
        yield phrase_query(f"{name.strip()}*")
    yield from (phrase_query(day) for day in whole_date(name.strip()))


def _folded(filters: Filters) -> Filters:
    """The filters in the form in which names and paths are compared. An absolute path is compared to the letter."""
    return replace(
        filters,
        extensions=tuple(map(fold, filters.extensions)),
        folders=tuple(folder if folder.startswith("/") else fold_path(folder) for folder in filters.folders),
        names=tuple(map(fold_path, filters.names)),
        roots=tuple(map(fold_path, filters.roots)),
    )


def any_of(conditions: Iterable[str | None]) -> str | None:
    """The condition that any of some is met, as the text of a `tsquery`; None without any."""
    return " | ".join(f"({condition})" for condition in conditions if condition) or None
