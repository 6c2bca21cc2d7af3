"""Whether text in images can be read on this machine. Asked once, when a worker starts."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
from dataclasses import dataclass

log = logging.getLogger(__name__)

_ANSWER_SECONDS = 10
_MOST_LANGUAGES = 4
"""Each language makes recognition slower; English, if it is there, is always among them."""


@dataclass(frozen=True, slots=True)
class Ocr:
    """Tesseract's data on this machine; the engine itself is part of the extraction library."""

    data_dir: str
    languages: tuple[str, ...]
    """Tesseract's names, such as `eng`, at least one."""


def find_ocr() -> Ocr | None:
    """Ask the `tesseract` on PATH for its languages; None where it is not installed or has none."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, "--list-langs"], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("tesseract does not answer, images are not read: %s", error)
        return None
    return parse_languages(answer.stdout)


def parse_languages(answer: str) -> Ocr | None:
    """Understand what `tesseract --list-langs` prints: a line naming the folder, then a language a line."""
    folder = re.search(r'"([^"]+)"', answer)
    names = [line.strip() for line in answer.splitlines()[1:]]
    languages = sorted(name for name in names if re.fullmatch(r"[a-z]{3}(_[a-z]+)?", name) and name != "osd")
    languages.sort(key=lambda name: name != "eng")
    if folder is None or not languages:
        return None
    return Ocr(data_dir=folder[1], languages=tuple(languages[:_MOST_LANGUAGES]))
