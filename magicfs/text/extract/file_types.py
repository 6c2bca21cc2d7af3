"""The tables of file types: signatures, extensions and names, and how each type is read.

Data only, used by `detect`, which has the rules. Add a format here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from magicfs.domain.file_groups import CODE


class Route(StrEnum):
    """How a file is read. The values are stored in `contents.kind`, so they never change."""

    DECODE = "decode"
    """As plain text, in this process."""
    MARKUP = "markup"
    """Decoded in this process, then parsed in the sandbox."""
    PARSE = "parse"
    """Parsed in the sandbox."""
    IMAGE = "image"
    """The sandbox reads what it says of itself, and recognises its text where OCR is installed."""
    MEDIA = "media"
    """Sound or a film: the sandbox reads its tags."""
    ARCHIVE = "archive"
    """The sandbox lists the names in it."""
    BINARY = "binary"
    """Not read: the type holds no text, or there is no reader for it."""
    DAMAGED = "damaged"
    """Not read: the name promises a document, but the first bytes are not those of one."""
    ENCRYPTED = "encrypted"
    """Not read: the file is encrypted as a whole."""


@dataclass(frozen=True, slots=True)
class FileType:
    """A MIME type and how it is read."""

    route: Route
    mime_type: str


RAW_TYPE: Final = "image/x-raw"
"""Raw files of cameras that are not TIFF."""
PHOTOSHOP_TYPE: Final = "image/vnd.adobe.photoshop"
NOT_RECOGNISED: Final = frozenset({"image/svg+xml", RAW_TYPE, PHOTOSHOP_TYPE})
"""Pictures that have no texts to recognise, or are not drawn."""

CPIO_MAGICS: Final = (b"070701", b"070702", b"070707")

SIGNATURES: Final[tuple[tuple[int, bytes, Route, str], ...]] = (
    # offset, bytes, route, MIME type
    (0, b"%PDF-", Route.PARSE, "application/pdf"),
    (0, b"PK\x03\x04", Route.PARSE, "application/zip"),
    (0, b"PK\x05\x06", Route.PARSE, "application/zip"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Route.PARSE, "application/x-ole-storage"),
    (0, b"\xdb\xa5\x2d\0", Route.PARSE, "application/x-word-2"),
    (0, b"\x31\xbe\0\0\0\xab", Route.PARSE, "application/x-mswrite"),
    (0, b"\x32\xbe\0\0\0\xab", Route.PARSE, "application/x-mswrite"),
    (0, b"WARC/1.0\r\n", Route.PARSE, "application/warc"),
    (0, b"WARC/1.1\r\n", Route.PARSE, "application/warc"),
    (0, b"{\\rtf", Route.PARSE, "application/rtf"),
    (0, b"bplist00", Route.PARSE, "application/x-bplist"),
    (0, b"\x78\x9f\x3e\x22", Route.PARSE, "application/ms-tnef"),
    (60, b"BOOKMOBI", Route.PARSE, "application/x-mobipocket-ebook"),
    (60, b"TEXtREAd", Route.PARSE, "application/x-mobipocket-ebook"),
    (0, b"!BDN", Route.PARSE, "application/vnd.ms-outlook-pst"),
    (0, b"\x89PNG\r\n\x1a\n", Route.IMAGE, "image/png"),
    (0, b"\xff\xd8\xff", Route.IMAGE, "image/jpeg"),
    (0, b"GIF87a", Route.IMAGE, "image/gif"),
    (0, b"GIF89a", Route.IMAGE, "image/gif"),
    (0, b"II*\0", Route.IMAGE, "image/tiff"),
    (0, b"MM\0*", Route.IMAGE, "image/tiff"),
    (0, b"\0\0\0\x0cjP  \r\n", Route.IMAGE, "image/jp2"),
    (0, b"\0\0\x01\0", Route.BINARY, "image/vnd.microsoft.icon"),
    (0, b"FUJIFILMCCD-RAW ", Route.IMAGE, RAW_TYPE),
    (0, b"IIRO", Route.IMAGE, RAW_TYPE),
    (0, b"IIRS", Route.IMAGE, RAW_TYPE),
    (0, b"MMOR", Route.IMAGE, RAW_TYPE),
    (0, b"IIU\0", Route.IMAGE, RAW_TYPE),
    (0, b"8BPS\0", Route.IMAGE, PHOTOSHOP_TYPE),
    (0, b"\x1f\x8b", Route.ARCHIVE, "application/gzip"),
    (4, b"1AY&SY", Route.ARCHIVE, "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", Route.ARCHIVE, "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", Route.ARCHIVE, "application/zstd"),
    (0, b"\x04\x22\x4d\x18", Route.ARCHIVE, "application/x-lz4"),
    (0, b"\x5d\0\0", Route.ARCHIVE, "application/x-lzma"),
    (0, b"\x1f\x9d", Route.ARCHIVE, "application/x-compress"),
    (0, b"mozLz40\0", Route.ARCHIVE, "application/x-mozlz4"),
    (0, b"7z\xbc\xaf\x27\x1c", Route.ARCHIVE, "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", Route.ARCHIVE, "application/vnd.rar"),
    (0, b"MSCF\0\0\0\0", Route.ARCHIVE, "application/vnd.ms-cab-compressed"),
    (0, b"!<arch>\n", Route.ARCHIVE, "application/x-archive"),
    (0, b"\xed\xab\xee\xdb", Route.ARCHIVE, "application/x-rpm"),
    *((0, magic, Route.ARCHIVE, "application/x-cpio") for magic in CPIO_MAGICS),
    (257, b"ustar", Route.ARCHIVE, "application/x-tar"),
    (0, b"\x7fELF", Route.BINARY, "application/x-executable"),
    (0, b"\xca\xfe\xba\xbe", Route.BINARY, "application/java-vm"),
    (0, b"\xcf\xfa\xed\xfe", Route.BINARY, "application/x-mach-binary"),
    (0, b"\0asm", Route.BINARY, "application/wasm"),
    (0, b"MZ\x90\0", Route.BINARY, "application/vnd.microsoft.portable-executable"),
    (0, b"SQLite format 3\0", Route.PARSE, "application/vnd.sqlite3"),
    (0, b"ID3\x02", Route.MEDIA, "audio/mpeg"),
    (0, b"ID3\x03", Route.MEDIA, "audio/mpeg"),
    (0, b"ID3\x04", Route.MEDIA, "audio/mpeg"),
    (0, b"\xff\xfb", Route.MEDIA, "audio/mpeg"),
    (0, b"\xff\xf3", Route.MEDIA, "audio/mpeg"),
    (0, b"\xff\xfa", Route.MEDIA, "audio/mpeg"),
    (0, b"\xff\xf1", Route.MEDIA, "audio/aac"),
    (0, b"\xff\xf9", Route.MEDIA, "audio/aac"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Route.MEDIA, "video/x-ms-asf"),
    (0, b"FLV\x01", Route.MEDIA, "video/x-flv"),
    (8, b"AIFF", Route.MEDIA, "audio/aiff"),
    (8, b"AIFC", Route.MEDIA, "audio/aiff"),
    (0, b"MThd\0\0", Route.MEDIA, "audio/midi"),
    (0, b"fLaC\0", Route.MEDIA, "audio/flac"),
    (0, b"OggS\0", Route.MEDIA, "audio/ogg"),
    (0, b"\x1aE\xdf\xa3", Route.MEDIA, "video/x-matroska"),
    (0, b"\0\0\x01\xba", Route.MEDIA, "video/mpeg"),
    (0, b"\x09\0\x04\0", Route.BINARY, "application/vnd.ms-excel"),
    (0, b"\x09\x02\x06\0", Route.BINARY, "application/vnd.ms-excel"),
    (0, b"\x09\x04\x06\0", Route.BINARY, "application/vnd.ms-excel"),
    (0, b"\xffWPC", Route.PARSE, "application/vnd.wordperfect"),
    (0, b"ITSF\x03\0\0\0", Route.PARSE, "application/vnd.ms-htmlhelp"),
    (0, b"AT&TFORM", Route.PARSE, "application/x-djvu"),
    (0, bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"), Route.PARSE, "application/onenote"),
    (4, b"Standard Jet DB\0", Route.PARSE, "application/vnd.ms-access"),
    (4, b"Standard ACE DB\0", Route.PARSE, "application/vnd.ms-access"),
    (0, b"$FL2@(#)", Route.PARSE, "application/x-spss-sav"),
    (0, b"$FL3@(#)", Route.PARSE, "application/x-spss-sav"),
    (0, b"<stata_dta>", Route.PARSE, "application/x-stata-dta"),
    *(
        (0, bytes([version, order, 1, 0]), Route.PARSE, "application/x-stata-dta")
        for version in (113, 114, 115)
        for order in (1, 2)
    ),
    (0, b"wOFF\0", Route.BINARY, "font/woff"),
    (0, b"wOF2\0", Route.BINARY, "font/woff2"),
    (0, b"OTTO\0", Route.BINARY, "font/otf"),
    (0, b"\0\x01\0\0\0", Route.BINARY, "font/ttf"),
)
"""The first signature that matches decides."""

MARKUP_BY_EXTENSION: Final[dict[str, tuple[Route, str]]] = {
    "html": (Route.MARKUP, "text/html"),
    "htm": (Route.MARKUP, "text/html"),
    "xhtml": (Route.MARKUP, "application/xhtml+xml"),
    "xht": (Route.MARKUP, "application/xhtml+xml"),
    "svg": (Route.MARKUP, "image/svg+xml"),
    "xmp": (Route.MARKUP, "application/rdf+xml"),
    "ipynb": (Route.MARKUP, "application/x-ipynb+json"),
    **dict.fromkeys(("drawio", "dio"), (Route.PARSE, "application/vnd.jgraph.mxfile")),
    "fb2": (Route.PARSE, "application/x-fictionbook+xml"),
    "eml": (Route.PARSE, "message/rfc822"),
    "emlx": (Route.PARSE, "message/rfc822"),
    "mht": (Route.PARSE, "message/rfc822"),
    "mhtml": (Route.PARSE, "message/rfc822"),
    "mbox": (Route.PARSE, "application/mbox"),
    "mbx": (Route.PARSE, "application/mbox"),
}
"""Text formats that need a parser. Mail is not decoded first: one message can have several encodings."""

OFFICE_XML: Final = {
    b"wordDocument": "application/x-office-word+xml",
    b"Workbook": "application/x-office-excel+xml",
    b"package": "application/x-office-package+xml",
}
"""Documents of Microsoft Office in one piece of XML, by their root: two of 2003, and a container of later ones."""

DAMAGED_IF_NOT_TEXT: Final[dict[str, str]] = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "epub": "application/epub+zip",
    "rtf": "application/rtf",
    "msg": "application/vnd.ms-outlook",
    **dict.fromkeys(("djvu", "djv"), "application/x-djvu"),
}
"""Documents that begin with a signature. A file of that name without the signature is damaged, unless it is text."""

PARSED_EXTENSIONS: Final = frozenset(
    {
        *("jpg", "jpeg", "png", "gif", "tif", "tiff", "webp", "heic", "bmp"),
        *("mp3", "flac", "ogg", "opus", "m4a", "wav", "mp4", "mov", "mkv", "avi"),
        *("zip", "jar", "tar", "tgz", "gz", "bz2", "xz", "zst", "z", "lzh", "lha", "dbf", "sav", "dta"),
    }
)
"""Usual names of what a signature tells: pictures, sound, films, archives, tables."""

_TEXT: Final = {
    "text/plain": "txt text log me asc nfo", "text/markdown": "md markdown mdown mkd mdx qmd rmd",
    "text/x-rst": "rst", "text/x-org": "org", "text/x-asciidoc": "adoc asciidoc", "text/x-tex": "tex latex sty cls",
    "text/x-bibtex": "bib", "text/csv": "csv", "text/tab-separated-values": "tsv", "text/x-ldif": "ldif",
    "text/x-gedcom": "ged",
    "application/x-enex": "enex", "text/x-mt940": "sta mt940 940", "text/x-qif": "qif", "application/x-ofx": "ofx qfx",
    "text/calendar": "ics vcs ical icalendar ifb", "text/vcard": "vcf vcard",
    "application/x-subrip": "srt", "text/vtt": "vtt", "text/x-lrc": "lrc", "text/x-ssa": "ass ssa",
    "application/json": "json jsonl ndjson geojson topojson json5 jsonc har webmanifest avsc",
    "application/yaml": "yaml yml", "application/toml": "toml",
    "application/xml": "xml xsd xsl xslt rss atom kml gpx plist wsdl opml dbk xlf xliff resx rdf tmx tei xaml fxml"
    " fodt fods fodp stringsdict",
    "text/x-ini": "ini cfg conf env", "text/x-java-properties": "properties", "text/x-strings": "strings",
    "text/troff": "man 1 2 3 4 5 6 7 8", "text/x-gettext": "po pot",
    "text/x-dxf": "dxf", "text/x-typst": "typ", "text/x-wiki": "wiki mediawiki textile",
}  # fmt: skip

TEXT_BY_EXTENSION: Final[dict[str, str]] = {
    extension: mime_type
    for table, prefix in ((CODE, "text/"), (_TEXT, ""))
    for mime_type, extensions in ((prefix + kind, words) for kind, words in table.items())
    for extension in extensions.split()
}
"""Plain text: indexed unchanged, so that line numbers are those that an editor shows."""

TEXT_BY_NAME: Final[dict[bytes, str]] = {
    b"makefile": "text/x-makefile",
    b"gnumakefile": "text/x-makefile",
    b"dockerfile": "text/x-dockerfile",
    b"containerfile": "text/x-dockerfile",
    b"cmakelists.txt": "text/x-cmake",
    b"readme": "text/plain",
    b"license": "text/plain",
}
