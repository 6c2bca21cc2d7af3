"""Extracts the text of a file's bytes, whatever the format, through one interface: `Extractor`.

Used by `magicfs.pipeline`, which opens, reads and hashes the file and passes its bytes on, so that the hash is that of
the extracted bytes. Plain text is decoded in this process; all else is parsed in a child process (`sandbox`). One
extractor belongs to one thread.
"""

from magicfs.domain.contents import EXTRACTOR_VERSION
from magicfs.text.extract.extractor import Extractor, FileExtractor
from magicfs.text.extract.options import Limits, Ocr, find_ocr

__all__ = ["EXTRACTOR_VERSION", "Extractor", "FileExtractor", "Limits", "Ocr", "find_ocr"]
