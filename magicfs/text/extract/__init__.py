"""The text of a file, whatever its format: one seam (`Extractor`), many formats.

The caller opens, reads and hashes the file and hands over its bytes, so that what was hashed is what is
extracted. Formats that are text already are decoded in this process; everything else is parsed by a
disposable child process (`sandbox`). One extractor belongs to one thread.
"""

from magicfs.domain.contents import EXTRACTOR_VERSION
from magicfs.text.extract.extractor import Extractor, FileExtractor
from magicfs.text.extract.limits import Limits

__all__ = ["EXTRACTOR_VERSION", "Extractor", "FileExtractor", "Limits"]
