"""The options of a parser process: its limits, its walls, and the OCR that it uses. Data only; any thread.

Used by the composition root, which makes the `FileExtractor`, and on both sides of the sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from magicfs.config import Settings
from magicfs.domain.contents import NO_OCR

MIB = 1024 * 1024

NOBODY = 65534
"""The user and group that own nothing; parsers become this user where MagicFS runs as root."""


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


class OcrEngine(StrEnum):
    """What recognises text in pictures. The first one that is installed is used."""

    TESSERACT = "tesseract"
    RAPIDOCR = "rapidocr"

    @property
    def lesser(self) -> tuple[str, ...]:
        """The names of what this one is used instead of: it reads again what they have read, or could not."""
        engines = list(OcrEngine)
        return (*(str(engine) for engine in engines[engines.index(self) + 1 :]), NO_OCR)


RAPIDOCR_MODELS: Final = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}
"""The file of each step of rapidocr, by the library's name of the step, in its package."""


@dataclass(frozen=True, slots=True)
class Ocr:
    """The OCR that parsers use."""

    engine: OcrEngine
    data_dir: str
    """The folder of Tesseract's languages, or of the models of rapidocr."""
    languages: tuple[str, ...] = ()
    """Tesseract's names, such as `eng`; at least one, English first if it is installed. Empty for rapidocr."""
