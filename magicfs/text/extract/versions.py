"""The versions of the readers: files whose reader gives other texts than before are read again, and no others.

Used by `magicfs.pipeline`. A content is stored with the version of its kind, and maintenance queues the files of those
contents whose kind has a higher version by now. Raise the version of a kind here when its reader changes.
"""

from __future__ import annotations

from typing import Final

from magicfs.domain.contents import EXTRACTOR_VERSION

READER_VERSIONS: Final[dict[str, int]] = {
    "application/zip": 22,
    "application/x-ole-storage": 5,
    "application/pdf": 8,
    "application/rtf": 9,
    "application/x-fictionbook+xml": 9,
    **dict.fromkeys(("text/html", "application/xhtml+xml"), 9),
    **dict.fromkeys(("message/*", "application/mbox"), 11),
    **dict.fromkeys(("audio/*", "video/*"), 5),
    "image/*": 6,
    "image/svg+xml": 7,
    **dict.fromkeys(("application/x-tar", "application/gzip", "application/x-bzip2", "application/x-xz"), 6),
    "application/json": 7,
    "text/plain": 11,
    **dict.fromkeys(("text/x-ini", "text/x-bibtex"), 4),
    "application/xml": 11,
    **dict.fromkeys(("text/markdown", "text/x-org"), 5),
    "text/x-tex": 9,
    **dict.fromkeys(("text/x-asciidoc", "text/x-wiki", "text/x-rst"), 6),
    **dict.fromkeys(("text/calendar", "text/vcard"), 5),
    **dict.fromkeys(("text/x-ssa", "application/x-subrip", "text/vtt", "text/x-lrc"), 4),
    "application/x-ipynb+json": 6,
    **dict.fromkeys(("text/css", "text/x-scss", "text/javascript"), 4),
    **dict.fromkeys(("text/x-python", "text/x-perl", "text/troff", "text/x-vue"), 4),
    **dict.fromkeys(("application/yaml", "application/toml", "text/x-java", "text/x-c", "text/x-c++"), 4),
    **dict.fromkeys(("text/x-diff", "text/x-typescript", "text/x-objective-c"), 5),
    **dict.fromkeys(("text/csv", "text/tab-separated-values", "text/x-sql", "text/x-ruby", "text/x-r"), 4),
    **dict.fromkeys(("application/x-mobipocket-ebook", "application/ms-tnef"), 4),
    "text/x-php": 5,
    "text/x-gettext": 8,
}
"""By the MIME type at the beginning of a kind, or by all of its main type. All other kinds have `EXTRACTOR_VERSION`."""


def reader_version(kind: str) -> int:
    """The version of the reader of a kind, such as `application/pdf parse`."""
    mime_type = kind.partition(" ")[0]
    main_type = mime_type.partition("/")[0]
    return max(EXTRACTOR_VERSION, READER_VERSIONS.get(mime_type, 0), READER_VERSIONS.get(f"{main_type}/*", 0))


def newest_version() -> int:
    """The highest version of a reader: that of files of which nothing was read, which may be of any kind."""
    return max(EXTRACTOR_VERSION, *READER_VERSIONS.values())
