"""The charsets of texts that are not Unicode: the one that a name means, and the one that bytes are most probably in.

Used by `plain_text`, and by others for names, tags and old documents. Two detectors are asked: `chardet`, which knows
the code pages of DOS and of the Macintosh too, and takes a few letters for one of them; and the one of Firefox, which
knows those of the web alone, and those of East Asia best. Pure functions; any thread.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

import chardet
from chardet.enums import EncodingEra
from chardetng_py import detect as detect_of_web

from magicfs.text.extract.plain.capitals import charset_of_capitals
from magicfs.text.extract.plain.plausibility import OF_TWO_BYTES, Plausibility

_DETECTION_BYTES: Final = 256 * 1024
"""The length of the part that the detectors get: more than they need, and they read a gigabyte in two minutes."""
_ERAS: Final = EncodingEra.ALL & ~EncodingEra.MAINFRAME
"""The charsets that are looked for: those of mainframes have letters where all others have signs."""
_NOT_LOOKED_FOR: Final = (
    *("utf-8", "utf-8-sig", "utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
    *("iso8859-4", "iso8859-10", "iso8859-14", "iso8859-16", "hp-roman8", "cp856", "cp1006"),
)
"""Those of Unicode, which are known before, and those that hardly a file is in, which are near to usual ones."""
_CONTROLS_AS_BLANKS: Final = bytes(byte if byte >= ord(" ") or byte in b"\t\n\r" else ord(" ") for byte in range(256))
"""Colours, separators and the ends of cells, with which `chardet` takes a text for no text, say nothing of letters."""
_BEFORE_FIRST: Final = 64
"""Bytes before the first one beyond ASCII, so that its line is not cut."""
_SURE: Final = 0.12
"""The confidence of `chardet` below which a text has too few letters to tell a usual charset from a rare one."""
_MEANS_USUAL: Final = frozenset({"cp1252", "iso8859-4"})
"""What the detector of the web says of few letters in the usual charset; the second one is hardly ever in use."""
_COPYRIGHT: Final = re.compile(
    rb"((?:copyright|\(c\)) {0,2})\xa9|(?<![\x80-\xff])\xa9(?= {0,2}(?:19|20)\d\d)", re.IGNORECASE
)
"""The sign of a copyright, which stands at the same place in all charsets of Windows and of the Macintosh."""

_LEGACY: Final = re.compile(
    r"(iso-?8859|latin|windows|cp\d|koi8|shift|sjis|ms932|euc|ks_?c|gb|big5|mac|iso-2022|johab|tis-?620|ibm\d)",
    re.IGNORECASE,
)
"""Names of legacy charsets. Other declared names are ignored: `utf-8`, because decoding as UTF-8 has failed, and codecs
of Python that are no charsets, such as `zip`."""

_DIRECTION: Final = re.compile("(?<=8859-[68])-[ie]$", re.IGNORECASE)
"""What names of Hebrew and Arabic charsets say about the order of letters."""

_WINDOWS_SUPERSETS: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
    "big5": "big5hkscs",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
}
"""The encoding that software writes under a charset's name: a superset of it. Browsers decode the same way."""

_SIGNS: Final = re.compile(
    rb"""
      (?<![A-Za-z\x80-\xff]) [\x80\x91\x93\xa7\xa9\xb0\xb1\xb5\xbc-\xbe] (?![\x80-\xff])  # before words and numbers
    | (?<![A-Za-z\x80-\xff]) \xa3 (?![\x80-\xff]|[A-Za-z]{3})
    | (?<=[A-Za-z.,!?'"]) [\x85\x92\x94\x99\xae] (?![A-Za-z\x80-\xff])                       # after words
    | (?<=[a-z]) \x92 (?=(?:s|t|re|ve|ll|d|m)\b)
    | (?<=[mM]) [\xb2\xb3] (?![A-Za-z\x80-\xff])
    | (?<=\s) [\x95-\x97\xb7\xd7] (?=\s)
    | (?<=[0-9]) [\x96\x97\xd7] (?=[0-9])
    """,
    re.VERBOSE,
)
"""Signs of Windows where they stand in English: quotation marks, apostrophes, dashes, the euro, degrees, fractions."""

_MAC_SIGNS: Final = re.compile(
    rb"""
      (?<=[a-z]) [\xd0\xd1] (?=[a-z]) | (?<=\s) [\xd0\xd1] (?=\s)                              # dashes
    | (?<=[a-z]) \xd5 (?=(?:s|t|re|ve|ll|d|m)\b)
    | (?<=[a-z.,!?]) [\xc9\xd3\xd5] (?![A-Za-z\x80-\xff])                                    # after small letters
    """,
    re.VERBOSE,
)
"""Signs of the Macintosh where they stand in English, and where no other charset has a letter."""
_MAC_OPENINGS: Final = re.compile(
    rb"(?<![A-Za-z\x80-\xff])(?:[\xd2\xd4](?=[A-Za-z])|[\xa3\xa9](?= {0,2}\d))|(?<=\s)\xa5(?=\s+[A-Za-z])"
)
"""Its quotation marks before words, and bullets, where others have rare letters and signs."""

_FEW_OF_TWO_BYTES: Final = 8
"""Bytes beyond ASCII up to which the detector of the web takes Chinese for Japanese. It knows longer texts better."""
_JAPANESE_CHARSETS: Final = frozenset({"euc_jp", "cp932"})
_MIN_KANA: Final = 2
_SHARE_OF_KANA: Final = 0.25
_FRAME: Final = re.compile(
    rb"[\xc4\xcd][\xb5-\xb8\xbd\xbe\xc6\xc7\xcf-\xd8]|[\xb5-\xb8\xbd\xbe\xc6\xc7\xcf-\xd8][\xc4\xcd]"
)
"""A horizontal line of a frame beside a corner or an end that `cp437` alone has; `cp850` has letters there."""


def codec_of(name: str) -> str | None:
    """Python's codec for the name of a legacy charset; None for any other name."""
    if not _LEGACY.match(name):
        return None
    try:
        codec = codecs.lookup(_DIRECTION.sub("", name)).name
    except LookupError:
        return None
    return _WINDOWS_SUPERSETS.get(codec, codec)


def load_detector() -> None:
    """Load the data of the detector, which takes a tenth of a second."""
    detected_charset("Größe".encode("cp1252"))


def detected_charset(content: bytes) -> str | None:
    """Python's codec for the legacy charset that bytes are most probably in; None if they are in none."""
    sample = _sample(content).translate(_CONTROLS_AS_BLANKS)
    if sample.isascii():
        return codec_of(detect_of_web(content[:_DETECTION_BYTES]))
    rest, copyrights = _COPYRIGHT.subn(rb"\1", sample)
    if (of_signs := _charset_of_signs(rest)) is not None:
        return of_signs
    return _charset_of_letters(rest, with_copyright=bool(copyrights))


def _charset_of_letters(rest: bytes, *, with_copyright: bool) -> str:
    """The charset of a text in which letters are beyond ASCII. `with_copyright` if it had a sign of one."""
    found = _ranked(rest)
    letters = Plausibility(rest)
    of_capitals = charset_of_capitals(
        rest, is_latin=letters.is_latin, confidence=found[0][1], best_charset=lambda text: _ranked(text)[0]
    )
    if of_capitals is not None:
        return of_capitals
    fits = letters.fits
    of_web = codec_of(detect_of_web(rest)) or ""
    is_unsure = found[0][1] < _SURE or letters.are_few_latin
    if is_unsure and of_web in _MEANS_USUAL and fits("cp1252"):
        return "cp1252"
    if _is_japanese(rest, of_web):
        return of_web
    charsets = [charset for charset, _ in found]
    if with_copyright:
        charsets = [charset for charset in charsets if b"\xa9".decode(charset, "replace") == "\xa9"] or charsets
    best = next((charset for charset in charsets if fits(charset)), charsets[0])
    if best in OF_TWO_BYTES - {"johab"} and of_web in OF_TWO_BYTES and letters.count > _FEW_OF_TWO_BYTES:
        return of_web
    return "cp437" if best == "cp850" and _FRAME.search(rest) else best


def _ranked(sample: bytes) -> list[tuple[str, float]]:
    """The charsets that `chardet` takes the bytes to be in, the most probable one first, and how sure it is of each."""
    found = chardet.detect_all(
        sample,
        ignore_threshold=True,
        max_bytes=len(sample),
        compat_names=False,
        encoding_era=_ERAS,
        empty_input_encoding="ascii",
        exclude_encodings=_NOT_LOOKED_FOR,
    )
    return [(_canonical(candidate["encoding"] or "cp1252"), candidate["confidence"]) for candidate in found]


def _charset_of_signs(sample: bytes) -> str | None:
    """The charset of an English text with nothing but signs beyond ASCII; None for any other."""
    if _SIGNS.sub(b"", sample).isascii():
        return "cp1252"
    is_mac = _MAC_SIGNS.search(sample) and _MAC_OPENINGS.sub(b"", _MAC_SIGNS.sub(b"", sample)).isascii()
    return "mac-roman" if is_mac else None


def _is_japanese(sample: bytes, charset: str) -> bool:
    """Whether a text in a Japanese charset has kana in it, as hardly a text in another charset that looks like it."""
    if charset not in _JAPANESE_CHARSETS:
        return False
    letters = [character for character in sample.decode(charset, "replace") if character > "\x7f"]
    kana = sum("\u3040" <= letter <= "\u30ff" for letter in letters)
    return kana >= _MIN_KANA and kana >= _SHARE_OF_KANA * len(letters)


def _canonical(name: str) -> str:
    codec = codecs.lookup(name).name
    return _WINDOWS_SUPERSETS.get(codec, codec)


def _sample(content: bytes) -> bytes:
    """The lines beyond ASCII of the part that is looked at, which begins shortly before the first of them.

    Lines of code around a few words in comments say nothing, and make `chardet` unsure.
    """
    first = re.search(rb"[\x80-\xff]", content)
    if first is None:
        return b""
    start = max(0, first.start() - _BEFORE_FIRST) if len(content) > _DETECTION_BYTES else 0
    part = content[start : start + _DETECTION_BYTES]
    return b"".join(line for line in part.splitlines(keepends=True) if not line.isascii())
