"""The names by which directories list their files: on some file systems a path leads to a file by other names too.

Used by the watcher and by `moves`. File systems such as FAT, and many shares, do not tell upper from lower case: when
`photo.jpg` was renamed to `PHOTO.JPG`, `lstat` still finds it by the former name, and an event has the name that a
program wrote to. The index has each file by the name that its directory lists.
"""

from __future__ import annotations

import os
import unicodedata


class ListedNames:
    """The names in directories below a root, each read once: names change, so it lives for one call."""

    def __init__(self, root: bytes) -> None:
        """`root` is the absolute path of the root."""
        self._root = root
        self._names: dict[bytes, dict[bytes, bytes]] = {}

    def spelled(self, path: bytes) -> bytes:
        """A path with its last name as its directory lists it, if only in another case. Looks at the disk.

        Returns the path itself where it is listed, and where the directory has no such name in any case.
        """
        parent, slash, name = path.rpartition(b"/")
        other = _in_other_case(name)
        # One `lstat` tells most names of a file system where case matters, and listing is left out.
        if other == name or not self._leads_anywhere(parent + slash + other):
            return path
        listed = self._listed(parent)
        if name in listed:
            return path
        return parent + slash + listed.get(folded(name), name)

    def has(self, path: bytes) -> bool:
        """Whether each name of a path is listed; True where a directory cannot be listed. Looks at the disk."""
        parent, _, name = path.rpartition(b"/")
        listed = self._listed(parent)
        return (not listed or name in listed) and (not parent or self.has(parent))

    def _leads_anywhere(self, path: bytes) -> bool:
        try:
            os.lstat(os.path.join(self._root, path))
        except OSError:
            return False
        return True

    def _listed(self, directory: bytes) -> dict[bytes, bytes]:
        """The names in a directory by themselves, and by what they are without regard to case."""
        if directory not in self._names:
            try:
                names = os.listdir(os.path.join(self._root, directory))
            except OSError:
                names = []
            self._names[directory] = {folded(name): name for name in names} | {name: name for name in names}
        return self._names[directory]


def folded(path: bytes) -> bytes:
    """A path without regard to case and Unicode form: the same for what such a file system takes for one name."""
    text = unicodedata.normalize("NFD", path.decode("utf-8", "surrogateescape")).casefold()
    return unicodedata.normalize("NFD", text).encode("utf-8", "surrogateescape")


def _in_other_case(name: bytes) -> bytes:
    return name.decode("utf-8", "surrogateescape").swapcase().encode("utf-8", "surrogateescape")
