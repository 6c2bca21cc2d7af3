"""The tables of file types: first bytes, extensions and names. Data only; `detect` has the rules."""

from __future__ import annotations

from typing import Final

MAGIC: Final[tuple[tuple[int, bytes, str, str], ...]] = (
    # offset, bytes, route, MIME type
    (0, b"%PDF-", "PARSE", "application/pdf"),
    (0, b"PK\x03\x04", "PARSE", "application/zip"),
    (0, b"PK\x05\x06", "PARSE", "application/zip"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "PARSE", "application/x-ole-storage"),
    (0, b"{\\rtf", "PARSE", "application/rtf"),
    (0, b"!BDN", "PARSE", "application/vnd.ms-outlook-pst"),
    (0, b"\x89PNG\r\n\x1a\n", "IMAGE", "image/png"),
    (0, b"\xff\xd8\xff", "IMAGE", "image/jpeg"),
    (0, b"GIF87a", "IMAGE", "image/gif"),
    (0, b"GIF89a", "IMAGE", "image/gif"),
    (0, b"II*\0", "IMAGE", "image/tiff"),
    (0, b"MM\0*", "IMAGE", "image/tiff"),
    (0, b"\0\0\0\x0cjP  \r\n", "IMAGE", "image/jp2"),
    (0, b"\0\0\x01\0", "BINARY", "image/vnd.microsoft.icon"),
    (0, b"8BPS\0", "BINARY", "image/vnd.adobe.photoshop"),
    (0, b"\x1f\x8b", "ARCHIVE", "application/gzip"),
    (4, b"1AY&SY", "ARCHIVE", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "ARCHIVE", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "ARCHIVE", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "ARCHIVE", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "ARCHIVE", "application/vnd.rar"),
    (0, b"MSCF\0\0\0\0", "ARCHIVE", "application/vnd.ms-cab-compressed"),
    (0, b"!<arch>\n", "ARCHIVE", "application/x-archive"),
    (0, b"\xed\xab\xee\xdb", "ARCHIVE", "application/x-rpm"),
    (257, b"ustar", "ARCHIVE", "application/x-tar"),
    (0, b"\x7fELF", "BINARY", "application/x-executable"),
    (0, b"\xca\xfe\xba\xbe", "BINARY", "application/java-vm"),
    (0, b"\xcf\xfa\xed\xfe", "BINARY", "application/x-mach-binary"),
    (0, b"\0asm", "BINARY", "application/wasm"),
    (0, b"MZ\x90\0", "BINARY", "application/vnd.microsoft.portable-executable"),
    (0, b"SQLite format 3\0", "BINARY", "application/vnd.sqlite3"),
    (0, b"ID3\x02", "BINARY", "audio/mpeg"),
    (0, b"ID3\x03", "BINARY", "audio/mpeg"),
    (0, b"ID3\x04", "BINARY", "audio/mpeg"),
    (0, b"\xff\xfb", "BINARY", "audio/mpeg"),
    (0, b"fLaC\0", "BINARY", "audio/flac"),
    (0, b"OggS\0", "BINARY", "audio/ogg"),
    (0, b"\x1aE\xdf\xa3", "BINARY", "video/x-matroska"),
    (0, b"\0\0\x01\xba", "BINARY", "video/mpeg"),
    (0, b"wOFF\0", "BINARY", "font/woff"),
    (0, b"wOF2\0", "BINARY", "font/woff2"),
    (0, b"OTTO\0", "BINARY", "font/otf"),
    (0, b"\0\x01\0\0\0", "BINARY", "font/ttf"),
)
"""Signatures. A route is the name of a `detect.Route`."""

MARKUP_BY_EXTENSION: Final[dict[str, tuple[str, str]]] = {
    "html": ("MARKUP", "text/html"),
    "htm": ("MARKUP", "text/html"),
    "xhtml": ("MARKUP", "application/xhtml+xml"),
    "xht": ("MARKUP", "application/xhtml+xml"),
    "svg": ("MARKUP", "image/svg+xml"),
    "ipynb": ("MARKUP", "application/x-ipynb+json"),
    "fb2": ("PARSE", "application/x-fictionbook+xml"),
    "eml": ("PARSE", "message/rfc822"),
    "mht": ("PARSE", "message/rfc822"),
    "mhtml": ("PARSE", "message/rfc822"),
}
"""Formats that are text but want a parser. Mail mixes encodings, so it is not decoded beforehand."""

DAMAGED_IF_TEXTLESS: Final[dict[str, str]] = {
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
}
"""Documents that begin with bytes of their own: under such a name, anything else but text is damaged."""

_CODE: Final = {
    "x-python": "py pyi pyw", "x-java": "java", "x-c": "c h", "x-c++": "cc cpp cxx hh hpp hxx", "x-csharp": "cs",
    "javascript": "js mjs cjs jsx", "x-typescript": "ts tsx mts cts", "x-go": "go", "x-rust": "rs", "x-ruby": "rb",
    "x-php": "php", "x-perl": "pl pm", "x-lua": "lua", "x-shellscript": "sh bash zsh fish ksh", "x-swift": "swift",
    "x-kotlin": "kt kts", "x-scala": "scala", "x-haskell": "hs", "x-sql": "sql", "x-r": "r", "x-julia": "jl",
    "x-erlang": "erl", "x-elixir": "ex exs", "x-clojure": "clj cljs", "x-lisp": "el lisp scm", "x-ocaml": "ml mli",
    "x-pascal": "pas", "x-fortran": "f f90 f95", "x-asm": "s asm", "x-dart": "dart", "x-zig": "zig", "x-nim": "nim",
    "x-groovy": "groovy gradle", "x-powershell": "ps1", "x-msdos-batch": "bat cmd", "x-protobuf": "proto",
    "x-objective-c": "m mm", "x-verilog": "v sv", "x-vhdl": "vhd vhdl", "x-cmake": "cmake", "x-makefile": "mk",
    "x-vue": "vue svelte", "x-terraform": "tf hcl", "x-nix": "nix", "css": "css", "x-scss": "scss sass less",
    "x-diff": "diff patch",
}  # fmt: skip

_TEXT: Final = {
    "text/plain": "txt text log me asc nfo", "text/markdown": "md markdown mdown mkd mdx qmd rmd",
    "text/x-rst": "rst", "text/x-org": "org", "text/x-asciidoc": "adoc asciidoc", "text/x-tex": "tex latex sty cls",
    "text/x-bibtex": "bib", "text/csv": "csv", "text/tab-separated-values": "tsv", "text/calendar": "ics",
    "text/vcard": "vcf", "application/x-subrip": "srt", "text/vtt": "vtt", "text/x-ssa": "ass ssa",
    "application/json": "json jsonl ndjson geojson json5 jsonc", "application/yaml": "yaml yml",
    "application/toml": "toml", "application/xml": "xml xsd xsl xslt rss atom kml gpx plist wsdl opml dbk",
    "text/x-ini": "ini cfg conf properties env", "text/troff": "man 1 2 3 4 5 6 7 8", "text/x-gettext": "po pot",
    "application/mbox": "mbox", "text/x-typst": "typ", "text/x-wiki": "wiki mediawiki textile",
}  # fmt: skip

TEXT_BY_EXTENSION: Final[dict[str, str]] = {
    extension: mime_type
    for table, prefix in ((_CODE, "text/"), (_TEXT, ""))
    for mime_type, extensions in ((prefix + kind, words) for kind, words in table.items())
    for extension in extensions.split()
}
"""Formats that are read as they stand, so that their line numbers are those that an editor shows."""

TEXT_BY_NAME: Final[dict[bytes, str]] = {
    b"makefile": "text/x-makefile",
    b"gnumakefile": "text/x-makefile",
    b"dockerfile": "text/x-dockerfile",
    b"containerfile": "text/x-dockerfile",
    b"cmakelists.txt": "text/x-cmake",
    b"readme": "text/plain",
    b"license": "text/plain",
}
