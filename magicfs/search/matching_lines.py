"""The lines of a passage that a question is about, each with its number in the file, for `magicfs grep`. Pure."""

from __future__ import annotations

from typing import NamedTuple

from magicfs.domain.results import Hit


class MatchingLine(NamedTuple):
    """A line of a file."""

    number: int
    """From 1."""
    text: str
    matched: list[tuple[int, int]]
    """The starts and ends of the words of the question in it, in characters."""


def matching_lines(hit: Hit) -> list[MatchingLine]:
    """The lines of a passage that have words of the question; the first one if none has, as it is found by meaning."""
    lines: list[MatchingLine] = []
    start = 0
    for number, text in zip(hit.line_numbers, hit.text.split("\n"), strict=True):
        end = start + len(text)
        words = [(max(0, first - start), min(last, end) - start) for first, last in _inside(hit, start, end)]
        lines.append(MatchingLine(number, text, words))
        start = end + 1
    return [line for line in lines if line.matched] or lines[:1]


def _inside(hit: Hit, start: int, end: int) -> list[tuple[int, int]]:
    """The words of the question that are in a part of the text, or begin or end there."""
    return [(first, last) for first, last in hit.marked.matched if first < end and last > start]
