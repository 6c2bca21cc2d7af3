"""The language of a document: detected in samples of its text, or what its metadata states.

Used by the extractor, and by maintenance for contents of older versions. Code is taken for English. Any thread.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from magicfs.domain.contents import Document
from magicfs.text.language_detector import detect
from magicfs.text.language_names import normalize_language

_SAMPLES: Final = 3
"""Places of a text that are looked at: a book may begin with a licence in another language."""
_SAMPLE_CHARACTERS: Final = 60
_READ_CHARACTERS: Final = 200
"""Characters at each place, of which a sample is made."""

_TECHNICAL: Final = re.compile(r"[/\\@_`<>={}()\[\]|#$\d]|\w[.:]\w|^\W+$")
"""In ASCII without spaces: code, markup, addresses, paths, numbers and signs, which look like some language."""

_MIN_PROSE: Final = 0.5
"""A text with a smaller share of ordinary words is a list, a log or code: of names, the detector makes any language."""
_MIN_LETTERS: Final = 10
"""Fewer letters of ASCII, such as a name, have no language that one could rely on."""
_SHORT_LETTERS: Final = 25
_MIN_PROBABILITY_OF_SHORT_TEXT: Final = 0.7
_MIN_PROBABILITY: Final = 0.5
"""Of English texts with 15 to 40 letters, 1 % are taken for another language; of German ones, 83 % and more are found
to be German, the others have no language, which gives English stems."""

_KANA: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_HAN: Final = re.compile("[\u4e00-\u9fff]")
_MIN_KANA: Final = 6
_MIN_SHARE_OF_KANA: Final = 0.25
"""A Chinese text may quote some."""
_MIN_HAN: Final = 16
"""A Japanese text of so many characters has kana between them, or is a form or a list."""

_FIELDS: Final = re.compile(r"(?:[A-Z][A-Za-z-]{1,40}: .*\n){2,100}")
_SUBJECT: Final = re.compile(r"^Subject: (?:\w{2,3}: )*(.*)", re.MULTILINE)
"""The fields above a message, whose names are English and whose values are names, and what the message is about."""

_CALENDAR: Final = "text/calendar"
_CALENDAR_TEXT: Final = re.compile(r"^(?:SUMMARY|DESCRIPTION|COMMENT)\b[^:\n]*:(.+)", re.MULTILINE)

_LIKELIEST: Final = 5
"""Languages of which the probability is given."""

_TYPES_OF_DATA: Final = frozenset(
    {
        *("application/json", "application/toml", "application/x-ipynb+json", "application/xml", "application/yaml"),
        *("text/css", "text/javascript"),
    }
)
_TYPES_OF_PROSE: Final = frozenset(
    {
        *("text/x-rst", "text/x-org", "text/x-asciidoc", "text/x-tex", "text/x-typst", "text/x-wiki"),
        *("text/x-ssa", "text/x-gettext"),
    }
)
"""All other types of `text/x-…` are code."""


def language_of(document: Document) -> str | None:
    """The ISO 639-1 code of a document's language; None where nothing tells it."""
    samples = samples_of(_calendar_texts(document.text) if document.mime_type == _CALENDAR else document.text)
    return language_of_samples(document.mime_type, samples, document.language)


def language_of_samples(mime_type: str, samples: Sequence[str], stated: str | None) -> str | None:
    """The code of a document's language from samples of it, and from the language that its metadata states."""
    if is_code(mime_type):
        return "en"
    if mime_type == _CALENDAR:
        samples = list(map(_calendar_texts, samples))
    without_fields = [*map(_without_fields, samples[:1]), *samples[1:]]
    return detect_language(without_fields) or detect_language(samples) or normalize_language(stated)


def is_code(mime_type: str) -> bool:
    """Whether texts of this type are source code or structured data, whose words are English."""
    return mime_type in _TYPES_OF_DATA or (mime_type.startswith("text/x-") and mime_type not in _TYPES_OF_PROSE)


def samples_of(text: str) -> list[str]:
    """Short parts of a text, at its beginning and at equal distances behind it."""
    if len(text) <= _SAMPLES * _READ_CHARACTERS:
        return [text]
    fields = _FIELDS.match(text)
    first = text[: _READ_CHARACTERS + (fields.end() if fields else 0)]
    places = [len(text) // _SAMPLES * part for part in range(1, _SAMPLES)]
    return [first, *(text[place : place + _READ_CHARACTERS] for place in places)]


def _calendar_texts(text: str) -> str:
    """What people wrote in a calendar, or the text itself where it has no fields."""
    return "\n".join(_CALENDAR_TEXT.findall(text)) or text


def _without_fields(sample: str) -> str:
    """The beginning of a text without the fields above it, but for the subject."""
    fields = _FIELDS.match(sample)
    if fields is None:
        return sample
    subject = _SUBJECT.search(fields[0])
    return f"{subject[1] if subject else ''}\n{sample[fields.end() :]}"


def detect_language(samples: Sequence[str]) -> str | None:
    """The ISO 639-1 code of the language of samples of a text; None for too few words, and for none in particular."""
    # The detector has learnt composed letters, and decomposed Hangul would be three times as long.
    words = [unicodedata.normalize("NFC", sample).split() for sample in samples]
    prose = [[word for word in part if not is_technical(word)] for part in words]
    if sum(map(len, prose)) < _MIN_PROSE * sum(map(len, words)):
        return None
    limit = _SAMPLE_CHARACTERS * _SAMPLES // max(len(samples), 1)
    text = " ".join(" ".join(part)[:limit] for part in prose)
    letters = len(text) - text.count(" ")
    if letters < _MIN_LETTERS and text.isascii():
        return None
    found = detect(text)
    if not found:
        return None
    [(language, probability)] = found
    if not text.isascii() and (code := _by_its_script(text, language)) is not None:
        return code
    minimum = _MIN_PROBABILITY if letters >= _SHORT_LETTERS else _MIN_PROBABILITY_OF_SHORT_TEXT
    return normalize_language(language) if probability >= minimum else None


def _by_its_script(text: str, found: str) -> str | None:
    """Japanese for a text with kana, Chinese for one of its characters without any; None where that tells nothing.

    The detector takes a short list of Chinese words for Japanese.
    """
    kana, characters = len(_KANA.findall(text)), "".join(_HAN.findall(text))
    if kana >= _MIN_KANA and kana >= _MIN_SHARE_OF_KANA * (kana + len(characters)):
        return "ja"
    is_doubtful = found == "ja" and not kana and len(characters) >= _MIN_HAN
    return "zh" if is_doubtful and _is_chinese(characters) else None


def _is_chinese(characters: str) -> bool:
    """Whether characters are other ones than Japan has, or all those of Taiwan: Japan has short forms of its own.

    A Japanese form or a list of names has no kana either.
    """
    return not _has("cp932", characters) or _has("big5", characters)


def _has(charset: str, characters: str) -> bool:
    """Whether a charset has all of these characters."""
    try:
        characters.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def language_probabilities(text: str) -> dict[str, float]:
    """The probabilities of the likeliest languages of a text, by ISO 639-1 code; empty for a text without words."""
    # Lone surrogates, as in names of files, are no UTF-8.
    line = " ".join(text.split()).encode("utf-8", "replace").decode("utf-8")
    sums: dict[str, float] = {}
    for code, probability in detect(line, most=_LIKELIEST):
        language = normalize_language(code) or code
        sums[language] = sums.get(language, 0.0) + probability
    return sums


def is_technical(word: str) -> bool:
    """Whether a word is one of code, an address, a path, a number or signs: it is in no language."""
    return word.isascii() and _TECHNICAL.search(word) is not None
