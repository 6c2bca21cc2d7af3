"""What the index has of a file's path: as text, its extension, its words, and the form that filters compare.

Used by the scan for new files, and by maintenance for those of an older version. Pure; any thread.
"""

from __future__ import annotations

from magicfs.domain.files import FileName
from magicfs.text.analysis import analyze_path, fold

_SLASH = "/"
_FRACTION_SLASH = "\u2044"
"""What stands for a slash that folding makes of another character, such as a fullwidth one: it divides no path."""


def file_name(path: bytes) -> FileName:
    """What the index has of a path. Bytes that are not UTF-8 are replaced."""
    display = path.decode("utf-8", "replace")
    folded = fold_path(display)
    stem, dot, extension = folded.rpartition(_SLASH)[2].rpartition(".")
    # Directories one by one: a path as one compound has half as many words again, which nobody types as they are.
    directories, slash, own_name = display.rpartition(_SLASH)
    return FileName(
        display=display,
        extension=extension if dot and stem else "",
        words=analyze_path(directories.replace(_SLASH, " ") + slash + own_name),
        folded=folded,
    )


def fold_path(path: str) -> str:
    """The folded form of a path, or of a typed part of one: without case, accents, and forms of Unicode."""
    if path.isascii():
        return path.lower()
    return _SLASH.join(fold(name).replace(_SLASH, _FRACTION_SLASH) for name in path.split(_SLASH))
