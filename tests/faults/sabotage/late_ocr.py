"""rapidocr is not there while the file `hidden` is in the state directory. The worker looks for it often.

The test gives the worker a PATH without Tesseract.
"""

from __future__ import annotations

import os
from pathlib import Path

from magicfs.text.extract.ocr import ocr_changes, ocr_engines
from tasks import services

services.OCR_SECONDS = 0.5
_folder = ocr_engines.rapidocr_folder


def _find_folder() -> str | None:
    return None if (Path(os.environ["MAGICFS_HOME"]) / "hidden").exists() else _folder()


ocr_engines.rapidocr_folder = _find_folder
vars(ocr_changes)["rapidocr_folder"] = _find_folder
