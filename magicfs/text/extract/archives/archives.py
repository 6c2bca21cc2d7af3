"""Reads archives: the names in them, and the texts of the files in small ones.

Runs in the child process, called by `document_parser`; `files_inside` reads the files in them. Nothing is unpacked to
the disk: `archive_members` decompresses in memory. Pure functions.
"""

from __future__ import annotations

import contextlib
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, chain, islice
from typing import Final

import rarfile

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.archives.archive_members import ZIP_TYPE, Member, is_archive, members_of
from magicfs.text.extract.archives.compressed_files import DAMAGE_OF_COMPRESSED
from magicfs.text.extract.archives.library_members import COMPRESS_TYPE, CUT_ZIP_TYPE, RAR_TYPE, TooManyBytesError
from magicfs.text.extract.archives.zip_excerpt import MAX_NAMES, MAX_READ_MEMBERS
from magicfs.text.extract.documents.file_parts import WHAT_FOLLOWS, FileParts
from magicfs.text.extract.mail.mail_pictures import AttachedPictures
from magicfs.text.extract.pdf.page_texts import PAGE_SEPARATOR
from magicfs.text.extract.plain.plain_text import clean

_MAX_DEPTH: Final = 2
"""Archives in archives whose names are read."""
_MAX_DEPTH_OF_TEXTS: Final = 1
"""Archives in archives whose files are read."""
_INNER_TYPES: Final = {
    **dict.fromkeys((".zip", ".cbz"), ZIP_TYPE),
    **dict.fromkeys((".tar.gz", ".tgz"), "application/gzip"),
    **dict.fromkeys((".tar.bz2", ".tbz2", ".tbz"), "application/x-bzip2"),
    **dict.fromkeys((".tar.xz", ".txz"), "application/x-xz"),
    **dict.fromkeys((".tar.zst", ".tzst"), "application/zstd"),
    **dict.fromkeys((".tar.lzma", ".tlz"), "application/x-lzma"),
    ".tar.lz4": "application/x-lz4",
    **dict.fromkeys((".tar.z", ".taz"), COMPRESS_TYPE),
    **dict.fromkeys((".rar", ".cbr"), RAR_TYPE),
    **dict.fromkeys((".7z", ".cb7"), "application/x-7z-compressed"),
    **dict.fromkeys((".lzh", ".lha"), "application/x-lzh-compressed"),
    ".tar": "application/x-tar",
}
"""By the ends of their names."""
_DATA_OF_SYSTEMS: Final = re.compile(r"(?:.*/)?(?:__MACOSX/.*|\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)", re.DOTALL)
"""What file managers put into archives beside the files of people."""
_PACKAGE: Final = re.compile(
    r"META-INF/MANIFEST\.MF|AndroidManifest\.xml|package/package\.json|(?:.*/)?(?:PKG-INFO|\.PKGINFO)"
    r"|[^/]+\.dist-info/RECORD|[^/]+\.nuspec|extension\.vsixmanifest|Payload/.*",
    re.DOTALL,
)
"""What tells that an archive is a package of a program: it is not read, as programs are not."""
_DAMAGE: Final = (tarfile.TarError, *DAMAGE_OF_COMPRESSED)


def read_archive(
    content: bytes,
    mime_type: str,
    *,
    parts: FileParts,
    max_characters: int,
    pictures: AttachedPictures | None = None,
    is_outermost: bool = True,
) -> Document | Unreadable | None:
    """The names in an archive, a line each, then the texts of its files, if they are few, a page each.

    `pictures` gathers those in its files: a file that has any is a page too, and theirs where the archive is the
    outermost file. None if it has no name or cannot be read. When the time for parts is over, or there are
    `max_characters`, reading ends with what was read until then. Of a damaged archive, the names end at the damage:
    what follows is counted as one part.
    """
    names = _Names(parts)
    cut: SkipReason | None = None
    try:
        _collect_names(names, content, mime_type)
    except _DAMAGE as damage:
        cut = _reason_of(damage)
    except rarfile.PasswordRequired:
        return Unreadable(SkipReason.ENCRYPTED, "an archive whose names need a password")
    if not names.count:
        if cut is not None:
            parts.add_unread(f"{WHAT_FOLLOWS}the beginning", cut)
        return None
    texts = _Texts(names, parts, max_characters, pictures, begin=pictures.begin if pictures and is_outermost else None)
    if names.count <= MAX_READ_MEMBERS and not names.are_of_package():
        try:
            texts.read(members_of(content, mime_type, with_files=True))
        except rarfile.PasswordRequired:
            parts.add_unread("the files in it", SkipReason.ENCRYPTED)
        except _DAMAGE as damage:
            cut = cut or _reason_of(damage)
    if cut is not None:
        parts.add_unread(WHAT_FOLLOWS + names.last, cut)
    parts.add(names.count - texts.count)
    pages = [page.rstrip() + PAGE_SEPARATOR for page in (names.text(), *texts.pages)]
    page_starts = tuple(accumulate(map(len, pages)))[:-1]
    stated_type = ZIP_TYPE if mime_type == CUT_ZIP_TYPE else mime_type
    return Document(text="".join(pages).rstrip(), mime_type=stated_type, page_starts=page_starts)


def _reason_of(damage: Exception) -> SkipReason:
    """Why what follows in an archive is not read."""
    return SkipReason.TOO_LARGE if isinstance(damage, TooManyBytesError) else SkipReason.CORRUPT


class _Names:
    """The names in an archive, by the number of archives inside of it around them."""

    def __init__(self, parts: FileParts) -> None:
        self._by_depth: tuple[dict[str, None], ...] = tuple({} for _ in range(_MAX_DEPTH + 1))
        self._parts = parts

    def has_room(self, depth: int) -> bool:
        """Whether there is room, and time, for one more at this depth."""
        return len(self._by_depth[depth]) < MAX_NAMES and not self._parts.is_time_over

    def add(self, name: str, *, path: str, depth: int) -> None:
        if name:
            self._by_depth[depth][" ".join(clean(path + name).split())] = None

    def are_of_package(self, path: str = "", *, depth: int = 0) -> bool:
        """Whether the archive itself, or one inside of it, is a package of a program."""
        path = " ".join(clean(path).split())
        names = (name.removeprefix(path) for name in self._by_depth[depth] if name.startswith(path))
        return any(map(_PACKAGE.fullmatch, names))

    @property
    def count(self) -> int:
        return sum(map(len, self._by_depth))

    @property
    def last(self) -> str:
        """The last name of the archive itself; empty if it has none."""
        return next(reversed(self._by_depth[0]), "")

    def text(self) -> str:
        """A name a line: all of the archive itself come before those in archives inside of it."""
        return "\n".join(islice(filter(None, chain(*self._by_depth)), MAX_NAMES))


def _collect_names(names: _Names, content: bytes, mime_type: str, *, depth: int = 0, path: str = "") -> None:
    """Add the names in an archive; those in archives inside of it, as far as these are whole, with their path."""
    members: Iterable[Member] = members_of(content, mime_type)
    are_at_hand = mime_type == ZIP_TYPE
    if are_at_hand:
        # Before the archives inside of it, which take time.
        members = list(islice(members, MAX_NAMES))
        for member in members:
            names.add(member.name, path=path, depth=depth)
    for member in members:
        if not names.has_room(depth):
            return
        if not are_at_hand:
            names.add(member.name, path=path, depth=depth)
        inner_type = _inner_type(member.name)
        if inner_type and depth < _MAX_DEPTH and names.has_room(depth + 1):
            with contextlib.suppress(rarfile.PasswordRequired, *_DAMAGE):
                _collect_names(names, member.read(), inner_type, depth=depth + 1, path=f"{path}{member.name}/")


def _inner_type(name: str) -> str | None:
    """The type of a member that is an archive; None for any other."""
    found = next((inner for ending, inner in _INNER_TYPES.items() if name.lower().endswith(ending)), None)
    return found if found == ZIP_TYPE or (found is not None and is_archive(found)) else None


class _Texts:
    """The texts of the files in an archive, and in archives inside of it."""

    def __init__(
        self,
        names: _Names,
        parts: FileParts,
        max_characters: int,
        pictures: AttachedPictures | None,
        *,
        begin: Callable[[int], None] | None,
    ) -> None:
        self._names = names
        self._parts = parts
        self._left = max_characters
        self._pictures = pictures
        self._begin = begin
        self.pages: list[str] = []
        """The name and the text of each file that has one, or pictures."""
        self.count = 0
        """The files that were counted as parts."""

    def read(self, members: Iterator[Member], *, depth: int = 0, path: str = "") -> None:
        """Read one after the other, until the time for parts is over, or the archive is damaged."""
        for member in members:
            if self._pictures is not None and self._pictures.keeps_bytes and self._pictures.is_full:
                return
            if _DATA_OF_SYSTEMS.fullmatch(member.name):
                continue
            if self._left <= 0 or self._parts.is_time_over:
                self._parts.add_unread(f"the text of {path}{member.name} and what follows", SkipReason.TIMEOUT)
                return
            inner_type = _inner_type(member.name)
            if inner_type is None:
                self._read_member(member, path)
            elif depth < _MAX_DEPTH_OF_TEXTS:
                self._read_inner(member, inner_type, depth=depth + 1, path=f"{path}{member.name}/")

    def _read_inner(self, member: Member, inner_type: str, *, depth: int, path: str) -> None:
        """Read the files in an archive inside, as far as it is whole."""
        if not self._names.are_of_package(path, depth=depth):
            with contextlib.suppress(rarfile.PasswordRequired, *_DAMAGE):
                self.read(members_of(member.read(), inner_type, with_files=True), depth=depth, path=path)

    def _read_member(self, member: Member, path: str) -> None:
        name = path + member.name
        if member.is_large:
            self._add_unread(name, SkipReason.TOO_LARGE)
            return
        if member.is_encrypted:
            self._add_unread(name, SkipReason.ENCRYPTED)
            return
        try:
            content = member.read()
        # Where a tar archive is damaged, it ends: that is counted with its names.
        except DAMAGE_OF_COMPRESSED:
            self._add_unread(name, SkipReason.CORRUPT)
            return
        if not content:
            return
        self.count += 1
        text, has_pictures = self._read_file(content, member.name.rpartition("/")[2].encode("utf-8", "replace"))
        if text or has_pictures:
            self._left -= len(text)
            self.pages.append(f"{' '.join(clean(name).split())}\n\n{text}")

    def _read_file(self, content: bytes, name: bytes) -> tuple[str, bool]:
        """The text of a file, and whether pictures of it were gathered."""
        if self._pictures is None:
            return self._parts.read(content, name), False
        before = self._pictures.count
        if self._begin is not None:
            self._begin(1 + len(self.pages))
        return self._parts.read(content, name), self._pictures.count > before

    def _add_unread(self, name: str, reason: SkipReason) -> None:
        self.count += 1
        self._parts.add_unread(name, reason)
