"""Which files are ignored: built-in rules, and the rules of `.gitignore` and `.magicfsignore` files.

Used by the walk, the watcher and `explain`. The rules of a directory apply below it and override those above it, as in
git; `.magicfsignore` overrides the `.gitignore` beside it. A rule with `!` cancels earlier rules and the built-in ones
for the entries that it matches, not for what a matched directory contains. Nothing below an ignored directory is read.
The folders of a Maildir begin with a dot (Maildir++), so the built-in rule for such names does not hold in one.
Only `IgnoreRules.enter` and `rules_for` read the disk. Any thread.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from magicfs.linux.files import regular_file_status

log = logging.getLogger(__name__)

RULE_FILES = (b".gitignore", b".magicfsignore")
"""A later one overrides an earlier one."""

MAX_RULE_FILE_BYTES = 1 << 20
"""A larger rule file is not used."""

MAX_RULE_CHARACTERS = 4096
"""No path is longer. Compiling a line of a megabyte takes most of a minute."""

IGNORED_DIRECTORIES = frozenset(
    {
        *(b"node_modules", b"__pycache__", b"venv", b"lost+found", b"System Volume Information"),
        *(b"$RECYCLE.BIN", b"RECYCLER", b"#recycle", b"@Recycle"),
        *(b"@eaDir", b"#snapshot", b"~snapshot", b"@Recently-Snapshot"),
    }
)
"""What programs install, what file systems keep, what was deleted, and thumbnails and old versions made by storage."""
IGNORED_NAMES = frozenset({b"Thumbs.db", b"desktop.ini", b"Icon\r", b"4913", b"DEADJOE"})
"""Files of desktops, the file with which vim tests a directory, and what joe saves when it is killed."""
IGNORED_EXTENSIONS = frozenset(
    {
        *(b".swp", b".swo", b".swx"),
        *(b".part", b".partial", b".download", b".opdownload", b".filepart", b".aria2", b".!ut", b".!qB"),
        *(b".ytdl", b".crswap"),
        *(b".pyc", b".pyo", b".o", b".a", b".so", b".class", b".lock", b".pid"),
    }
)
"""Temporary files of editors, unfinished downloads, and the output of compilers."""
_TEMPORARY_EXTENSIONS = frozenset({b".tmp", b".temp", b".crdownload"})
"""Temporary files, in any case: programs of Windows write `.TMP`."""
_COPY_ENDINGS = (b"~", b"___jb_tmp___", b"___jb_old___")
"""Copies that editors make beside a file, which keep its name."""
_SAFE_SAVE = re.compile(rb"\.sb-[0-9a-f]{8}-\w{6}")
"""The ending of the copy that programs of macOS write first (`notes.txt.sb-3f2a91cc-Qx7TbK`)."""
_OTHER_FILE = re.compile(rb"\.(?:(?:db3?|sqlite3?)-(?:wal|shm|journal)|part-Frag\d+)")
"""The ending of what SQLite writes beside a database, all the time, and of a part of a download."""
_OFFICE_LOCK = b"~$"
"""The beginning of the lock of Microsoft Office (`~$letter.docx`)."""
_EMACS_COPY = b"#"
"""The beginning and the end of the copy that Emacs saves on its own (`#notes.md#`)."""

_FIRST_BYTES = b".~#"
"""The first byte of each name that is ignored for its beginning."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Some editors begin a UTF-8 file with it."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A line of a rule file. It matches entries, not what a matched directory contains: the walk does not enter it."""

    line: str
    ignores: bool
    matches: Callable[[str], object]
    """Takes a path relative to the directory of the rule file; the path of a directory ends with a slash."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """The rules of one directory's rule files, the last rule first."""

    prefix: str
    """The directory relative to the root, with a slash at the end; empty for the root."""
    rules: tuple[_Rule, ...]


_MAILDIR = (b"cur", b"new", b"tmp")
"""The directories in each Maildir."""
_MAIL_FOLDER = _Rule("", ignores=False, matches=re.compile(r"\.(?!(?:git|notmuch|nnmaildir)/)[^/]+/").fullmatch)
"""Does not ignore the folders in a Maildir, but what other programs keep there."""


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules that apply in one directory; without layers only the built-in ones."""

    layers: tuple[_Layer, ...] = ()

    def enter(self, absolute: bytes, *, relative: bytes) -> IgnoreRules:
        """The rules inside a directory: these, and those of its own rule files.

        `absolute` is the directory's absolute path, `relative` its path below the root, empty for the root itself.
        """
        lines = [line for name in RULE_FILES for line in _read_lines(os.path.join(absolute, name))]
        rules = [rule for line in reversed(lines) if (rule := _parse_or_log(line, absolute))]
        prefix = os.fsdecode(relative) + "/" if relative else ""
        # What a person has written holds first, wherever it stands.
        built_in = (_Layer(prefix, (_MAIL_FOLDER,)),) if _is_maildir(absolute) else ()
        own = (_Layer(prefix, tuple(rules)),) if rules else ()
        return IgnoreRules((*built_in, *self.layers, *own)) if built_in or own else self

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
            below_layer = text[len(layer.prefix) :]
            for rule in layer.rules:
                if rule.matches(below_layer):
                    return f"the rule '{rule.line}' of {layer.prefix or 'the root'}" if rule.ignores else None
        name = path.rpartition(b"/")[2]
        ignored = is_ignored_directory_name(name) if is_directory else is_ignored_name(name)
        return "a built-in rule for names like this" if ignored else None


def rules_for(root: bytes, directory: bytes) -> IgnoreRules | None:
    """The rules inside a directory of a root; None when the directory or a parent of it is ignored.

    `directory` is relative to `root`, and empty for the root itself.
    """
    rules = IgnoreRules().enter(root, relative=b"")
    parts = directory.split(b"/") if directory else []
    for depth in range(len(parts)):
        path = b"/".join(parts[: depth + 1])
        if rules.ignores(path, is_directory=True):
            return None
        rules = rules.enter(os.path.join(root, path), relative=path)
    return rules


def is_ignored_name(name: bytes) -> bool:
    """Whether the built-in rules ignore files of this name. A scan asks it of every file."""
    _, dot, extension = name.rpartition(b".")
    return (
        (name[0] in _FIRST_BYTES and _is_ignored_beginning(name))
        or _is_ignored_ending(dot + extension)
        or name in IGNORED_NAMES
    )


def _is_ignored_beginning(name: bytes) -> bool:
    return (
        name.startswith(b".")
        or (name.startswith(_OFFICE_LOCK) and len(name) > len(_OFFICE_LOCK))
        or (name.startswith(_EMACS_COPY) and name.endswith(_EMACS_COPY) and len(name) > 1)
    )


@lru_cache(maxsize=4096)
def _is_ignored_ending(ending: bytes) -> bool:
    """Whether a name is ignored for its last dot and what follows, or for all of it where it has no dot."""
    return (
        ending in IGNORED_EXTENSIONS
        or ending.lower() in _TEMPORARY_EXTENSIONS
        or ending.endswith(_COPY_ENDINGS)
        or _SAFE_SAVE.fullmatch(ending) is not None
        or _OTHER_FILE.fullmatch(ending) is not None
    )


def is_ignored_directory_name(name: bytes) -> bool:
    """Whether the built-in rules ignore directories of this name."""
    return name.startswith(b".") or name in IGNORED_DIRECTORIES


def _is_maildir(directory: bytes) -> bool:
    return all(os.path.isdir(os.path.join(directory, name)) for name in _MAILDIR)


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
    """The rule in a line; None for a comment and for a line that is no rule, which is logged and otherwise ignored."""
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


# Normalizing: pathspec gives some lines another meaning than git does, and lets some match a parent directory only.

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
    return sign + _BRACKETS.sub(lambda match: match[0][0] + _CHARACTER_CLASS.sub(_characters, match[0][1:]), body)


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
