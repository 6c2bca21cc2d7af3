"""Recognises text in pictures with rapidocr. Used by `kreuzberg_parser`, in the child process.

The only module that imports rapidocr. Its models are in its package: nothing is downloaded. It reads Latin letters,
Chinese and Japanese. One thread.
"""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image, UnidentifiedImageError

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.linux.process import return_free_memory
from magicfs.text.extract.ocr.reading_order import text_in_order
from magicfs.text.extract.ocr.seen_pictures import as_seen
from magicfs.text.extract.options import RAPIDOCR_MODELS
from magicfs.text.extract.plain.plain_text import clean

_DETECTED_SIDE: Final = 1280
"""The longer side, in pixels, of the picture in which lines are looked for. They are read from the larger one."""
_MAX_SIDE: Final = 2400
"""The longer side of a picture that lines are read from: that of A4 at 200 dpi."""
_MIN_SIDE: Final = 8
"""A picture that is lower or narrower shows no letter; the library would draw it larger, beyond all memory."""
_MIN_SCORE: Final = 0.7
"""Lines that are less certain are those of other scripts, and things that are no text."""

_NO_MEMORY: Final = re.compile(r"bad_alloc|allocat|out of memory", re.IGNORECASE)
_OPTIONS: Final[dict[str, Any]] = {
    "Global.log_level": "critical",
    "Global.use_cls": False,
    "Global.max_side_len": _MAX_SIDE,
    "Global.text_score": _MIN_SCORE,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "Det.limit_type": "max",
    "Det.limit_side_len": _DETECTED_SIDE,
}


class RapidOcr:
    """The models, loaded; some 250 MB."""

    def __init__(self, models: str) -> None:
        """Load the models from a folder. Raises any exception of the library when one is missing."""
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[name] = "1"  # each thread of these libraries takes address space, which is limited
        import cv2
        import numpy as np
        from rapidocr import RapidOCR
        from rapidocr.inference_engine.onnxruntime.main import ONNXRuntimeError

        cv2.setNumThreads(1)
        self._numpy = np
        self._error: type[Exception] = ONNXRuntimeError
        paths = {f"{step}.model_path": str(Path(models) / name) for step, name in RAPIDOCR_MODELS.items()}
        self._recognise: Any = RapidOCR(params=_OPTIONS | paths)
        # The library loads each model when it is used first.
        blank = Image.new("RGB", (320, 48), "white")
        self._lines(blank, detect=True)
        self._lines(blank, detect=False)

    def read_picture(self, content: bytes, mime_type: str) -> Document | Unreadable:
        """The text of a file that is a picture, or why there is none."""
        try:
            text = self.text_of(content)
        except UnidentifiedImageError:
            return Unreadable(SkipReason.NO_TEXT, "a kind of picture that is not opened")
        except (OSError, SyntaxError, ValueError) as error:
            return Unreadable(SkipReason.CORRUPT, str(error))
        return Document(text, mime_type) if text else Unreadable(SkipReason.NO_TEXT)

    def text_of(self, picture: bytes) -> str:
        """The clean text in a picture of any format that Pillow reads, of its first frame; empty if it has none.

        Raises `OSError` or any other exception of Pillow about a damaged picture, and `MemoryError` for a huge one.
        """
        image = _decode(picture)
        if min(image.size) < _MIN_SIDE:
            return ""
        lines = self._lines(image, detect=True)
        return_free_memory()  # hundreds of MB
        return clean(text_in_order(lines))

    def _lines(self, picture: Image.Image, *, detect: bool) -> list[tuple[str, list[tuple[float, float]]]]:
        """The recognised lines with their corners. Without `detect`, the picture is one line, and has no corners."""
        pixels = self._numpy.ascontiguousarray(self._numpy.asarray(picture)[:, :, ::-1])
        try:
            result = self._recognise(pixels, use_det=detect, use_rec=True)
        except self._error as error:
            if _NO_MEMORY.search(str(error)):
                raise MemoryError from error
            raise
        if not detect or result.boxes is None or result.txts is None:
            return []
        return [
            (text, [(float(x), float(y)) for x, y in box])
            for text, box in zip(result.txts, result.boxes, strict=True)
            if any(map(str.isalnum, text))
        ]


def _decode(picture: bytes) -> Image.Image:
    """The picture as a person sees it: upright, on white, and not larger than lines are read from."""
    try:
        image = Image.open(BytesIO(picture))
    except Image.DecompressionBombError as error:
        raise MemoryError from error
    return as_seen(image, max_side=_MAX_SIDE)
