"""The versions of the readers: files whose reader gives other texts than before are read again, and no others.

Used by `magicfs.pipeline`. A content is stored with the version of its kind, and maintenance queues the files of those
contents whose kind has a higher version by now. Raise the version of a kind here when its reader changes.
"""

from __future__ import annotations

from typing import Final

from magicfs.domain.contents import EXTRACTOR_VERSION

RECOGNISED_SINCE: Final = 22
"""The lowest version of the reader of PDF files that has recognised pages as the present one does: these are kept when
such a file is read again. To be raised when pages are recognised better."""

READER_VERSIONS: Final[dict[str, int]] = {
    "* markup": 19,
    "* decode": 62,
    "text/plain": 65,
    "text/x-dxf": 63,
    **dict.fromkeys(("text/x-org", "text/x-asciidoc"), 74),
    **dict.fromkeys(("text/html", "application/xhtml+xml"), 53),
    "application/zip": 83,
    "application/x-ipynb+json": 21,
    **dict.fromkeys(("application/json", "application/xml", "application/yaml", "application/x-ofx"), 50),
    **dict.fromkeys(("text/x-sql", "text/x-tex", "text/x-bibtex", "text/x-lrc"), 50),
    "application/x-ole-storage": 73,
    "application/onenote": 51,
    "application/vnd.wordperfect": 48,
    **dict.fromkeys((f"application/x-office-{kind}+xml" for kind in ("word", "package")), 24),
    "application/x-office-excel+xml": 24,
    **dict.fromkeys(
        (f"application/vnd.oasis.opendocument.{kind}-flat-xml" for kind in ("text", "spreadsheet", "presentation")), 25
    ),
    "application/pdf": 29,
    "application/pkcs7-mime": 73,
    "application/vnd.rar": 79,
    "application/x-7z-compressed": 79,
    "application/rtf": 20,
    "application/x-fictionbook+xml": 14,
    **dict.fromkeys(("text/calendar", "text/vcard"), 36),
    "message/*": 79,
    "application/mbox": 79,
    **dict.fromkeys(("audio/*", "video/*"), 53),
    "image/*": 53,
    "application/rdf+xml": 52,
    "text/x-java-manifest": 46,
    "application/x-tar": 79,
    **dict.fromkeys(("application/gzip", "application/x-bzip2", "application/x-xz", "application/zstd"), 79),
    "application/x-mobipocket-ebook": 7,
    "application/ms-tnef": 73,
    "application/vnd.sqlite3": 8,
    "application/vnd.ms-access": 5,
    **dict.fromkeys(("application/x-spss-sav", "application/x-stata-dta"), 5),
}
"""By the MIME type at the beginning of a kind, by all of its main type, or by all of its `Route`, which texts share.

The highest counts, so a version of one kind of text must be above that of all. Kinds without any have
`EXTRACTOR_VERSION`.
"""


VERSION_OF_UNREAD: Final = 91
"""To be raised when files are read of which nothing was: above all others."""


def reader_version(kind: str) -> int:
    """The version of the reader of a kind, such as `application/pdf parse`."""
    mime_type, _, route = kind.partition(" ")
    main_type = mime_type.partition("/")[0]
    return max(
        EXTRACTOR_VERSION, *(READER_VERSIONS.get(name, 0) for name in (mime_type, f"{main_type}/*", f"* {route}"))
    )


def newest_version() -> int:
    """The version of files that were not read, which may be of any kind."""
    return max(EXTRACTOR_VERSION, VERSION_OF_UNREAD, *READER_VERSIONS.values())
