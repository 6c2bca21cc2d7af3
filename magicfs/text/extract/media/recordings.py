"""Reads what sound and films say of themselves: title, artist, album, lyrics, chapters; of a phone's, date and place.

Runs in the child process, called by `document_parser`. The only module that imports tinytag, which reads all formats
but Matroska (`matroska`), AVI (`riff_files`), the fields of cameras (`quicktime`), and chapters and subtitles
(`spoken_texts`, `id3_tags`), and the tags of APE (`ape_tags`). Sound and pictures are not decoded.
"""

from __future__ import annotations

import contextlib
import io
import string
from collections.abc import Iterable, Iterator
from typing import Final

import tinytag

from magicfs.domain.contents import Document
from magicfs.text.extract.media.ape_tags import read_ape_tags
from magicfs.text.extract.media.id3_tags import id3_chapters, plain_tag
from magicfs.text.extract.media.matroska import MATROSKA_TYPE, read_matroska, read_subtitles
from magicfs.text.extract.media.metadata_lines import one_line
from magicfs.text.extract.media.quicktime import QUICKTIME_TYPES, read_quicktime
from magicfs.text.extract.media.riff_files import AVI_TYPE, read_avi
from magicfs.text.extract.media.spoken_texts import SUBTITLE, mp4_texts
from magicfs.text.extract.plain.charsets import detected_charset
from magicfs.text.extract.plain.escapes import unescape

_ASCII: Final = bytes(range(0x80))
_MIN_BYTES_BEYOND_ASCII: Final = 4
_LEADS: Final = bytes(range(0x81, 0xA0))
"""First bytes of most characters of Shift-JIS, and rare letters in charsets of one byte."""
_LEAD_SHARE: Final = 0.25

_TAGS: Final = ("title", "artist", "album", "albumartist", "composer", "genre", "year", "comment")
"""The fields that come first. All others follow, in the order of the file: programs write what they like."""
_MAX_OTHER_TAGS: Final = 100
_TECHNICAL: Final = (
    *("encod", "replaygain", "mp3gain", "musicbrainz", "acoustid", "accurate", "itun", "major_brand", "minor_version"),
    *("compatible_brands", "isft", "tsse", "duration", "bps", "number_of", "statistics", "handler_name", "vendor_id"),
)
"""Beginnings of the names of fields that programs write for programs."""
_LABELS: Final = {"tdes": "description", "ldes": "description", "synopsis": "description", "unsyncedlyrics": "lyrics"}
"""Fields under other names: long descriptions of films and podcasts, and lyrics."""


def read_recording(content: bytes, mime_type: str) -> Document | None:
    """The tags of sound or a film, a line each; None if it has none, or cannot be read."""
    fields: dict[str, list[str]] = {}
    for name, text in _fields(content, mime_type):
        label = name.strip("_ ").lower()
        if text and not label.startswith(_TECHNICAL):
            fields.setdefault(_LABELS.get(label, label), []).append(text)
    subtitles = _subtitles(fields.pop(SUBTITLE, []))
    charset = _charset_behind([text for texts in fields.values() for text in texts])
    values = {
        name: dict.fromkeys(filter(None, (one_line(_in_charset(text, charset)) for text in texts)))
        for name, texts in fields.items()
    }
    lines = [f"{_label(name)}: {', '.join(texts)}" for name, texts in values.items() if texts]
    lines += subtitles
    if not lines:
        return None
    return Document(
        text="\n".join(lines),
        mime_type=mime_type,
        title=next(iter(values.get("title", ())), None),
        author=next(iter(values.get("artist", ())), None),
    )


def _subtitles(texts: Iterable[str]) -> list[str]:
    """The subtitles of a film, a line each, without styles."""
    joined = "\n".join(one_line(text) for text in texts)
    for mime_type in ("text/x-ssa", "text/vtt"):
        joined = unescape(joined, mime_type=mime_type)
    return [line for line in joined.split("\n") if line.strip()]


def _label(name: str) -> str:
    return one_line(name.replace("_", " ")).capitalize()


def _fields(content: bytes, mime_type: str) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of all fields."""
    if mime_type == MATROSKA_TYPE:
        yield from read_matroska(content)
        yield from ((SUBTITLE, text) for text in read_subtitles(content))
        return
    if mime_type == AVI_TYPE:
        yield from read_avi(content)
        return
    content = plain_tag(content)
    try:
        tag = tinytag.TinyTag.get(file_obj=io.BytesIO(content), duration=False)
    except (tinytag.TinyTagException, OSError, ValueError):
        tag = tinytag.TinyTag()
    for name in _TAGS:
        for value in (getattr(tag, name), *tag.other.get(name, ())):
            yield name, str(value or "")
    for name in [name for name in tag.other if name not in _TAGS][:_MAX_OTHER_TAGS]:
        for value in tag.other[name]:
            if _is_for_people(name, str(value)):
                yield name, str(value)
    if mime_type in QUICKTIME_TYPES:
        yield from read_quicktime(content, is_film=not mime_type.startswith("audio/"))
        yield from mp4_texts(content)
    yield from id3_chapters(content)
    yield from ((name, text) for name, text in read_ape_tags(content) if _is_for_people(name, text))


def _is_for_people(name: str, text: str) -> bool:
    """Whether a field says something alone: numbers and switches of a format mean nothing without it."""
    return any(map(str.isalpha, text)) or name.lower() == "year"


def _charset_behind(texts: Iterable[str]) -> str | None:
    """The charset of texts that say they are Latin-1, as old programs wrote them in any; None where they are in it."""
    data = b"\n".join(filter(None, map(_latin_bytes, texts)))
    with contextlib.suppress(UnicodeDecodeError):
        return "utf-8" if data and data.decode("utf-8") else None
    beyond_ascii = len(data.translate(None, _ASCII))
    letters = len(data) - len(data.translate(None, string.ascii_letters.encode()))
    # Of a text in Latin letters, few have accents.
    if beyond_ascii < max(_MIN_BYTES_BEYOND_ASCII, letters):
        return None
    with contextlib.suppress(UnicodeDecodeError):
        if data.decode("cp932") and _LEAD_SHARE * beyond_ascii <= len(data) - len(data.translate(None, _LEADS)):
            return "cp932"
    return detected_charset(data)


def _latin_bytes(text: str) -> bytes:
    """The bytes of a text that has characters of Latin-1 beyond ASCII, and no others; empty for any other text."""
    return b"" if text.isascii() or max(text) > "\xff" else text.encode("latin-1")


def _in_charset(text: str, charset: str | None) -> str:
    return _latin_bytes(text).decode(charset, "replace") or text if charset else text
