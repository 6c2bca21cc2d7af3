"""The names in zip archives: those that are not marked as Unicode are in the charset of some system.

Runs in the child process, used by `archive_members`. Names are short, so a detector of texts takes them for anything:
it is asked for the charsets of archives alone, and names that cannot be words are refused. Pure functions.
"""

from __future__ import annotations

import contextlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

import chardet
from chardet.enums import EncodingEra

from magicfs.text.extract.archives.zip_excerpt import MAX_NAMES
from magicfs.text.extract.plain.charsets import detected_charset

_UTF8_FLAG: Final = 0x800
_UNICODE_FIELD: Final = b"\x75\x70"
_CHECKSUM, _UNICODE_NAME = slice(5, 9), 9
"""Where the field has the checksum of the name that it stands beside, and the name in UTF-8."""
_DOS: Final = "cp437"
_OF_DOS: Final = ("cp437", "cp850", "cp852", "cp857", "cp737", "cp862", "cp866", "cp932", "big5", "gb18030", "cp949")
"""What Windows writes, by the language of the system. The first one is that of the format."""
_OF_WINDOWS: Final = ("cp1250", "cp1251", "cp1252")
"""What some programs write all the same."""
_USUAL_LETTERS: Final = {"gb18030": "gb2312", "big5hkscs": "big5", "cp949": "euc_kr"}
"""The charsets with the usual characters of others, which have rare ones where bytes of another language stand."""
_SCRIPTS: Final = {
    "cp737": ("\u0370", "\u03ff"),
    "cp862": ("\u05d0", "\u05ea"),
    **dict.fromkeys(("cp866", "cp1251"), ("\u0400", "\u04ff")),
}
"""The first and the last letter of charsets of other scripts: no word has Latin letters too."""
_LATIN: Final = ("\u00c0", "\u024f")
_IDEOGRAPHS: Final = frozenset({"cp932", "gb18030", "big5hkscs", "cp949"})
_BETWEEN_IDEOGRAPHS: Final = frozenset("ー々・（）、。「」【】《》！？")
_SMALL_KANA: Final = ("\uff61", "\uff9f")
"""Those that no name has, and that any byte is."""
_WORD: Final = re.compile(r"[^\W\d_]+|[^\x00-\x7f]")
_IMPOSSIBLE: Final = re.compile(r"[ךםןףץ](?=[א-ת])|\bğ")
"""What no word of Hebrew or Turkish has: letters for its end before others, and one that never begins it."""
_NEARLY, _ROUGHLY = 0.6, 0.4
"""The share of the best confidence from which on an archive is rather in the charset of the format, or of DOS."""


def zip_names(members: list[zipfile.ZipInfo]) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    """Yield the members of a zip file with their names."""
    unmarked = [_stored_name(member) for member in members if _unicode_name(member) is None]
    charset = charset_of_names(b"\n".join(unmarked[:MAX_NAMES])) if unmarked else ""
    for member in members:
        name = _unicode_name(member)
        yield member, _stored_name(member).decode(charset, "replace") if name is None else name


def _stored_name(member: zipfile.ZipInfo) -> bytes:
    """The bytes of a name that is not marked as Unicode: the library takes them for those of DOS."""
    return member.orig_filename.partition("\0")[0].encode(_DOS)


def _unicode_name(member: zipfile.ZipInfo) -> str | None:
    """The name of a member where it is in Unicode, or a field beside it has it so; None where it is in a charset."""
    if member.flag_bits & _UTF8_FLAG:
        return member.filename
    extra = member.extra
    while len(extra) > _UNICODE_NAME:
        end = 4 + int.from_bytes(extra[2:4], "little")
        checksum = int.from_bytes(extra[_CHECKSUM], "little")
        # The field of a member that was renamed since is that of its name before.
        if extra.startswith(_UNICODE_FIELD) and checksum == zlib.crc32(_stored_name(member)):
            with contextlib.suppress(UnicodeDecodeError):
                return extra[_UNICODE_NAME:end].decode("utf-8")
        extra = extra[end:]
    return member.filename if member.orig_filename.isascii() else None


def charset_of_names(names: bytes) -> str:
    """Python's codec for the charset that names beyond ASCII, a line each, are most probably in."""
    with contextlib.suppress(UnicodeDecodeError):
        names.decode("utf-8")
        return "utf-8"
    found = chardet.detect_all(
        names,
        ignore_threshold=True,
        max_bytes=len(names),
        compat_names=False,
        encoding_era=EncodingEra.ALL,
        include_encodings=(*_OF_DOS, *_OF_WINDOWS),
    )
    fitting = {
        each["encoding"]: each["confidence"] for each in found if each["encoding"] and _fits(names, each["encoding"])
    }
    if not fitting:
        return detected_charset(names) or _DOS
    best = max(fitting.values())
    if fitting.get(_DOS, 0.0) >= _NEARLY * best:
        return _DOS
    of_dos = (charset for charset, confidence in fitting.items() if confidence >= _ROUGHLY * best)
    return next((charset for charset in of_dos if charset not in _OF_WINDOWS), next(iter(fitting)))


def _fits(names: bytes, charset: str) -> bool:
    """Whether names are words in a charset, with nothing but letters of its script beyond ASCII."""
    try:
        text = names.decode(_USUAL_LETTERS.get(charset, charset))
    except UnicodeDecodeError:
        return False
    return not _IMPOSSIBLE.search(text) and all(
        _is_word(word, charset) for word in _WORD.findall(text) if not word.isascii()
    )


def _is_word(word: str, charset: str) -> bool:
    letters = [letter for letter in word if not letter.isascii()]
    if charset in _IDEOGRAPHS:
        return all(_is_ideograph(letter) for letter in letters)
    if word == "№":
        return charset in _SCRIPTS
    first, last = _SCRIPTS.get(charset, _LATIN)
    are_of_script = all(letter.isalpha() and first <= letter <= last and letter != "ƒ" for letter in letters)
    is_mixed = charset in _SCRIPTS and len(letters) < len(word)
    return are_of_script and not is_mixed and not _has_wrong_case(word)


def _has_wrong_case(word: str) -> bool:
    """Whether a letter beyond ASCII is a capital alone after a small one, or a small one after two capitals."""
    before = ""
    for letter, after in zip(word, word[1:] + " ", strict=True):
        if letter.isupper():
            is_wrong = before[-1:].islower() and not after.isupper()
        else:
            is_wrong = letter.islower() and len(before) > 1 and before.isupper()
        if is_wrong and not letter.isascii() and letter != "ß":
            return True
        before = before[-1:] + letter
    return False


def _is_ideograph(letter: str) -> bool:
    first, last = _SMALL_KANA
    return letter in _BETWEEN_IDEOGRAPHS or (letter.isalpha() and not first <= letter <= last)
