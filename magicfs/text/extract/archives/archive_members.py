"""Reads the members of archives, one after the other, without unpacking them to the disk.

Runs in the child process, called by `archives`. Of a compressed archive, as much is decompressed in memory as the
limits allow. Pure functions.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, Final

import rarfile

from magicfs.text.extract.archives.compressed_files import DECOMPRESSORS, MAX_UNPACKED_BYTES, name_before_compression
from magicfs.text.extract.archives.library_members import (
    COMPRESS_TYPE,
    LIBRARY_TYPES,
    MAX_MEMBER_BYTES,
    RAR_TYPE,
    has_library,
    library_members,
)
from magicfs.text.extract.archives.member_names import zip_names
from magicfs.text.extract.archives.zip_excerpt import MAX_NAMES

ZIP_TYPE: Final = "application/zip"

rarfile.RAR_MAX_COMMENT = 0
"""Comments are not read: the library unpacks them with a program, which may not start here."""

_MAX_RAR_BLOCKS: Final = 2 * MAX_NAMES
"""The blocks of a rar archive that are read, of which most are members: the library keeps each in memory."""
_TAR_BLOCK_BYTES: Final = 512
_ENCRYPTED_FLAG: Final = 0x1


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive."""

    name: str
    """With the folders in it; that of a folder ends with a slash."""
    read: Callable[[], bytes]
    """Returns its bytes, or none where they cannot be had. Those of a tar archive only until the next member comes."""
    is_large: bool = False
    """Whether it has more bytes than are read."""
    is_encrypted: bool = False
    """Whether its bytes need a password."""


def is_archive(mime_type: str) -> bool:
    """Whether files of a type, other than zip containers, may be archives whose members are read here."""
    if mime_type in {COMPRESS_TYPE, *LIBRARY_TYPES}:
        return has_library()
    return mime_type in DECOMPRESSORS or mime_type in {"application/x-tar", RAR_TYPE}


def members_of(content: bytes, mime_type: str, *, with_files: bool = False) -> Iterator[Member]:
    """Yield the members of an archive, in its own order; of rar with their bytes only where `with_files` says so.

    Raises what its library does where the archive is damaged, and `rarfile.PasswordRequired` where the names need one.
    """
    if mime_type == ZIP_TYPE:
        yield from _zip_members(content)
    elif mime_type in LIBRARY_TYPES or (mime_type == RAR_TYPE and with_files and has_library()):
        for name, size, read in library_members(content, mime_type):
            is_large = size > MAX_MEMBER_BYTES
            yield Member(name, bytes if is_large else read, is_large)
    elif mime_type == RAR_TYPE:
        yield from (Member(name, bytes) for name in _rar_names(io.BytesIO(content)))
    else:
        yield from _tar_members(content, mime_type)


def _zip_members(content: bytes) -> Iterator[Member]:
    # Not closed at the end of its names: its members are read after them.
    archive = zipfile.ZipFile(io.BytesIO(content))
    for member, name in zip_names(archive.infolist()):
        is_large = member.file_size > MAX_MEMBER_BYTES
        is_encrypted = bool(member.flag_bits & _ENCRYPTED_FLAG)
        read = bytes if is_large or is_encrypted else partial(archive.read, member)
        yield Member(name, read, is_large, is_encrypted)


def _tar_members(content: bytes, mime_type: str) -> Iterator[Member]:
    """Yield the members of a tar archive, compressed or not, and the name of a file that was compressed alone."""
    file: IO[bytes] = io.BytesIO(content)
    if mime_type == "application/gzip":
        yield Member(name_before_compression(content), bytes)
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
            yield Member(entry.name, partial(_read_entry, tar, entry), entry.size > MAX_MEMBER_BYTES)
        if stream.is_cut_or_damaged_at(tar.offset):
            raise tarfile.ReadError("the archive ends inside of a member, or in what is none")


def _read_entry(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry) if entry.isreg() and entry.size <= MAX_MEMBER_BYTES else None
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
