"""Groups of file types that people name in `type:`: pictures, sound, film, archives, spreadsheets, mail. Data only."""

from __future__ import annotations

from typing import Final

CODE: Final[dict[str, str]] = {
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
"""The extensions of source code, by the second half of its MIME type: the first one is `text`."""

EXTENSIONS: Final[dict[str, frozenset[str]]] = {
    group: frozenset(extensions.split())
    for group, extensions in {
        "image": """jpg jpeg jpe jfif png gif tif tiff bmp webp heic heif avif jp2 j2k jxl ico icns psd xcf kra svg
                    raw dng cr2 cr3 crw nef nrw arw srf sr2 orf rw2 raf pef srw x3f tga pcx ppm pgm pbm pnm exr hdr""",
        "audio": """mp3 m4a m4b aac flac ogg oga opus wav wave aif aiff aifc wma ape wv mka mid midi amr au caf dsf dff
                    mpc ra spx tta ac3""",
        "video": """mp4 m4v mkv webm mov avi wmv mpg mpeg mpe m2v flv f4v ogv 3gp 3g2 ts mts m2ts vob rm rmvb asf divx
                    mxf dv""",
        "archive": """zip tar gz tgz bz2 tbz tbz2 xz txz zst tzst lz lzma lzo lz4 7z rar cab iso img dmg vhd vhdx vmdk
                      vdi qcow2 jar war ear apk deb rpm cpio ar wim arj lha lzh zipx crx xpi pkg""",
        "font": "ttf otf woff woff2 ttc eot pfb",
        "code": " ".join(CODE.values()),
    }.items()
}
"""Extensions by group. They count where a file's content says nothing else, as that of a file that was not read yet."""

_OFFICE: Final = "vnd.openxmlformats-officedocument"
_OASIS: Final = "vnd.oasis.opendocument"
_EBOOKS: Final = "epub+zip x-mobipocket-ebook x-fictionbook+xml"
MIME_TYPES: Final[dict[str, frozenset[str]]] = {
    group: frozenset(f"application/{kind}" if "/" not in kind else kind for kind in kinds.split())
    for group, kinds in {
        "archive": """zip gzip x-bzip2 x-xz x-lzma x-lz4 zstd x-7z-compressed vnd.rar vnd.ms-cab-compressed x-archive
                      x-cpio x-compress x-lzh-compressed x-rpm x-tar x-iso9660-image java-archive""",
        "document": f"""pdf x-djvu rtf msword {_OFFICE}.wordprocessingml.document {_OASIS}.text x-office-word+xml
                        x-mswrite {_EBOOKS}""",
        "spreadsheet": f"""vnd.ms-excel {_OFFICE}.spreadsheetml.sheet {_OASIS}.spreadsheet x-office-excel+xml text/csv
                           text/tab-separated-values""",
        "presentation": f"vnd.ms-powerpoint {_OFFICE}.presentationml.presentation {_OASIS}.presentation",
        "ebook": _EBOOKS,
        "code": " ".join(f"text/{kind}" for kind in CODE),
        "mail": "message/rfc822 mbox vnd.ms-outlook vnd.ms-outlook-pst ms-tnef",
    }.items()
}
"""The MIME types of groups that are no first half of one."""

_NOTE_EXTENSIONS: Final = "txt md markdown rst adoc asciidoc org"
_EBOOK_EXTENSIONS: Final = "epub mobi azw azw3 prc fb2"
DOCUMENT_EXTENSIONS: Final[dict[str, frozenset[str]]] = {
    group: frozenset(extensions.split())
    for group, extensions in {
        "document": f"""pdf djvu djv docx docm dotx doc dot odt fodt ott rtf pages wpd wps sxw {_EBOOK_EXTENSIONS}
                        {_NOTE_EXTENSIONS} tex typ""",
        "note": f"{_NOTE_EXTENSIONS} enex one",
        "ebook": _EBOOK_EXTENSIONS,
        "code": "ipynb",
        "spreadsheet": "xlsx xlsm xlsb xltx xls ods fods ots numbers csv tsv sxc gnumeric",
        "presentation": "pptx pptm ppsx potx ppt pps odp fodp otp key sxi",
        "mail": "eml emlx msg mbox mbx pst ost",
    }.items()
}
"""Extensions by group whatever the content says: that of many such documents is a container's or plain text's."""

OTHER_NAMES: Final[dict[str, str]] = {
    name: group
    for group, names in {
        "image": "photo picture",
        "audio": "music sound song",
        "video": "movie film",
        "presentation": "slide slideshow",
        "mail": "email e-mail",
        "ebook": "book e-book",
        "code": "source",
        "vcard": "contact",
    }.items()
    for name in names.split()
}
"""Other names of groups and kinds, in the singular."""


def group_named(name: str) -> str:
    """The group that a name in lower case means, in the singular or the plural; the name itself if it is of none."""
    for singular in (name, name.removesuffix("s")):
        group = OTHER_NAMES.get(singular, singular)
        if singular in OTHER_NAMES or any(group in known for known in (EXTENSIONS, MIME_TYPES, DOCUMENT_EXTENSIONS)):
            return group
    return name


PICTURE_EXTENSIONS: Final = EXTENSIONS["image"]
