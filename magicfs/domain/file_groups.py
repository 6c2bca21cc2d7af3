"""Groups of file types that people name in `type:`: pictures, sound, film, archives. Data only."""

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

ARCHIVE_MIME_TYPES: Final = frozenset(
    f"application/{kind}"
    for kind in (
        *("zip", "gzip", "x-bzip2", "x-xz", "zstd", "x-7z-compressed", "vnd.rar", "vnd.ms-cab-compressed"),
        *("x-archive", "x-rpm", "x-tar", "x-iso9660-image", "java-archive"),
    )
)
"""The MIME types of archives, which are of no group by their first half."""

PICTURE_EXTENSIONS: Final = EXTENSIONS["image"]
