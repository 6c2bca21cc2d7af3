"""Extracts the text of a file's bytes, whatever the format, through one interface: `Extractor`.

Used by `magicfs.pipeline`, which opens, reads and hashes the file and passes its bytes on, so that the hash is that of
the extracted bytes. Plain text is decoded in this process; all else is parsed in a child process (`sandbox`). One
extractor belongs to one thread.
"""

from magicfs.text.extract.extractor import Extractor, FileExtractor
from magicfs.text.extract.ocr.ocr_engines import find_ocr
from magicfs.text.extract.options import Limits, Ocr, OcrEngine
from magicfs.text.extract.versions import newest_version, reader_version

__all__ = ["Extractor", "FileExtractor", "Limits", "Ocr", "OcrEngine", "find_ocr", "newest_version", "reader_version"]
