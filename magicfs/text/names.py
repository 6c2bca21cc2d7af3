"""What the index has of a file's path: as text, its extension, its words, and the form that filters compare.

Used by the scan for new and moved files, and by maintenance for those of an older version. Pure; any thread.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from magicfs.domain.files import FileName
from magicfs.text.analysis import analyze_moved_path, analyze_path, fold

_SLASH = "/"
_FRACTION_SLASH = "\u2044"
"""What stands for a slash that folding makes of another character, such as a fullwidth one: it divides no path."""
_BETWEEN_WORDS: Final = re.compile(r"[\s_-]+")
_EXTENSIONS: Final = re.compile(r"(?:\.(?=[0-9]{0,4}[a-z])[a-z0-9]{1,10}){1,2}\Z")
"""One or two, as of `notes.tar.gz` and `notes.7z`."""
_DOCUMENT: Final = re.compile(
    r"(.+)\.(?:docx?|docm|odt|rtf|pdf|txt|md|pages|xlsx?|xlsm|ods|csv|numbers|pptx?|odp|key|html?|eml|msg|epub"
    r"|jpe?g|png|heic|tiff?|gif|webp|mp3|m4a|flac|wav|mp4|mov|mkv|avi|zip|7z|rar)"
)
"""A name with an extension that a person chooses when saving."""
_ABOVE: Final = re.compile(r"\A(?:~|\.{1,2}(?:/\.\.)*)(?=/)")
"""What a path begins with that is typed from a directory on: `./`, `../../`, `~/`."""
_NO_PATH: Final = re.compile(r"//|\s/|/\s|[\n\r]")


def file_name(path: bytes) -> FileName:
    """What the index has of a path. Bytes that are not UTF-8 are replaced."""
    display = path.decode("utf-8", "replace")
    return _name(display, words=analyze_path(_with_single_directories(display)))


def moved_name(path: bytes, *, former: bytes, own_words: str | None) -> FileName:
    """What the index has of the path of a file that has been at `former`; in less time if it has kept its own name.

    `own_words` are the words of its former name that have the weight A, as Postgres writes a `tsvector`; None if they
    were never written.
    """
    if own_words is None:
        return file_name(path)
    display = path.decode("utf-8", "replace")
    words = analyze_moved_path(
        _with_single_directories(display),
        former=_with_single_directories(former.decode("utf-8", "replace")),
        own_words=own_words,
    )
    return _name(display, words=words)


def _with_single_directories(display: str) -> str:
    """A path whose words are found: a path as one compound has half as many again, which nobody types as they are."""
    directories, slash, own_name = display.rpartition(_SLASH)
    return directories.replace(_SLASH, " ") + slash + own_name


def _name(display: str, *, words: str) -> FileName:
    folded = fold_path(display)
    return FileName(display=display, extension=extension_of(folded.rpartition(_SLASH)[2]), words=words, folded=folded)


def extension_of(name: str) -> str:
    """The extension of a file's own name, without the dot; empty when there is none."""
    stem, dot, extension = name.rpartition(".")
    return extension if dot and stem else ""


def fold_path(path: str) -> str:
    """The folded form of a path, or of a typed part of one: without case, accents, and forms of Unicode."""
    if path.isascii():
        return path.lower()
    return _SLASH.join(fold(name).replace(_SLASH, _FRACTION_SLASH) for name in path.split(_SLASH))


def plain_name(name: str) -> str:
    """A file's own name or a question, as both are compared: folded, with one blank for what divides words."""
    return _BETWEEN_WORDS.sub(" ", fold_path(name)).strip()


def is_whole_name(question: str, name: str) -> bool:
    """Whether a question is the name of a file, both as `plain_name` gives them; the extension may be left out.

    Full stops may be blanks: `report 2024.03.05` is `Report.2024.03.05.pdf`. A single word without the
    extension is none: it is what a person asks about.
    """
    if question == name:
        return True
    if _is_letters(question):
        return False
    stem = _EXTENSIONS.sub("", name)
    stems = {name, stem, name[: len(stem)] + name[len(stem) :].rpartition(".")[0]}
    words = _without_dots(question)
    return bool(words) and words in map(_without_dots, stems)


def is_name_in_another_format(question: str, name: str) -> bool:
    """Whether a question is the name of a file but for its extension, both as `plain_name` gives them.

    People remember `letter.docx` where they have kept `letter.pdf` alone.
    """
    typed, kept = (_DOCUMENT.fullmatch(text) for text in (question, name))
    return typed is not None and kept is not None and typed[1] == kept[1]


def typed_path(question: str) -> str:
    """A question that is a path or the end of one, folded, with a slash before it; empty for any other text.

    Such as `/home/ada/notes/todo.txt`, `~/notes`, `notes/todo.txt`.
    """
    text = question.strip().removeprefix("file://").rstrip(_SLASH)
    path = _ABOVE.sub("", text).strip(_SLASH)
    if not (_SLASH in path or (path and path != text)) or _NO_PATH.search(path):
        return ""
    return _SLASH + fold_path(path)


def is_at_path(path: str, typed: str) -> bool:
    """Whether a file, whose path is as `fold_path` gives it, is at a path that `typed_path` has given, or below it."""
    return bool(typed) and f"{typed}{_SLASH}" in f"{_SLASH}{path.lstrip(_SLASH)}{_SLASH}"


def _without_dots(name: str) -> str:
    return " ".join(name.replace(".", " ").split())


def _is_letters(text: str) -> bool:
    """Whether a text is of letters, the marks on them and apostrophes alone: a word of any script."""
    return all(character in "'\u2019" or unicodedata.category(character)[0] in "LM" for character in text)
