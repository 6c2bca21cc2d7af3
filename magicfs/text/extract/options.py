"""The options of a parser process: its limits, its walls, and the OCR of this machine.

Used by the composition root, which makes the `FileExtractor`, and on both sides of the sandbox. The functions
about OCR run programs; everything else is data. Any thread.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum

from magicfs.config import Settings

log = logging.getLogger(__name__)

MIB = 1024 * 1024

_TESSERACT_SECONDS = 10
_MAX_LANGUAGES = 4
"""Each language makes recognition slower."""

NOBODY = 65534
"""The user and group that own nothing; parsers become this user where MagicFS runs as root."""

_FIND_UNREADABLE = """
import contextlib, os, sys
nobody = int(sys.argv[1])
with contextlib.suppress(OSError):  # a container may forbid it, to parsers too
    os.setgroups([])
    os.setresgid(nobody, nobody, nobody)
    os.setresuid(nobody, nobody, nobody)
for path in sys.argv[2:]:
    try:
        open(path, "rb").close()
    except OSError:
        print(path)
"""
"""A program that root starts: it prints those of its arguments that nobody cannot read."""


class Wall(StrEnum):
    """What the kernel keeps a parser process from."""

    NETWORK = "network"
    PROGRAMS = "programs"
    PROCESSES = "other processes"
    READING = "reading files"
    WRITING = "writing files"
    ATTRIBUTES = "changing attributes"
    PRIVILEGES = "privileges"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one file and on one child process."""

    seconds: float = 60.0
    """Wall time for one file; then the child is killed."""
    memory_bytes: int = 1024 * MIB
    """Address space that parsing may use beyond that of an idle child."""
    text_bytes: int = 16 * MIB
    """Text beyond this many bytes of UTF-8 is cut off."""
    files_per_child: int = 500
    """A child is replaced after this many files: native libraries leak memory."""
    child_rss_bytes: int = 384 * MIB
    """A child whose resident memory exceeds this after a file is replaced."""
    nice: int = 5
    """Added to the parent's niceness."""

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that the settings ask for."""
        return cls(
            seconds=float(settings.extract_seconds),
            memory_bytes=settings.worker_memory_mb * MIB,
            text_bytes=settings.max_text_mb * MIB,
        )


@dataclass(frozen=True, slots=True)
class Ocr:
    """The Tesseract data on this machine. The engine itself is part of kreuzberg."""

    data_dir: str
    languages: tuple[str, ...]
    """Tesseract's names, such as `eng`; at least one, English first if it is installed."""


def find_ocr() -> Ocr | None:
    """The languages that parsers can use; None where `tesseract` is not installed, fails, or has none for them."""
    ocr = installed_ocr()
    problem = ocr and why_parsers_cannot_read(ocr)
    if problem:
        log.warning("text in images is not read: %s", problem)
        return None
    return ocr


def installed_ocr() -> Ocr | None:
    """The languages that `tesseract` on PATH has; None where it is not installed, fails, or has none."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    try:
        result = subprocess.run(
            [program, "--list-langs"], capture_output=True, text=True, timeout=_TESSERACT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("tesseract does not answer, so text in images is not read: %s", error)
        return None
    return parse_languages(result.stdout)


def why_parsers_cannot_read(ocr: Ocr) -> str | None:
    """What keeps parsers from the languages, in one line; None if nothing does. As root, parsers become nobody."""
    if os.geteuid() != 0:
        return None
    paths = [os.path.join(ocr.data_dir, f"{language}.traineddata") for language in ocr.languages]
    command = [sys.executable, "-ISc", _FIND_UNREADABLE, str(NOBODY), *paths]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_TESSERACT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"whether parsers may read {ocr.data_dir} cannot be found out ({error})"
    if not result.stdout:
        return None
    path = result.stdout.splitlines()[0]
    return f"parsers run as nobody, who may not read {path}: give others access to it and to the folders above it"


def parse_languages(output: str) -> Ocr | None:
    """Parse what `tesseract --list-langs` prints: a line with the folder in quotes, then one language a line."""
    folder = re.search(r'"([^"]+)"', output)
    names = [line.strip() for line in output.splitlines()[1:]]
    languages = sorted(name for name in names if re.fullmatch(r"[a-z]{3}(_[a-z]+)?", name) and name != "osd")
    languages.sort(key=lambda name: name != "eng")
    if folder is None or not languages:
        return None
    return Ocr(data_dir=folder[1], languages=tuple(languages[:_MAX_LANGUAGES]))
