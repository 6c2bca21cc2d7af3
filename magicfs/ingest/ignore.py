"""Which files are wanted: built-in rules, and what `.gitignore` and `.magicfsignore` say.

Rules of a directory hold below it and override those above it, as git does it; `.magicfsignore` overrides
`.gitignore` beside it. A rule that begins with `!` takes back an earlier one, the built-in ones included, for what it
matches itself: not for all that is in such a directory, and nothing below an ignored directory is looked at. Pure but
for `Rules.enter`, which reads the two files.
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
"""In the order in which they are read: a later one overrides an earlier one."""

LARGEST_RULE_FILE = 1 << 20
"""Bytes. A rule file beyond this is none."""

LONGEST_RULE = 4096
"""Characters. No path is longer; to make a pattern of a line of a megabyte takes most of a minute."""

IGNORED_DIRECTORIES = frozenset(
    {b"node_modules", b"__pycache__", b"venv", b"lost+found", b"$RECYCLE.BIN", b"System Volume Information"}
)
IGNORED_NAMES = frozenset({b"Thumbs.db", b"desktop.ini", b"Icon\r"})
IGNORED_ENDINGS = (
    *(b"~", b".tmp", b".temp", b".swp", b".swo", b".swx", b".part", b".partial", b".crdownload", b".download"),
    *(b".pyc", b".pyo", b".o", b".a", b".so", b".class", b".lock", b".pid"),
)
"""Temporary and half-written files, and what compilers leave."""

_DOT = ord(".")
_MARK = b"\xef\xbb\xbf"
"""What some editors put at the beginning of a file in UTF-8."""

_MANY_STARS = re.compile(r"\*{3,}")
_LAST_STARS = re.compile(r"(?<![^/])\*\*(/?)$")
_LAST_STAR = re.compile(r"(?<![^/])\*(/?)$")
_BRACKETS = re.compile(r"\\.|\[[!^]?\]?(?:\[:[a-z]*:\]|[^\]])*+(?:\]|$)")
_CLASS = re.compile(r"\[:([a-z]*):\]")
_CLASSES = {
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
"""The classes of characters, as they can stand in brackets: none begins with `!` or `^`, and none has a slash."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule. It matches an entry itself, never what is in a directory that it matches: the walk sees to that."""

    line: str
    ignores: bool
    matches: Callable[[str], object]
    """Takes a path below the directory of the rule file, with a slash at its end if it is one of a directory."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """The rules that one directory brings, the last one first. `prefix` is its path below the root, and a slash."""

    prefix: str
    rules: tuple[_Rule, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that hold in one directory."""

    layers: tuple[_Layer, ...] = ()

    def enter(self, directory: bytes, *, below: bytes) -> Rules:
        """The rules inside a directory: those here, and those of its own rule files.

        `directory` is its absolute path, `below` its path relative to the root, empty for the root itself.
        """
        lines = [line for name in RULE_FILES for line in _lines(os.path.join(directory, name))]
        rules = [rule for line in reversed(lines) if (rule := _rule_or_none(line, directory))]
        if not rules:
            return self
        prefix = os.fsdecode(below) + "/" if below else ""
        return Rules((*self.layers, _Layer(prefix, tuple(rules))))

    def ignores(self, path: bytes, *, is_directory: bool) -> bool:
        """Whether a path, relative to the root, is not wanted. Its parents are taken to be wanted."""
        return self.why_ignored(path, is_directory=is_directory) is not None

    def why_ignored(self, path: bytes, *, is_directory: bool) -> str | None:
        """The rule by which a path, relative to the root, is not wanted; None when it is wanted."""
        # To Python's wildcards a line break is no character. No rule can hold one: another blank stands for it.
        text = os.fsdecode(path.replace(b"\n", b"\v"))
        if is_directory:
            text += "/"
        for layer in reversed(self.layers):
            relative = text[len(layer.prefix) :]
            for rule in layer.rules:
                if rule.matches(relative):
                    return f"the rule '{rule.line}' of {layer.prefix or 'the root'}" if rule.ignores else None
        name = path.rpartition(b"/")[2]
        return "a built-in rule for names like this" if _built_in(name, is_directory=is_directory) else None


def _built_in(name: bytes, *, is_directory: bool) -> bool:
    if is_directory:
        return name.startswith(b".") or name in IGNORED_DIRECTORIES
    return unwanted_file(name)


def unwanted_file(name: bytes) -> bool:
    """Whether the built-in rules alone ignore a file of this name."""
    return name[0] == _DOT or name.endswith(IGNORED_ENDINGS) or name in IGNORED_NAMES


def _rule_or_none(line: str, directory: bytes) -> _Rule | None:
    """The rule in a line. A line that is none is left out, as git does it."""
    try:
        return _rule(line)
    except (ValueError, re.error):
        log.warning("%s: %.100r is no rule", os.fsdecode(directory), line)
        return None


@lru_cache(maxsize=1024)
def _rule(line: str) -> _Rule | None:
    """The rule in a line, None for a comment. Raises `ValueError` or `re.error` when the line is no rule."""
    if len(line) > LONGEST_RULE:
        raise ValueError("longer than any path")
    pattern = quick_pattern(_rewritten(line))
    if pattern.regex is None or pattern.include is None:
        return None
    return _Rule(line, pattern.include, pattern.regex.fullmatch)


def _rewritten(line: str) -> str:
    """The same rule without what pathspec takes differently than git, or shortens so that it matches a parent only."""
    bare = line.rstrip(" ")
    if (len(bare) - len(bare.rstrip("\\"))) % 2 and bare != line:
        bare += " "
    elif bare[-1:].isspace():
        # Git takes other blanks at the end for a part of the name: `Icon\r` is one that macOS makes.
        bare = f"{bare[:-1]}[{bare[-1]}]"
    body = bare.removeprefix("!")
    sign = bare[: len(bare) - len(body)]
    body = _MANY_STARS.sub("**", body)
    body = _LAST_STARS.sub(r"**/*\1", body)
    body = _LAST_STAR.sub(r"?*\1", body)
    return sign + _BRACKETS.sub(lambda found: found[0][0] + _CLASS.sub(_characters, found[0][1:]), body)


def _characters(named: re.Match[str]) -> str:
    """What is in a class of characters. Raises `ValueError` when there is none of that name."""
    try:
        return _CLASSES[named[1]]
    except KeyError as error:
        raise ValueError(named[0]) from error


def _lines(path: bytes) -> list[str]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        if regular_file_status(descriptor) is None:
            return []
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(LARGEST_RULE_FILE + 1)
    except OSError:
        return []
    finally:
        os.close(descriptor)
    if len(content) > LARGEST_RULE_FILE:
        log.warning("%s is too large for a rule file and is not used", os.fsdecode(path))
        return []
    return [os.fsdecode(line.removesuffix(b"\r")) for line in content.removeprefix(_MARK).split(b"\n")]


def rules_for(root: bytes, below: bytes) -> Rules | None:
    """The rules inside the directory `below` of a root, None when it or a parent of it is ignored."""
    rules = Rules().enter(root, below=b"")
    parts = below.split(b"/") if below else []
    for depth in range(len(parts)):
        path = b"/".join(parts[: depth + 1])
        if rules.ignores(path, is_directory=True):
            return None
        rules = rules.enter(os.path.join(root, path), below=path)
    return rules


_LEADING = "^(?:.+/)?"
_INNER = "(?:/.+)?"
"""How pathspec writes a `**/` at the beginning and a `/**/` further on."""

_EARLIER_STAR = re.compile(
    r"\[\^/\]\*  ( (?: [^/] | (?<=\[\^)/(?=\]) )*? )  (?= \[\^/\]\* )",
    re.VERBOSE,
)
"""A `*` and what stands between it and the next one of its segment. The only slash there is that of a `?`."""

_REGEX_BRACKETS = re.compile(r"(?s) \\. | \[\^/\] | ( \[\^?\]?[^\]]*\] )", re.VERBOSE)
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
    regex = _REGEX_BRACKETS.sub(lambda found: f"(?!/){found[0]}" if found[1] else found[0], regex)
    first, *others = regex.split(_INNER)
    if not others:
        return regex
    if first.startswith(_LEADING):
        first = f"^(?:.+?/)??{first.removeprefix(_LEADING)}"
    *middle, last = others
    earlier = [first, *(f"(?:/.+?)??{part}" for part in middle)]
    return "".join(f"(?>{part}(?=/))" for part in earlier) + _INNER + last
