"""The fast path: files are looked up, opened, read and written by the C library of `fastpath/`, without Python.

Used by the table of open files and by the life of a mount. The library is loaded when this package is imported, before
pyfuse3 is, so that pyfuse3 calls its functions in place of libfuse's; it changes nothing until a mount asks for it. It
is built at install. Where it is missing, Python does everything, and opening, reading and writing take longer.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import os
import sys
from array import array
from importlib.machinery import EXTENSION_SUFFIXES
from typing import NamedTuple

from magicfs.fuse.library_interface import (
    INTERFACE,
    KEEP_LISTING,
    NOTED_BYTES,
    SIZES,
    USE_KEPT_LISTING,
    SeenFileStructure,
)

log = logging.getLogger(__name__)


class SeenFile(NamedTuple):
    """Which file Python has seen, and with which content: bytes, and nanoseconds since the epoch."""

    device: int
    number: int
    size: int
    born_ns: int
    mtime_ns: int
    ctime_ns: int


_READ_LISTED = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_uint)
"""Python's lock is not held while a function of this type runs."""
LIBRARY = os.path.join(os.path.dirname(__file__), "_fastpath" + EXTENSION_SUFFIXES[0])


@functools.cache
def load_library() -> ctypes.PyDLL | None:
    """The library; None where it was not built, or of another version, or pyfuse3 was imported before this package.

    Its functions never wait, so they are called with Python's lock held, but for `read_listed`.
    """
    if "pyfuse3" in sys.modules:
        return None
    try:
        # One that does not fit is found by nobody else.
        if not _fits(ctypes.PyDLL(LIBRARY, mode=os.RTLD_LOCAL | os.RTLD_NOW)):
            return None
        return _declared(ctypes.PyDLL(LIBRARY, mode=os.RTLD_GLOBAL | os.RTLD_NOW))
    except (OSError, AttributeError):
        return None


def _fits(library: ctypes.PyDLL) -> bool:
    """Whether the library was built for this Python code. Raises `AttributeError` if it cannot say that."""
    library.fast_path_fits.argtypes, library.fast_path_fits.restype = (ctypes.c_uint,) * (1 + len(SIZES)), ctypes.c_bool
    return bool(library.fast_path_fits(INTERFACE, *SIZES))


def _declared(library: ctypes.PyDLL) -> ctypes.PyDLL:
    """The library with the types of its functions. Raises `AttributeError` if it lacks one."""
    number, flag = ctypes.c_uint64, ctypes.c_bool
    library.fast_path_enable.restype = None
    library.fast_path_add.argtypes, library.fast_path_add.restype = (number, ctypes.c_int, flag, flag), flag
    library.fast_path_remove.argtypes, library.fast_path_remove.restype = (number,), flag
    library.fast_path_take_written.argtypes, library.fast_path_take_written.restype = (number,), flag
    text, seen = ctypes.c_char_p, ctypes.POINTER(SeenFileStructure)
    library.fast_path_remember.argtypes = (number, text, text, seen, flag)
    library.fast_path_remember.restype = None
    library.fast_path_leave_written.argtypes, library.fast_path_leave_written.restype = (text, text, text), number
    library.fast_path_forget.argtypes, library.fast_path_forget.restype = (number,), None
    library.fast_path_opened.argtypes, library.fast_path_opened.restype = (number,), number
    library.fast_path_hand_over.argtypes = (number, ctypes.POINTER(number))
    library.fast_path_hand_over.restype = ctypes.c_int
    library.fast_path_expire.argtypes, library.fast_path_expire.restype = (ctypes.c_double,), ctypes.c_uint
    library.fast_path_served.argtypes, library.fast_path_served.restype = (), ctypes.c_ulong
    count, address = ctypes.c_uint, ctypes.c_void_p
    library.fast_path_prepare_entries.argtypes = (text, address, address, address, count, number)
    library.fast_path_prepare_entries.restype = None
    library.fast_path_added_entries.argtypes, library.fast_path_added_entries.restype = (), count
    library.fast_path_remember_listed.argtypes = (text, text, text, address, address, count)
    library.fast_path_remember_listed.restype = None
    library.fast_path_lacks_directory.argtypes, library.fast_path_lacks_directory.restype = (number,), flag
    library.fast_path_serve.argtypes = (number, text, text, number, number, ctypes.c_int64)
    library.fast_path_serve.restype = None
    for function in (library.fast_path_claim, library.fast_path_release, library.fast_path_assign):
        function.argtypes, function.restype = (number,), None
    library.fast_path_names_have_changed.argtypes, library.fast_path_names_have_changed.restype = (), None
    library.fast_path_take_noted.argtypes, library.fast_path_take_noted.restype = (address,), ctypes.c_size_t
    library.fast_path_number.argtypes = (number, number, ctypes.c_int64)
    library.fast_path_number.restype = number
    _READ_LISTED(("fast_path_read_listed", library))
    return library


_NOTED = ctypes.create_string_buffer(NOTED_BYTES)


class FastPath:
    """What Python asks of the library, or of nothing: then no file is taken over. Belongs to the event loop."""

    def __init__(self) -> None:
        self._library: ctypes.PyDLL | None = None

    def enable(self) -> None:
        """Serve the next mount of this process; without the library, say so in the log."""
        self._library = load_library()
        if self._library is None:
            problem = "is of another version" if os.path.exists(LIBRARY) else "was not built"
            log.warning("%s %s: opening, reading and writing take longer: install MagicFS anew", LIBRARY, problem)
        else:
            self._library.fast_path_enable()

    def add(self, number: int, descriptor: int, *, writes: bool, clears_set_id: bool) -> bool:
        """Take over the reading and writing of an open file with that handle number; False if Python has to do it.

        The file must be on a local file system. `writes` and `clears_set_id` are those of `RealHandle`.
        """
        library = self._library
        return library is not None and bool(library.fast_path_add(number, descriptor, writes, clears_set_id))

    def remove(self, number: int) -> bool:
        """Leave a file to Python again. True if a call hangs with its descriptor, which is closed after that."""
        return self._library is not None and bool(self._library.fast_path_remove(number))

    def take_written(self, number: int) -> bool:
        """Whether a file was written to since this was asked last."""
        return self._library is not None and bool(self._library.fast_path_take_written(number))

    def remember(self, inode: int, root: bytes, path: bytes, seen: SeenFile, *, has_pages: bool) -> None:
        """Open a file to read, and read its attributes, without Python while it is as seen at that path below a root.

        The file must be on a local file system. With `has_pages` the kernel may keep the pages that it has of it, which
        are of that content; otherwise it drops them with the first opening, unless it was known to be the same before.
        """
        if self._library is not None:
            self._library.fast_path_remember(inode, root, path, ctypes.byref(SeenFileStructure(*seen)), has_pages)

    def forget(self, inode: int) -> None:
        """Leave a file, or the names in a directory, to Python until it is seen again."""
        if self._library is not None:
            self._library.fast_path_forget(inode)

    def leave_written(self, directory: tuple[bytes, bytes], name: bytes) -> int:
        """Leave a file to Python that a program has closed that had it open to write, until it is seen again.

        `directory` is a root and a path below it. Returns the inode number; 0 if it is not known for certain.
        """
        return 0 if self._library is None else int(self._library.fast_path_leave_written(*directory, name))

    def opened(self, inode: int) -> int | None:
        """The handle number of a file with that inode that was opened without Python; None if there is none."""
        return (self._library.fast_path_opened(inode) or None) if self._library is not None else None

    def hand_over(self, number: int) -> tuple[int, int]:
        """The inode and the descriptor of a file that was opened without Python, which closes it from now on.

        Raises `KeyError` if there is none with that handle number.
        """
        inode = ctypes.c_uint64()
        descriptor = -1 if self._library is None else self._library.fast_path_hand_over(number, ctypes.byref(inode))
        if descriptor < 0:
            raise KeyError(number)
        return inode.value, descriptor

    def kept_listing(self, number: int, *, is_known: bool) -> int:
        """The reply for an open directory with that handle number whose listing the kernel may keep.

        With `is_known` it may use the one that it has kept.
        """
        if self._library is None:
            return number
        return number | KEEP_LISTING | (USE_KEPT_LISTING if is_known else 0)

    @property
    def is_loaded(self) -> bool:
        """Whether the library serves the mount.

        Then entries of a listing may be names alone, without a node, and its files are read and added to a reply many
        at a time; and requests to write are marked `OF_PAGES`, where else any may be one of those.
        """
        return self._library is not None

    def read_listed(self, directory: int, names: bytes, files: ctypes.Array[ctypes.c_char], count: int) -> None:
        """Read what an open directory has under `count` names, each with a zero at its end, into `files`. May block."""
        if self._library is not None:
            _READ_LISTED(("fast_path_read_listed", self._library))(directory, names, files, count)

    def prepare_entries(
        self, names: bytes, files: int, numbers: array[int], seconds: array[float], position: int
    ) -> None:
        """Prepare the entries for which the next one of a reply stands whose generation is `SEVERAL_ENTRIES`.

        They are of the files at that address. The kernel gets these inode numbers, and may keep each for so many
        seconds. `position` is that after the first.
        """
        if self._library is not None:
            self._library.fast_path_prepare_entries(
                names, files, numbers.buffer_info()[0], seconds.buffer_info()[0], len(numbers), position
            )

    def added_entries(self) -> int:
        """How many of the prepared entries the reply had room for."""
        return 0 if self._library is None else int(self._library.fast_path_added_entries())

    def remember_listed(
        self, directory: tuple[bytes, bytes], names: bytes, files: int, numbers: array[int], count: int
    ) -> None:
        """Do what `remember` does for the plain ones of `count` files in a directory: a root and a path below it."""
        if self._library is not None:
            self._library.fast_path_remember_listed(*directory, names, files, numbers.buffer_info()[0], count)

    def lacks_directory(self, inode: int) -> bool:
        """Whether plain files of a directory could be looked up without Python if `serve` said where it is."""
        return self._library is not None and bool(self._library.fast_path_lacks_directory(inode))

    def serve(self, inode: int, place: tuple[bytes, bytes], file: tuple[int, int], born_ns: int) -> None:
        """Look up plain files without Python in a directory while it is at its place: a root and a path below it.

        `file` is its device and inode number. It must be on a local file system.
        """
        if self._library is not None:
            self._library.fast_path_serve(inode, *place, *file, born_ns)

    def claim(self, number: int) -> None:
        """Leave look-ups of files to Python whose inode numbers begin like this one, until it is released as often."""
        if self._library is not None:
            self._library.fast_path_claim(number)

    def release(self, number: int) -> None:
        """Take a claim back."""
        if self._library is not None:
            self._library.fast_path_release(number)

    def assign(self, number: int) -> None:
        """Leave look-ups of such files to Python until this is called for another number."""
        if self._library is not None:
            self._library.fast_path_assign(number)

    def names_have_changed(self) -> None:
        """Leave look-ups to Python that have begun before: they may have found what was removed or renamed since."""
        if self._library is not None:
            self._library.fast_path_names_have_changed()

    def take_noted(self) -> bytes:
        """What was looked up without Python since this was asked last: records of `looked_up.py`."""
        if self._library is None:
            return b""
        size = self._library.fast_path_take_noted(ctypes.addressof(_NOTED))
        return ctypes.string_at(_NOTED, size) if size else b""

    def expire(self, seconds: float) -> int:
        """Answer requests that have taken longer with `ETIMEDOUT`, and return how many there were."""
        return 0 if self._library is None else int(self._library.fast_path_expire(seconds))

    def served(self) -> int:
        """How many requests Python had nothing to do with."""
        return 0 if self._library is None else int(self._library.fast_path_served())


FAST_PATH = FastPath()
"""The fast path of this process: pyfuse3 too can serve one mount only."""
