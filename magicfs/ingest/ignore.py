"""Which files are ignored: built-in rules, and the rules of `.gitignore` and `.magicfsignore` files.

Used by the walk, the watcher and `explain`. The rules of a directory apply below it and override those above it, as in
git; `.magicfsignore` overrides the `.gitignore` beside it. A rule with `!` takes back earlier ones, also the built-in
ones, for the entry itself: not for what a directory contains, and nothing below an ignored directory is read. Only
`IgnoreRules.enter` and `rules_for` read the disk. Any thread.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from magicfs.linux import regular_file_status

log = logging.getLogger(__name__)

RULE_FILES = (b".gitignore", b".magicfsignore")
"""A later one overrides an earlier one."""

MAX_RULE_FILE_BYTES = 1 << 20
"""A larger rule file is not used."""

MAX_RULE_CHARACTERS = 4096
"""No path is longer. Compiling a line of a megabyte takes most of a minute."""

IGNORED_DIRECTORIES = frozenset(
    {b"node_modules", b"__pycache__", b"venv", b"lost+found", b"$RECYCLE.BIN", b"System Volume Information"}
)
IGNORED_NAMES = frozenset({b"Thumbs.db", b"desktop.ini", b"Icon\r"})
IGNORED_ENDINGS = (
    *(b"~", b".tmp", b".temp", b".swp", b".swo", b".swx", b".part", b".partial", b".crdownload", b".download"),
    *(b".pyc", b".pyo", b".o", b".a", b".so", b".class", b".lock", b".pid"),
)
"""Temporary and unfinished files, and the output of compilers."""

_DOT = ord(".")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Some editors begin a UTF-8 file with it."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule matches an entry itself, not what a matched directory contains: the walk does not enter the directory."""

    line: str
    ignores: bool
    matches: Callable[[str], object]
    """Takes a path relative to the directory of the rule file, with a slash at the end if it is a directory's."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """The rules of one directory's rule files, the last rule first."""

    prefix: str
    """The directory relative to the root, with a slash at the end; empty for the root."""
    rules: tuple[_Rule, ...]


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules that apply in one directory; without layers only the built-in ones."""

    layers: tuple[_Layer, ...] = ()

    def enter(self, directory: bytes, *, below: bytes) -> IgnoreRules:
        """The rules inside a directory: these, and those of its own rule files.

        `directory` is its absolute path, `below` its path relative to the root, empty for the root itself.
        """
        lines = [line for name in RULE_FILES for line in _read_lines(os.path.join(directory, name))]
        rules = [rule for line in reversed(lines) if (rule := _parse_or_log(line, directory))]
        if not rules:
            return self
        prefix = os.fsdecode(below) + "/" if below else ""
        return IgnoreRules((*self.layers, _Layer(prefix, tuple(rules))))

    def ignores(self, path: bytes, *, is_directory: bool) -> bool:
        """Whether a path, relative to the root, is ignored. Assumes that its parents are not."""
        return self.why_ignored(path, is_directory=is_directory) is not None

    def why_ignored(self, path: bytes, *, is_directory: bool) -> str | None:
        """The rule that ignores a path, relative to the root, in words; None when it is not ignored."""
        # In Python's expressions `.` matches no line break. No rule contains one, so a vertical tab may replace it.
        text = os.fsdecode(path.replace(b"\n", b"\v"))
        if is_directory:
            text += "/"
        for layer in reversed(self.layers):
            relative = text[len(layer.prefix) :]
            for rule in layer.rules:
                if rule.matches(relative):
                    return f"the rule '{rule.line}' of {layer.prefix or 'the root'}" if rule.ignores else None
        name = path.rpartition(b"/")[2]
        ignored = is_ignored_directory_name(name) if is_directory else is_ignored_name(name)
        return "a built-in rule for names like this" if ignored else None


def rules_for(root: bytes, below: bytes) -> IgnoreRules | None:
    """The rules inside the directory `below` of a root; None when the directory or a parent of it is ignored."""
    rules = IgnoreRules().enter(root, below=b"")
    parts = below.split(b"/") if below else []
    for depth in range(len(parts)):
        path = b"/".join(parts[: depth + 1])
        if rules.ignores(path, is_directory=True):
            return None
        rules = rules.enter(os.path.join(root, path), below=path)
    return rules


def is_ignored_name(name: bytes) -> bool:
    """Whether the built-in rules ignore files of this name."""
    return name[0] == _DOT or name.endswith(IGNORED_ENDINGS) or name in IGNORED_NAMES


def is_ignored_directory_name(name: bytes) -> bool:
    """Whether the built-in rules ignore directories of this name."""
    return name.startswith(b".") or name in IGNORED_DIRECTORIES


def _read_lines(path: bytes) -> list[str]:
    """The lines of a rule file; none when it is no regular file, cannot be read, or is too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        if regular_file_status(descriptor) is None:
            return []
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_RULE_FILE_BYTES + 1)
    except OSError:
        return []
    finally:
        os.close(descriptor)
    if len(content) > MAX_RULE_FILE_BYTES:
        log.warning("%s is too large for a rule file and is not used", os.fsdecode(path))
        return []
    return [os.fsdecode(line.removesuffix(b"\r")) for line in content.removeprefix(_BYTE_ORDER_MARK).split(b"\n")]


def _parse_or_log(line: str, directory: bytes) -> _Rule | None:
    """The rule in a line. A line that is none is logged and has no effect, as in git."""
    try:
        return _parse(line)
    except (ValueError, re.error):
        log.warning("%s: %.100r is no rule", os.fsdecode(directory), line)
        return None


@lru_cache(maxsize=1024)
def _parse(line: str) -> _Rule | None:
    """The rule in a line; None for a comment. Raises `ValueError` or `re.error` when the line is no rule."""
    if len(line) > MAX_RULE_CHARACTERS:
        raise ValueError("longer than any path")
    pattern = compile_pattern(_normalized(line))
    if pattern.regex is None or pattern.include is None:
        return None
    return _Rule(line, pattern.include, pattern.regex.fullmatch)


# Normalizing: pathspec reads some lines otherwise than git, and some so that they match a parent only.

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
    return sign + _BRACKETS.sub(lambda found: found[0][0] + _CHARACTER_CLASS.sub(_characters, found[0][1:]), body)


def _characters(character_class: re.Match[str]) -> str:
    try:
        return _CHARACTER_CLASSES[character_class[1]]
    except KeyError as error:
        raise ValueError(character_class[0]) from error


# Compiling: pathspec's expressions may take exponential time to fail.

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


def compile_pattern(line: str) -> GitIgnoreSpecPattern:
    """The pattern in a line, which matches in a time that does not grow exponentially with its wildcards.

    Raises `ValueError` or `re.error` when the line is no rule.
    """
    regex, ignores = GitIgnoreSpecPattern.pattern_to_regex(line)
    pattern = GitIgnoreSpecPattern(None if regex is None else re.compile(_without_backtracking(regex)), ignores)
    pattern.pattern = line
    return pattern


def _without_backtracking(regex: str) -> str:
    """An expression that matches the same, and tries one way only for each wildcard but the last."""
    regex = _EARLIER_STAR.sub(r"(?>[^/]*?\1)", regex)
    # As in git, brackets match no slash. Otherwise a segment that reaches into the next one matches in many ways.
    regex = _REGEX_BRACKETS.sub(lambda found: f"(?!/){found[0]}" if found[1] else found[0], regex)
    first, *others = regex.split(_INNER_DOUBLE_STAR)
    if not others:
        return regex
    if first.startswith(_LEADING_DOUBLE_STAR):
        first = f"^(?:.+?/)??{first.removeprefix(_LEADING_DOUBLE_STAR)}"
    *middle, last = others
    earlier = [first, *(f"(?:/.+?)??{part}" for part in middle)]
    return "".join(f"(?>{part}(?=/))" for part in earlier) + _INNER_DOUBLE_STAR + last
