"""Which files are ignored: built-in rules, and those of `.gitignore`, `.ignore` and `.magicfsignore` files.

Used by the walk, the watcher and `explain`. The rules of a directory apply below it and override those above it, as in
git; `.magicfsignore` overrides the `.ignore` beside it, and that the `.gitignore`. A rule with `!` cancels earlier
rules and the built-in ones for the entries that it matches, not for what a matched directory contains. Nothing below
an ignored directory is read. The folders of a Maildir begin with a dot (Maildir++), so the built-in rule for such names
does not hold in one. Only `IgnoreRules.enter` and `rules_for` read the disk. Any thread.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from magicfs.ingest.gitignore import pattern_of_line
from magicfs.linux.files import regular_file_status

log = logging.getLogger(__name__)

RULE_FILES = (b".gitignore", b".ignore", b".magicfsignore")
"""A later one overrides an earlier one. `.ignore` is that of tools that search."""
CACHE_TAG = b"CACHEDIR.TAG"
"""The file by which a program says that a directory is its cache: https://bford.info/cachedir/."""
DECIDING_NAMES = frozenset({*RULE_FILES, CACHE_TAG})
"""The files that decide what is ignored beside and below them."""
_CACHE_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"

MAX_RULE_FILE_BYTES = 1 << 20
"""A larger rule file is not used."""

MAX_RULE_CHARACTERS = 4096
"""No path is longer. Compiling a line of a megabyte takes most of a minute."""

IGNORED_DIRECTORIES = frozenset(
    {
        *(b"node_modules", b"__pycache__", b"venv", b"lost+found", b"System Volume Information"),
        *(b"$RECYCLE.BIN", b"$Recycle.Bin", b"RECYCLER", b"#recycle", b"@Recycle"),
        *(b"@eaDir", b"#snapshot", b"~snapshot", b"@Recently-Snapshot"),
    }
)
"""What programs install, what file systems keep, what was deleted, and thumbnails and old versions made by storage."""
_DISK_IMAGE_ENDINGS = (b".sparsebundle", b".backupbundle")
"""Disk images that macOS and Time Machine keep as directories: thousands of blocks, which are no files of people."""
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
_IN_CACHE = _Rule(os.fsdecode(CACHE_TAG), ignores=True, matches=re.compile("[^/]+/?").fullmatch)
"""Ignores each entry of a cache of a program."""


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
        # What a person has written holds first, wherever it stands. Who makes a root of a cache wants what is in it.
        by_kind = _MAIL_FOLDER if _is_maildir(absolute) else _IN_CACHE if relative and _is_cache(absolute) else None
        built_in = () if by_kind is None else (_Layer(prefix, (by_kind,)),)
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
    return name.startswith(b".") or name in IGNORED_DIRECTORIES or name.lower().endswith(_DISK_IMAGE_ENDINGS)


def _is_maildir(directory: bytes) -> bool:
    return all(os.path.isdir(os.path.join(directory, name)) for name in _MAILDIR)


def _is_cache(directory: bytes) -> bool:
    return next(iter(_read_lines(os.path.join(directory, CACHE_TAG))), "").startswith(_CACHE_SIGNATURE)


def _read_lines(path: bytes) -> list[str]:
    """The lines of a rule file; none when it is no regular file, cannot be read, or is too large."""
    # Most directories have none, and an error of `open` takes three times as long.
    if not os.access(path, os.F_OK):
        return []
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
    pattern = pattern_of_line(line)
    if pattern.regex is None or pattern.include is None:
        return None
    return _Rule(line, pattern.include, pattern.regex.fullmatch)
