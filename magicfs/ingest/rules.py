"""Which files are wanted: built-in rules, and what `.gitignore` and `.magicfsignore` say.

Rules of a directory hold below it and override those above it, as git does it; `.magicfsignore` overrides
`.gitignore` beside it. A rule that begins with `!` takes back an earlier one, the built-in ones included,
but nothing below an ignored directory is looked at. Pure but for `Rules.enter`, which reads the two files.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from magicfs.beneath import regular_file_stat
from magicfs.ingest.patterns import quick_pattern

log = logging.getLogger(__name__)

RULE_FILES = (b".gitignore", b".magicfsignore")
"""In the order in which they are read: a later one overrides an earlier one."""

LARGEST_RULE_FILE = 1 << 20
"""Bytes. A rule file beyond this is none."""

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


@dataclass(frozen=True, slots=True)
class _Layer:
    """The rules that one directory brings. `prefix` is its path below the root, with a slash at the end."""

    prefix: bytes
    spec: GitIgnoreSpec

    def rule(self, index: int | None) -> str:
        """One of its rules, for people."""
        line = str(self.spec.patterns[index or 0].pattern)
        return f"the rule '{line}' of {os.fsdecode(self.prefix) or 'the root'}"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that hold in one directory."""

    layers: tuple[_Layer, ...] = ()

    def enter(self, directory: bytes, *, below: bytes) -> Rules:
        """The rules inside a directory: those here, and those of its own rule files.

        `directory` is its absolute path, `below` its path relative to the root, empty for the root itself.
        """
        lines = [line for name in RULE_FILES for line in _lines(os.path.join(directory, name))]
        if not lines:
            return self
        prefix = below + b"/" if below else b""
        return Rules((*self.layers, _Layer(prefix, _parsed(lines, directory))))

    def ignores(self, path: bytes, *, is_directory: bool) -> bool:
        """Whether a path, relative to the root, is not wanted. Its parents are taken to be wanted."""
        return self.why_ignored(path, is_directory=is_directory) is not None

    def why_ignored(self, path: bytes, *, is_directory: bool) -> str | None:
        """The rule by which a path, relative to the root, is not wanted; None when it is wanted."""
        for layer in reversed(self.layers):
            relative = os.fsdecode(path[len(layer.prefix) :])
            verdict = layer.spec.check_file(relative + "/" if is_directory else relative)
            if verdict.include is not None:
                return layer.rule(verdict.index) if verdict.include else None
        name = path.rpartition(b"/")[2]
        return "a built-in rule for names like this" if _built_in(name, is_directory=is_directory) else None


def _built_in(name: bytes, *, is_directory: bool) -> bool:
    if is_directory:
        return name.startswith(b".") or name in IGNORED_DIRECTORIES
    return unwanted_file(name)


def unwanted_file(name: bytes) -> bool:
    """Whether the built-in rules alone ignore a file of this name."""
    return name[0] == _DOT or name.endswith(IGNORED_ENDINGS) or name in IGNORED_NAMES


def _parsed(lines: list[str], directory: bytes) -> GitIgnoreSpec:
    """The rules in these lines. A line that is none is left out, as git does it."""
    # The other ways in which pathspec can match know neither these expressions nor names that are not UTF-8.
    try:
        return GitIgnoreSpec.from_lines(lines, quick_pattern, backend="simple")
    except (ValueError, re.error):
        rules = [line for line in lines if _is_rule(line, directory)]
        return GitIgnoreSpec.from_lines(rules, quick_pattern, backend="simple")


def _is_rule(line: str, directory: bytes) -> bool:
    try:
        quick_pattern(line)
    except (ValueError, re.error):
        log.warning("%s: %r is no rule", os.fsdecode(directory), line)
        return False
    return True


def _lines(path: bytes) -> list[str]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        if regular_file_stat(descriptor) is None:
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
    return [os.fsdecode(line) for line in content.splitlines()]


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
