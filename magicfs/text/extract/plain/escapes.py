r"""Replaces escapes of text formats by what they stand for: `\u00fc` in JSON, `&#252;` in XML, `\"u` in TeX.

Used by `decoding`. A line stays a line, so that line numbers are those that an editor shows. Pure functions; any
thread.
"""

from __future__ import annotations

import html
import re
import sys
import unicodedata
from collections.abc import Callable
from typing import Final

from magicfs.domain.file_groups import CODE
from magicfs.text.extract.plain.json_escapes import STRING_ESCAPE, join_surrogates, letter_by_number, unescape_json
from magicfs.text.extract.plain.tex_escapes import unescape_bibtex, unescape_tex, unescape_troff

_NAMED_LETTER: Final = re.compile(r"\\N\{([A-Z][A-Z0-9 -]{2,80})\}|\\x\{([0-9A-Fa-f]{2,6})\}")
"""A letter by its name, as in Python, and by its number, as in Perl."""
_ACCELERATOR: Final = re.compile(r"(?<=[^\W\d_])&(?=[^\W\d_]++(?![\w;=&]))")
"""The sign before the letter of a menu's shortcut, as in `Datei ö&ffnen`; before a small letter behind another one."""
_QT: Final = re.compile(r"<!DOCTYPE TS>|<TS\s")
"""Translations of Qt, which have menus."""
_ANDROID: Final = re.compile(r"<resources\b")
"""Texts of programs for Android, which have escapes of programs."""
_ANDROID_ESCAPE: Final = re.compile(r"\\([nt'\"@?])")
_MAX_WORD: Final = 200
"""The characters before the sign of a shortcut that are looked at."""

_DOUBLED: Final = re.compile(r"(?<=\w)''(?=\w)")
_DUMP: Final = re.compile(
    r"^INSERT INTO `|^-- (?:MySQL|MariaDB|phpMyAdmin)\b|^COPY [^\n]{1,500} FROM stdin;", re.MULTILINE
)
_DUMP_ESCAPE: Final = re.compile(r"\\([nrt'\"\\])")
_DUMP_SIGNS: Final = {"n": " ", "r": " ", "t": " "}

_HIGH_BYTES: Final = re.compile(r"(?<!\\)(?:\\x[89A-Fa-f][0-9A-Fa-f]){1,23}(?!\\x)")
"""A few bytes beyond ASCII in a string: letters, either by number or in UTF-8. Binary data have others among them."""
_OCTAL_BYTES: Final = re.compile(r"(?<!\\)(?:\\3[0-7]{2}(?:\\2[0-7]{2}){1,3})+")
_WIKI_QUOTES: Final = re.compile("'{2,5}")
_INSIDE_WORD: Final = re.compile(
    r"__(?<![\w]__)([^\s_](?:[^_\n]{0,100}[^\s_])?)__(?=[^\W_])|__(?<=[^\W_]__)([^\s_](?:[^_\n]{0,100}[^\s_])?)__(?!\w)"
)
_ASCIIDOC_SIGNS: Final = {
    "nbsp": "\u00a0", "shy": "\u00ad", "zwsp": "\u200b", "wj": "\u2060", "apos": "'", "amp": "&", "deg": "\u00b0",
    "cpp": "C++", "plus": "+", "lsquo": "\u2018", "rsquo": "\u2019", "ldquo": "\u201c", "rdquo": "\u201d",
}  # fmt: skip
_ASCIIDOC_SIGN: Final = re.compile(rf"\{{({'|'.join(_ASCIIDOC_SIGNS)})\}}")
_ROLE: Final = re.compile(r":(?:sub|sup|subscript|superscript|strong|emphasis):`([^`\n]{1,200})`")
_LITERAL_INSIDE: Final = re.compile(r"``\\ (?=\w)|(?<=\w)\\ ``")
_NO_BLANK: Final = re.compile(r"\\ (?=\S)")
_CSS_LETTER: Final = re.compile(r"\\([0-9A-Fa-f]{1,6})[ \t]?")

_SUBTITLE_STYLE: Final = re.compile(r"\{\\[^{}\n]{1,200}\}")
_SUBTITLE_BREAK: Final = re.compile(r"\\[Nnh]")

_MOMENT_OF_WORD: Final = re.compile(r"<(?:[0-9]{1,3}:){1,2}[0-9]{2}(?:[.,:][0-9]{2,3})?>")
_VOICE: Final = re.compile(r"<v(?:\.[^\s<>]{1,100})?[ \t]([^<>\n]{1,200})>")
_MOMENT_OF_LINE: Final = re.compile(r"^(?:\[[0-9]{1,3}:[0-9]{2}(?:[.:][0-9]{1,3})?\][ \t]?)+", re.MULTILINE)
_CAPTION_TAG: Final = re.compile(r"</?(?:c|v|i|b|u|ruby|rt|lang)(?:[.\s][^<>\n]{0,200})?>")
"""What captions of films have inside of sentences and words: when a word is said, who speaks, and styles."""

_REFERENCE: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")


def unescape(text: str, *, mime_type: str) -> str:
    """The text with the escapes of its format replaced; the same text for a format without any."""
    replace = _UNESCAPE.get(mime_type)
    return replace(text) if replace else text


def _unescape_code(text: str) -> str:
    r"""Replace letters by number alone: what `\n` means depends on the language and on the kind of the string."""
    if "\\u" in text.lower():
        text = join_surrogates(STRING_ESCAPE.sub(letter_by_number, text))
    if "\\N{" in text or "\\x{" in text:
        text = _NAMED_LETTER.sub(_named_letter, text)
    return _HIGH_BYTES.sub(_high_bytes, text) if "\\x" in text else text


def _unescape_quoted(text: str) -> str:
    """Replace what code escapes, and the apostrophe that is written twice in strings of YAML and SQL."""
    return _unescape_code(_DOUBLED.sub("'", text) if "''" in text else text)


def _unescape_sql(text: str) -> str:
    r"""Replace what SQL escapes; in dumps of MySQL and PostgreSQL, what programs have escaped too, such as `\n`."""
    if "\\" in text and _DUMP.search(text):
        text = _DUMP_ESCAPE.sub(lambda match: _DUMP_SIGNS.get(match[1], match[1]), text)
    return _unescape_quoted(text)


def _unescape_octal(text: str) -> str:
    """Replace what code escapes, and bytes in octal numbers: names of files in what git prints, and strings of C."""
    return _OCTAL_BYTES.sub(_octal_bytes, _unescape_code(text)) if "\\3" in text else _unescape_code(text)


def _unescape_wiki(text: str) -> str:
    """Replace references, and quotes that stand for bold and italic letters: these may stand in a word."""
    return _WIKI_QUOTES.sub("", _unescape_references(text))


def _unescape_asciidoc(text: str) -> str:
    if "{" in text:
        text = _ASCIIDOC_SIGN.sub(lambda match: _ASCIIDOC_SIGNS[match[1]], text)
    return _INSIDE_WORD.sub(lambda match: match[1] or match[2], _unescape_references(text))


def _unescape_rst(text: str) -> str:
    """Markup inside of a word stands between blanks that are not read."""
    return _NO_BLANK.sub("", _ROLE.sub(r"\1", _LITERAL_INSIDE.sub("", text))) if "\\ " in text else text


def _unescape_properties(text: str) -> str:
    return _unescape_code(_join_continued(text))


def _unescape_gettext(text: str) -> str:
    return _ACCELERATOR.sub(_without_accelerator, _unescape_references(unescape_json(_join_strings(text))))


def _without_accelerator(match: re.Match[str]) -> str:
    """Nothing, or the sign where it stands for `and` (`R&D`, `a&b&c`) or divides an address (`?page=about&print`)."""
    at = match.start()
    before = match.string[max(0, at - _MAX_WORD) : at].split()[-1]
    is_between_small = match.string[at - 1].islower() and match.string[at + 1].islower()
    return "" if is_between_small and not set("&=") & set(before) else match[0]


def _unescape_css(text: str) -> str:
    return _CSS_LETTER.sub(_css_letter, text) if "\\" in text else text


def _unescape_page_code(text: str) -> str:
    """Both: programs in which pages are written."""
    return _unescape_code(_unescape_references(text))


def _unescape_subtitles(text: str) -> str:
    """The words of subtitles without the styles between them."""
    return _SUBTITLE_BREAK.sub(" ", _SUBTITLE_STYLE.sub("", text)) if "\\" in text else text


def _unescape_captions(text: str) -> str:
    """The words of captions as they are shown, each speaker with a colon."""
    if "<" in text:
        text = _CAPTION_TAG.sub("", _VOICE.sub(r"\1: ", _MOMENT_OF_WORD.sub("", text)))
    return _unescape_references(text)


def _join_continued(text: str) -> str:
    r"""The text with lines joined where a `\` ends them; as many line ends follow the joined line."""
    if "\\\n" not in text:
        return text
    lines: list[str] = []
    pieces: list[str] = []
    for line in text.split("\n"):
        pieces.append(line.lstrip(" \t\f") if pieces else line)
        end = len(line) - len(line.rstrip("\\"))
        if end % 2 and (len(pieces) > 1 or not line.lstrip().startswith(("#", "!"))):
            pieces[-1] = pieces[-1][:-1]
        else:
            lines += ["".join(pieces), *[""] * (len(pieces) - 1)]
            pieces = []
    return "\n".join(lines + (["".join(pieces), *[""] * (len(pieces) - 1)] if pieces else []))


def _join_strings(text: str) -> str:
    """The text with strings joined that stand in lines of their own, one after the other."""
    lines: list[str] = []
    pieces: list[str] = []
    for line in text.split("\n"):
        stripped = line.strip()
        goes_on = len(stripped) > 1 and stripped.startswith('"') and stripped.endswith('"')
        if goes_on and pieces and pieces[-1].endswith('"'):
            pieces[-1] = pieces[-1][:-1]
            pieces.append(stripped[1:])
            continue
        lines += ["".join(pieces), *[""] * (len(pieces) - 1)] if pieces else []
        pieces = [line]
    return "\n".join([*lines, "".join(pieces), *[""] * (len(pieces) - 1)])


def _named_letter(match: re.Match[str]) -> str:
    try:
        letter = unicodedata.lookup(match[1]) if match[1] else chr(int(match[2], 16))
    except (KeyError, ValueError):
        return match[0]
    return letter if letter.isalpha() or unicodedata.combining(letter) else match[0]


def _high_bytes(match: re.Match[str]) -> str:
    data = bytes.fromhex(match[0].replace("\\x", ""))
    try:
        letters = data.decode("utf-8")
    except UnicodeDecodeError:
        letters = data.decode("latin-1")
    return letters if letters.isalpha() else match[0]


def _octal_bytes(match: re.Match[str]) -> str:
    try:
        letters = bytes(int(number, 8) for number in match[0][1:].split("\\")).decode("utf-8")
    except UnicodeDecodeError:
        return match[0]
    return letters if letters.isprintable() else match[0]


def _css_letter(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    letter = chr(code) if code <= sys.maxunicode else ""
    return letter if letter > "\xa0" and letter.isalpha() else match[0]


def _unescape_xml(text: str) -> str:
    """Twice: feeds have escaped HTML in them. Texts of Android have letters by number beside references."""
    text = _unescape_references(_unescape_references(text))
    if _ANDROID.search(text, 0, _MAX_WORD):
        text = _ANDROID_ESCAPE.sub(lambda match: " " if match[1] in "nt" else match[1], text)
    text = _unescape_code(text)
    return _ACCELERATOR.sub(_without_accelerator, text) if _QT.search(text, 0, _MAX_WORD) else text


def _unescape_references(text: str) -> str:
    return _REFERENCE.sub(_referenced, text) if "&" in text else text


def _unescape_lyrics(text: str) -> str:
    """The lines of a song without the moments at which they are sung."""
    return _unescape_captions(_MOMENT_OF_LINE.sub("", text))


def _referenced(match: re.Match[str]) -> str:
    character = html.unescape(match[0])
    return " " if character.isspace() and character != "\u00a0" else character


_UNESCAPE: Final[dict[str, Callable[[str], str]]] = {
    **dict.fromkeys((f"text/{kind}" for kind in CODE), _unescape_code),
    "application/json": unescape_json,
    "application/yaml": _unescape_quoted,
    "application/toml": _unescape_code,
    "application/xml": _unescape_xml,
    "text/x-sql": _unescape_sql,
    "text/css": _unescape_css,
    "text/x-scss": _unescape_css,
    "text/x-ini": _unescape_code,
    "text/x-java-properties": _unescape_properties,
    "text/x-strings": unescape_json,
    "text/x-gettext": _unescape_gettext,
    **dict.fromkeys(("text/x-ssa", "application/x-subrip"), _unescape_subtitles),
    "text/vtt": _unescape_captions,
    "text/x-lrc": _unescape_lyrics,
    "text/x-tex": unescape_tex,
    "text/x-bibtex": unescape_bibtex,
    "text/troff": unescape_troff,
    **dict.fromkeys(("text/x-diff", "text/x-c", "text/x-c++"), _unescape_octal),
    "text/markdown": _unescape_references,
    "text/x-wiki": _unescape_wiki,
    "text/x-asciidoc": _unescape_asciidoc,
    "text/x-rst": _unescape_rst,
    **dict.fromkeys(("text/x-vue", "text/x-php"), _unescape_page_code),
}
