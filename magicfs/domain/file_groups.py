"""Groups of file types that people name in `type:`: pictures, sound, film, archives, spreadsheets, mail. Data only."""

from __future__ import annotations

from typing import Final

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
    }.items()
}
"""Extensions by group. They count where a file's content says nothing else, as that of a file that was not read yet."""

_OFFICE: Final = "vnd.openxmlformats-officedocument"
_OASIS: Final = "vnd.oasis.opendocument"
MIME_TYPES: Final[dict[str, frozenset[str]]] = {
    group: frozenset(f"application/{kind}" if "/" not in kind else kind for kind in kinds.split())
    for group, kinds in {
        "archive": """zip gzip x-bzip2 x-xz x-lzma x-lz4 zstd x-7z-compressed vnd.rar vnd.ms-cab-compressed x-archive
                      x-cpio x-compress x-lzh-compressed x-rpm x-tar x-iso9660-image java-archive""",
        "document": f"""pdf x-djvu rtf msword {_OFFICE}.wordprocessingml.document {_OASIS}.text x-office-word+xml
                        x-mswrite""",
        "spreadsheet": f"""vnd.ms-excel {_OFFICE}.spreadsheetml.sheet {_OASIS}.spreadsheet x-office-excel+xml text/csv
                           text/tab-separated-values""",
        "presentation": f"vnd.ms-powerpoint {_OFFICE}.presentationml.presentation {_OASIS}.presentation",
        "mail": "message/rfc822 mbox vnd.ms-outlook vnd.ms-outlook-pst ms-tnef",
    }.items()
}
"""The MIME types of groups that are no first half of one."""

DOCUMENT_EXTENSIONS: Final[dict[str, frozenset[str]]] = {
    group: frozenset(extensions.split())
    for group, extensions in {
        "document": "pdf djvu djv docx docm dotx doc dot odt fodt ott rtf pages wpd wps sxw",
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
        "mail": "email e-mail",
        "vcard": "contact",
    }.items()
    for name in names.split()
}
"""Other names of groups and kinds, in the singular."""


def group_named(name: str) -> str:
    """The group that a name in lower case means, in the singular or the plural; the name itself if it is of none."""
    for singular in (name, name.removesuffix("s")):
        group = OTHER_NAMES.get(singular, singular)
        if group in EXTENSIONS or group in MIME_TYPES or singular in OTHER_NAMES:
            return group
    return name


PICTURE_EXTENSIONS: Final = EXTENSIONS["image"]
