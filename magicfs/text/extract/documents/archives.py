"""Lists the names in archives, without unpacking them to the disk.

Runs in the child process, called by `document_parser`. Of a compressed archive, as much is decompressed in memory as a
few seconds and the limits allow. Pure functions.
"""

from __future__ import annotations

import contextlib
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import IO, Any, Final

import rarfile

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.compressed_files import DECOMPRESSORS, MAX_UNPACKED_BYTES, name_before_compression
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.plain.charsets import detected_charset
from magicfs.text.extract.plain.plain_text import clean

RAR_TYPE: Final = "application/vnd.rar"

rarfile.RAR_MAX_COMMENT = 0
"""Comments are not read: the library unpacks them with a program, which may not start here."""

MAX_NAMES: Final = 5000
"""The names of an archive that are read, in its own order, before those in archives inside of it."""
_MAX_RAR_BLOCKS: Final = 2 * MAX_NAMES
"""The blocks of a rar archive that are read, of which most are members: the library keeps each in memory."""
_TAR_BLOCK_BYTES: Final = 512
_MAX_DEPTH: Final = 2
"""Archives in archives whose names are read."""
_MAX_INNER_BYTES: Final = 64 << 20
"""The size of an archive in another one whose names are read."""
_INNER_TYPES: Final = {
    **dict.fromkeys((".zip", ".cbz"), "application/zip"),
    **dict.fromkeys((".tar.gz", ".tgz"), "application/gzip"),
    **dict.fromkeys((".tar.bz2", ".tbz2", ".tbz"), "application/x-bzip2"),
    **dict.fromkeys((".tar.xz", ".txz"), "application/x-xz"),
    **dict.fromkeys((".rar", ".cbr"), RAR_TYPE),
    ".tar": "application/x-tar",
}
"""By the ends of their names."""
_UTF8_FLAG: Final = 0x800


def list_archive(content: bytes, mime_type: str, *, parts: FileParts) -> Document | Unreadable | None:
    """The names in an archive, a line each; None if it has none or cannot be read.

    When the time for parts is over, reading ends with the names until then. Of a damaged archive, it ends at the
    damage: what follows is counted as one part.
    """
    names = _Names(parts)
    try:
        _collect_names(names, content, mime_type)
    except (tarfile.TarError, lzma.LZMAError, *DAMAGE):
        parts.add_unread(f"what follows {names.last or 'the beginning'}")
    except rarfile.PasswordRequired:
        return Unreadable(SkipReason.ENCRYPTED, "an archive whose names need a password")
    text = names.text()
    return Document(text=text, mime_type=mime_type) if text else None


class _Names:
    """The names in an archive, by the number of archives inside of it around them."""

    def __init__(self, parts: FileParts) -> None:
        self._by_depth: tuple[dict[str, None], ...] = tuple({} for _ in range(_MAX_DEPTH + 1))
        self._parts = parts

    def has_room(self, depth: int) -> bool:
        """Whether there is room, and time, for one more at this depth."""
        return len(self._by_depth[depth]) < MAX_NAMES and not self._parts.is_time_over

    def add(self, name: str, *, path: str, depth: int) -> None:
        names, shown = self._by_depth[depth], " ".join(clean(path + name).split())
        if name and shown not in names:
            self._parts.add()
            names[shown] = None

    @property
    def last(self) -> str:
        """The last name of the archive itself; empty if it has none."""
        return next(reversed(self._by_depth[0]), "")

    def text(self) -> str:
        """A name a line: all of the archive itself come before those in archives inside of it."""
        return "\n".join(islice(filter(None, chain(*self._by_depth)), MAX_NAMES))


def _collect_names(names: _Names, content: bytes, mime_type: str, *, depth: int = 0, path: str = "") -> None:
    """Add the names in an archive; those in archives inside of it, as far as these are whole, with their path."""
    members: Iterable[tuple[str, Callable[[], bytes]]] = _members(content, mime_type)
    are_at_hand = mime_type == "application/zip"
    if are_at_hand:
        # Before the archives inside of it, which take time.
        members = list(islice(members, MAX_NAMES))
        for name, _ in members:
            names.add(name, path=path, depth=depth)
    for name, read in members:
        if not names.has_room(depth):
            return
        if not are_at_hand:
            names.add(name, path=path, depth=depth)
        inner_type = next((inner for ending, inner in _INNER_TYPES.items() if name.lower().endswith(ending)), None)
        if inner_type and depth < _MAX_DEPTH and names.has_room(depth + 1):
            with contextlib.suppress(tarfile.TarError, lzma.LZMAError, rarfile.PasswordRequired, *DAMAGE):
                _collect_names(names, read(), inner_type, depth=depth + 1, path=f"{path}{name}/")


def _members(content: bytes, mime_type: str) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the name of each member, and what returns its bytes; nothing of one that is large."""
    file: IO[bytes] = io.BytesIO(content)
    if mime_type == "application/zip":
        # Not closed at the end of its names: its members are read after them.
        archive = zipfile.ZipFile(file)
        for member, name in _zip_names(archive.infolist()):
            yield name, partial(archive.read, member) if member.file_size <= _MAX_INNER_BYTES else bytes
        return
    if mime_type == RAR_TYPE:
        yield from ((name, bytes) for name in _rar_names(file))
        return
    if mime_type == "application/gzip":
        yield name_before_compression(content), bytes
    if mime_type in DECOMPRESSORS:
        file = DECOMPRESSORS[mime_type](file)
    elif mime_type != "application/x-tar":
        return
    # As a stream: nothing before a member is read twice.
    stream = _Bounded(file)
    try:
        opened = tarfile.open(fileobj=stream, mode="r|", errorlevel=0)  # noqa: SIM115  closed below
    except tarfile.ReadError:
        return  # a file that was compressed alone
    with opened as tar:
        for entry in tar:
            yield entry.name, partial(_read_entry, tar, entry)
        if stream.is_cut_or_damaged_at(tar.offset):
            raise tarfile.ReadError("the archive ends inside of a member, or in what is none")


def _read_entry(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry) if entry.size <= _MAX_INNER_BYTES else None
    return file.read() if file else b""


class _EnoughError(Exception):
    """Ends the reading of an archive with more members than are read."""


def _rar_names(file: IO[bytes]) -> Iterator[str]:
    """Yield the names in a rar archive, or in one volume of it, until it is damaged.

    Raises `ValueError` at damage, and `rarfile.PasswordRequired` where the names need one.
    """
    blocks: list[Any] = []

    def take(block: Any) -> None:
        blocks.append(block)
        if len(blocks) >= _MAX_RAR_BLOCKS:
            raise _EnoughError

    needs_password = False
    damage: Exception | None = None
    try:
        needs_password = rarfile.RarFile(file, info_callback=take, part_only=True).needs_password()
    except _EnoughError:
        pass
    except (rarfile.Error, ArithmeticError) as error:  # a size beyond any file, too
        damage = error
    names = [block.filename for block in blocks if block.type == rarfile.RAR_BLOCK_FILE]
    yield from names
    if damage is not None:
        raise ValueError(str(damage)) from damage
    if not names and needs_password:
        raise rarfile.PasswordRequired


def _zip_names(members: list[zipfile.ZipInfo]) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    """Yield the members of a zip file with their names.

    Those that do not say that they are UTF-8 are in the charset of some system.
    """
    unmarked = [member.filename.encode("cp437") for member in members if not _is_marked(member)]
    charset = _charset_of(b"\n".join(unmarked[:MAX_NAMES])) if unmarked else ""
    for member in members:
        if _is_marked(member):
            yield member, member.filename
        else:
            yield member, member.filename.encode("cp437").decode(charset, "replace")


def _is_marked(member: zipfile.ZipInfo) -> bool:
    return bool(member.flag_bits & _UTF8_FLAG) or member.filename.isascii()


def _charset_of(names: bytes) -> str:
    """UTF-8, the charset of DOS where all is letters in it, or the one that they are most probably in."""
    for charset in ("utf-8", "cp437"):
        with contextlib.suppress(UnicodeDecodeError):
            text = names.decode(charset)
            if charset == "utf-8" or all(char.isascii() or char.isalpha() for char in text):
                return charset
    return detected_charset(names) or "cp437"


class _Bounded(io.BytesIO):
    """An archive that ends after a gigabyte, as a compressed one may be of any length, and knows where it ended."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._read = 0
        self._last = b""

    def read(self, size: int | None = -1) -> bytes:
        left = MAX_UNPACKED_BYTES - self._read
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        if data:
            self._read += len(data)
            self._last = data
        return data

    def is_cut_or_damaged_at(self, offset: int) -> bool:
        """Whether something else than an end is at the place of the next header, of what was read last."""
        start = offset - (self._read - len(self._last))
        is_cut = offset > self._read and self._read < MAX_UNPACKED_BYTES
        return is_cut or (start >= 0 and any(self._last[start : start + _TAR_BLOCK_BYTES]))
