"""Patterns of ignore rules, as regular expressions that take a short time on every path.

A wildcard that can give back what it took is tried in every way together with all others: `*a*a*a*a*b` then takes
minutes to say no to one long name. But only the last `*` of a segment and the last `**` of a rule ever have to give
anything back: where an earlier one has skipped as little as it can, what follows has every chance. Pure; used by the
rules.
"""

from __future__ import annotations

import re

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_LEADING = "^(?:.+/)?"
_INNER = "(?:/.+)?"
"""How pathspec writes a `**/` at the beginning and a `/**/` further on."""

_EARLIER_STAR = re.compile(
    r"\[\^/\]\*  ( (?: [^/] | (?<=\[\^)/(?=\]) )*? )  (?= \[\^/\]\* )",
    re.VERBOSE,
)
"""A `*` and what stands between it and the next one of its segment. The only slash there is that of a `?`."""

_BRACKETS = re.compile(r"(?s) \\. | \[\^/\] | ( \[\^?\]?[^\]]*\] )", re.VERBOSE)
"""What begins with a bracket or escapes it; brackets of the rule itself in the group."""


def quick_pattern(line: str) -> GitIgnoreSpecPattern:
    """The rule in a line. It matches what git says, in a time that does not explode with its wildcards.

    Raises `ValueError` or `re.error` when the line is no rule.
    """
    regex, ignores = GitIgnoreSpecPattern.pattern_to_regex(line)
    pattern = GitIgnoreSpecPattern(None if regex is None else re.compile(_quick(regex)), ignores)
    pattern.pattern = line
    return pattern


def _quick(regex: str) -> str:
    """The same expression with wildcards that are tried in one way only."""
    regex = _EARLIER_STAR.sub(r"(?>[^/]*?\1)", regex)
    # As in git, brackets match no slash: a segment that could reach into the next one would match in many ways.
    regex = _BRACKETS.sub(lambda found: f"(?!/){found[0]}" if found[1] else found[0], regex)
    first, *others = regex.split(_INNER)
    if not others:
        return regex
    if first.startswith(_LEADING):
        first = f"^(?:.+?/)??{first.removeprefix(_LEADING)}"
    *middle, last = others
    earlier = [first, *(f"(?:/.+?)??{part}" for part in middle)]
    return "".join(f"(?>{part}(?=/))" for part in earlier) + _INNER + last
