"""Notices that another OCR is installed than the one that a worker reads with, or that it is gone.

Used by `WorkerServices`, which extract workers ask while they run. While nothing changes, a check takes a fraction of a
millisecond and runs no program. Belongs to one thread.
"""

from __future__ import annotations

import glob
import importlib
import os
import shutil
from typing import Final

from magicfs.text.extract.ocr.ocr_engines import damage_of_rapidocr, find_ocr, ocr_and_problems, rapidocr_folder
from magicfs.text.extract.options import Ocr

_TESSERACT_DATA: Final = (
    *("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tesseract-ocr/tessdata", "/usr/share/tessdata"),
    *("/usr/share/tesseract/tessdata", "/usr/local/share/tessdata", "/opt/*/share/tessdata"),
)
"""Where distributions put the languages of Tesseract, besides the folder that it names itself."""


class OcrChanges:
    """The OCR of this machine over time."""

    def __init__(self) -> None:
        """Find the OCR of this machine. Its problems are logged."""
        before = _signs(None)
        self.ocr = find_ocr()
        """What was found first, with which the worker reads; None without any."""
        self._seen = self.ocr
        # One that comes at this moment is seen at the first check.
        self._signs = _signs(self.ocr) if _signs(None) == before else None

    def check(self) -> bool:
        """Whether another OCR is there now. It must be the same at two checks: an installation takes a while."""
        if self._seen == self.ocr and _signs(self.ocr) == self._signs:
            return False
        before, (self._seen, _) = self._seen, ocr_and_problems()
        self._signs = _signs(self.ocr)
        return self._seen == before != self.ocr


def _signs(ocr: Ocr | None) -> list[object]:
    """What changes when an OCR comes, gets other languages, or goes."""
    # Directories that did not exist at the first check are looked at again.
    importlib.invalidate_caches()
    program, models = shutil.which("tesseract"), rapidocr_folder()
    data = [folder for pattern in _TESSERACT_DATA for folder in glob.glob(pattern)]
    named = [os.environ.get("TESSDATA_PREFIX"), ocr.data_dir if ocr is not None else None]
    return [damage_of_rapidocr(), *(_changed_at(path) for path in (program, models, *named, *data))]


def _changed_at(path: str | None) -> tuple[str, int] | None:
    """A path and when what it names has changed; None if there is nothing."""
    try:
        return (path, os.stat(path).st_ctime_ns) if path else None
    except OSError:
        return None
