"""Which OCR this machine has: Tesseract where it is installed, else rapidocr.

Used by the composition root and by `magicfs doctor`. The functions run programs, but load no OCR. Any thread.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys

from magicfs.config import PATIENCE_SECONDS
from magicfs.linux.starvation import output_of
from magicfs.text.extract.options import NOBODY, RAPIDOCR_MODELS, Ocr, OcrEngine

log = logging.getLogger(__name__)

PROGRAM_SECONDS = 10.0
"""Programs that say what is installed take milliseconds. What they wait for a processor is not counted."""
_MAX_LANGUAGES = 4
"""Each language makes recognition slower."""

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

_RAPIDOCR = "rapidocr==3.10.0"
"""A release with the models that are used."""
_RAPIDOCR_NEEDS = ("onnxruntime", "cv2", "shapely", "pyclipper", "omegaconf", "requests")


def find_ocr() -> Ocr | None:
    """The OCR that parsers can use, see `ocr_and_problems`. The problems are logged."""
    ocr, problems = ocr_and_problems()
    for problem in problems:
        log.warning("%s", problem)
    return ocr


def ocr_and_problems() -> tuple[Ocr | None, list[str]]:
    """The OCR that parsers can use: Tesseract where it is installed, else rapidocr; None without either.

    And why what is installed cannot be used, a line for each. Whether it starts is not tried.
    """
    problems = []
    tesseract = installed_tesseract()
    unreadable = tesseract and why_parsers_cannot_read(tesseract)
    if unreadable:
        problems.append(f"tesseract does not read text in images: {unreadable}")
    elif tesseract is not None:
        return tesseract, []
    damage = damage_of_rapidocr()
    if damage is not None:
        problems.append(f"rapidocr does not read text in images: {damage}")
    return installed_rapidocr(), problems


def installed_rapidocr() -> Ocr | None:
    """rapidocr, whose models are in its package; None where it is not installed, or not with all that it needs."""
    folder = rapidocr_folder()
    if folder is None or damage_of_rapidocr() is not None:
        return None
    return Ocr(engine=OcrEngine.RAPIDOCR, data_dir=folder)


def has_data(ocr: Ocr) -> bool:
    """Whether the languages or models of an OCR are there: it may be removed, or replaced, while it is used."""
    names = RAPIDOCR_MODELS.values() if ocr.engine is OcrEngine.RAPIDOCR else map(_language_file, ocr.languages)
    return all(os.access(os.path.join(ocr.data_dir, name), os.R_OK) for name in names)


def damage_of_rapidocr() -> str | None:
    """What the installed rapidocr lacks, in one line; None if it lacks nothing, or is not installed."""
    folder = rapidocr_folder()
    if folder is None:
        return None
    for package in _RAPIDOCR_NEEDS:
        if importlib.util.find_spec(package) is None:
            return f"the package {package} is missing: run pip install 'magicfs[ocr]'"
    for name in RAPIDOCR_MODELS.values():
        if not os.access(os.path.join(folder, name), os.R_OK):
            return f"{os.path.join(folder, name)} is missing: run pip install --force-reinstall --no-deps {_RAPIDOCR}"
    return None


def rapidocr_folder() -> str | None:
    """The folder with the models of rapidocr; None where it is not installed."""
    package = importlib.util.find_spec("rapidocr")
    folder = next(iter(package.submodule_search_locations or ()), None) if package is not None else None
    return folder and os.path.join(folder, "models")


def installed_tesseract() -> Ocr | None:
    """The languages that `tesseract` on PATH has; None where it is not installed, fails, or has none."""
    program = shutil.which("tesseract")
    if program is None:
        return None
    try:
        printed = output_of([program, "--list-langs"], seconds=PROGRAM_SECONDS, patience_s=PATIENCE_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("tesseract does not answer, so it reads no text in images: %s", error)
        return None
    return parse_languages(printed)


def why_parsers_cannot_read(ocr: Ocr) -> str | None:
    """What keeps parsers from the languages, in one line; None if nothing does. As root, parsers become nobody."""
    if os.geteuid() != 0:
        return None
    paths = [os.path.join(ocr.data_dir, _language_file(language)) for language in ocr.languages]
    command = [sys.executable, "-ISc", _FIND_UNREADABLE, str(NOBODY), *paths]
    try:
        printed = output_of(command, seconds=PROGRAM_SECONDS, patience_s=PATIENCE_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        return f"whether parsers may read {ocr.data_dir} cannot be found out ({error})"
    if not printed:
        return None
    path = printed.splitlines()[0]
    return f"parsers run as nobody, who may not read {path}: give others access to it and to the folders above it"


def _language_file(language: str) -> str:
    return f"{language}.traineddata"


def parse_languages(output: str) -> Ocr | None:
    """Parse what `tesseract --list-langs` prints: a line with the folder in quotes, then one language a line."""
    folder = re.search(r'"([^"]+)"', output)
    names = [line.strip() for line in output.splitlines()[1:]]
    languages = sorted(name for name in names if re.fullmatch(r"[a-z]{3}(_[a-z]+)?", name) and name != "osd")
    languages.sort(key=lambda name: name != "eng")
    if folder is None or not languages:
        return None
    return Ocr(engine=OcrEngine.TESSERACT, data_dir=folder[1], languages=tuple(languages[:_MAX_LANGUAGES]))
