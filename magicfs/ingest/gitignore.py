"""Lines of `.gitignore` as git reads them, in time that is bounded: pathspec does neither for all of them.

Used by `ignore`. pathspec gives some lines another meaning than git does, and lets some match a parent directory only:
such a line is written in another way first. Its expressions may take exponential time to fail: they are rewritten so
that they try a single way for every wildcard except the last one. Pure.
"""

from __future__ import annotations

import re

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_MANY_STARS = re.compile(r"\*{3,}")
_FINAL_DOUBLE_STAR = re.compile(r"(?<![^/])\*\*(/?)$")
_FINAL_STAR = re.compile(r"(?<![^/])\*(/?)$")
_BRACKETS = re.compile(r"\\.|\[[!^]?\]?(?:\[:[a-z]*:\]|[^\]])*+(?:\]|$)")
_CHARACTER_CLASS = re.compile(r"\[:([a-z]*):\]")
_CHARACTER_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \t",
    "cntrl": "\x01-\x1f\x7f",
    "digit": "0-9",
    "graph": '"-.0-~!',
    "lower": "a-z",
    "print": " -.0-~",
    "punct": ":-@!-.[-`{-~",
    "space": " \t-\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
"""What a class stands for within brackets. No value begins with `!` or `^`, and none contains a slash."""

_LEADING_DOUBLE_STAR = "^(?:.+/)?"
_INNER_DOUBLE_STAR = "(?:/.+)?"
"""How pathspec writes `**/` at the beginning and `/**/` further on."""

_EARLIER_STAR = re.compile(
    r"\[\^/\]\*  ( (?: [^/] | (?<=\[\^)/(?=\]) )*? )  (?= \[\^/\]\* )",
    re.VERBOSE,
)
"""A `*` and what follows it up to the next `*` of the same segment. The only slash in there is that of a `?`."""

_REGEX_BRACKETS = re.compile(r"(?s) \\. | \[\^/\] | ( \[\^?\]?[^\]]*\] )", re.VERBOSE)
"""An escape, a wildcard, or brackets of the rule itself; only the last are a group."""


def pattern_of_line(line: str) -> GitIgnoreSpecPattern:
    """The pattern in a line, as git reads it. Raises `ValueError` or `re.error` when the line is no rule."""
    return compile_pattern(_normalized(line))


def _normalized(line: str) -> str:
    """A line that pathspec reads as git reads the given one. Raises `ValueError` for an unknown character class."""
    rule = line.rstrip(" ")
    if (len(rule) - len(rule.rstrip("\\"))) % 2 and rule != line:
        rule += " "
    elif rule[-1:].isspace():
        # Git strips spaces only. Other white space is part of the name, as in the `Icon\r` that macOS makes.
        rule = f"{rule[:-1]}[{rule[-1]}]"
    body = rule.removeprefix("!")
    sign = rule[: len(rule) - len(body)]
    body = _MANY_STARS.sub("**", body)
    body = _FINAL_DOUBLE_STAR.sub(r"**/*\1", body)
    body = _FINAL_STAR.sub(r"?*\1", body)
    return sign + _BRACKETS.sub(lambda match: match[0][0] + _CHARACTER_CLASS.sub(_characters, match[0][1:]), body)


def _characters(character_class: re.Match[str]) -> str:
    try:
        return _CHARACTER_CLASSES[character_class[1]]
    except KeyError as error:
        raise ValueError(character_class[0]) from error


def compile_pattern(line: str) -> GitIgnoreSpecPattern:
    """The pattern in a line, which matches in a time that does not grow exponentially with its wildcards.

    Raises `ValueError` or `re.error` when the line is no rule.
    """
    regex, ignores = GitIgnoreSpecPattern.pattern_to_regex(line)
    pattern = GitIgnoreSpecPattern(None if regex is None else re.compile(_without_backtracking(regex)), ignores)
    pattern.pattern = line
    return pattern


def _without_backtracking(regex: str) -> str:
    """An expression that matches the same paths, and tries a single way for every wildcard except the last one."""
    regex = _EARLIER_STAR.sub(r"(?>[^/]*?\1)", regex)
    # As in git, brackets match no slash. Otherwise a segment that reaches into the next one matches in many ways.
    regex = _REGEX_BRACKETS.sub(lambda match: f"(?!/){match[0]}" if match[1] else match[0], regex)
    first, *others = regex.split(_INNER_DOUBLE_STAR)
    if not others:
        return regex
    if first.startswith(_LEADING_DOUBLE_STAR):
        first = f"^(?:.+?/)??{first.removeprefix(_LEADING_DOUBLE_STAR)}"
    *middle, last = others
    earlier = [first, *(f"(?:/.+?)??{part}" for part in middle)]
    return "".join(f"(?>{part}(?=/))" for part in earlier) + _INNER_DOUBLE_STAR + last
