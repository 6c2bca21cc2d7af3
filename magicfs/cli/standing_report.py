"""What `magicfs doctor PATH QUERY` says of the place of a file in a search, a fact a line. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from magicfs.cli import terminal
from magicfs.cli.file_report import Fact
from magicfs.domain.explanation import FoundWord, Measures, Standing


def standing_facts(standing: Standing) -> Iterator[Fact]:
    """Where a file stands in the results of a query, and why not higher."""
    results = terminal.counted(standing.results, "result")
    if standing.rank is None:
        yield Fact("rank", f"not one of the {results}")
    else:
        yield Fact("rank", f"{standing.rank} of {results}, score {standing.score:.2f}")
    for reason in standing.reasons:
        yield Fact("why", reason)
    if standing.measures is not None:
        yield from _facts_of_measures(standing.measures)
    if standing.before:
        path, *better = standing.before
        yield Fact("before it", f"{path}" + (f": {', '.join(better)}" if better else ""))
    for notice in standing.notices:
        yield Fact("notice", notice)


def _facts_of_measures(measures: Measures) -> Iterator[Fact]:
    """What the retrievers measure for the file."""
    first, last = measures.lines
    if last:
        page = f", page {measures.page}" if measures.page else ""
        yield Fact("passage", f"lines {first}-{last}{page}: the best one of the file")
    for label, words in (
        ("has", [_had(word) for word in measures.words if word.in_text]),
        ("lacks", [_lacked(word) for word in measures.words if not word.in_text]),
    ):
        if words:
            yield Fact(label, ", ".join(words))
    named = [word.word for word in measures.words if word.in_name]
    below = [word.word for word in measures.words if word.in_path and not word.in_name]
    if named or below:
        yield Fact("name", f"has {', '.join([*named, *(f'{word} (a directory)' for word in below)])}")
    if measures.is_phrase_match:
        yield Fact("phrase", "the passage has the whole query as a phrase")
    relative, lexical = _value(measures.relative_words), _value(measures.lexical)
    yield Fact("words", f"{relative} of the best match by words, lexical {lexical}")
    yield Fact("meaning", f"{_value(measures.vector)}" + (f": {measures.no_vector}" if measures.no_vector else ""))
    for label, value, why in measures.by_model:
        yield Fact("", f"{_value(value)} by {label}" + (f": {why}" if why else ""))
    yield Fact("order", f"{measures.fused:.3f}, score {measures.relevance:.3f}")


def _had(word: FoundWord) -> str:
    """A word that the passage has, with the form if it has another one."""
    if word.word in word.in_text:
        return f"{word.word} ({word.weight:.0%})"
    return f"{word.word} (as {word.in_text[0].removeprefix('^')}, {word.weight:.0%})"


def _lacked(word: FoundWord) -> str:
    return f"{word.word} ({word.weight:.0%})"


def _value(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
