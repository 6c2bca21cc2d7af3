"""Reads plain text: the encoding of bytes, clean newlines, and the title that a text states.

Used by `FileExtractor` in the worker's own process, so it is written for speed: valid UTF-8, the usual case, costs one
decode and three scans in C. `clean` and `truncate` serve the parser process too. Pure functions; any thread.
"""

from __future__ import annotations

import codecs
import re

from magicfs.text.extract.plain.charsets import codec_of, detected_charset
from magicfs.text.extract.plain.iso_2022 import decode_iso_2022
from magicfs.text.extract.plain.plausibility import OF_TWO_BYTES
from magicfs.text.extract.plain.text_bytes import CONTROLS, has_many_controls, wide_encoding

_ISO_2022_ESCAPE = b"\x1b$"
"""How characters of East Asia begin in ISO-2022, whose bytes are all ASCII; not an escape sequence of terminals."""

_SEPARATORS = b"\x01\x02\x03\x1c\x1d\x1e\x1f"
"""What programs put between fields and records besides line ends: logs of FIX, tables of Hive, catalogues, Info."""

_AS_BLANKS = bytes.maketrans(b"\0" + _SEPARATORS, b" " * (1 + len(_SEPARATORS)))

_MIN_PIECE_BYTES = 4
"""Between separators, on average. In binary files there are fewer bytes without a zero."""

_MAX_INVALID_SHARE = 0.1
"""Up to this share of invalid sequences, among those beyond ASCII, a text is damaged UTF-8, not another encoding."""

_MIN_UTF8_LINES = 0.25
_MIN_UTF8_LINES_OF_TWO_BYTES = 0.75
"""The share of the lines beyond ASCII that are valid in a file that several programs have written, some in UTF-8. A
short line in a charset of two bytes a character is sometimes valid by chance."""

_DECLARATION = re.compile(rb"""(?:charset|coding)\s*[=:]\s*["']?\s*([A-Za-z][A-Za-z0-9_.:-]{1,30})""")
"""An XML declaration, an HTML `meta` element, or the coding line of an editor or of Python."""

_DECLARATION_BYTES = 1024

_NEVER_VALID = ("iso8859-", "cp125", "koi8")
"""How the names of charsets begin in which words are hardly ever valid UTF-8. Those of two bytes sometimes are."""

_LINE_END_CHARACTERS = 4096
"""Characters before a cut in which a line end is searched for."""

_FRONT_MATTER_TITLE = re.compile(r"\A---\n(?:.*\n){0,30}?title:[ \t]*[\"']?(.+?)[\"']?[ \t]*\n", re.IGNORECASE)
_MARKDOWN_TITLE = re.compile(r"^#{1,2}[ \t]+(.+?)[ \t#]*$|^(\S.{0,200})\n=+[ \t]*$", re.MULTILINE)
_LATEX_TITLE = re.compile(r"\\title\{([^{}\\]+)\}")
_RST_TITLE = re.compile(r"\A\s*(?:([=\-~*#^])\1{2,}\n)?[ \t]*(\S.{0,200})\n([=\-~*#^])\3{2,}[ \t]*$", re.MULTILINE)
_ORG_TITLE = re.compile(r"^#\+TITLE:[ \t]*(\S.*)$", re.MULTILINE | re.IGNORECASE)
_ASCIIDOC_TITLE = re.compile(r"^=[ \t]+(\S.*)$", re.MULTILINE)
_STATED_TITLES = {"text/x-tex": _LATEX_TITLE, "text/x-org": _ORG_TITLE, "text/x-asciidoc": _ASCIIDOC_TITLE}

_TITLE_SEARCH_CHARACTERS = 4096
"""Characters at the beginning of a text in which its title is searched for."""

_MAX_TITLE_CHARACTERS = 300


def decode(content: bytes, *, whole: bytes | None = None) -> str | None:
    """The text of `content`, cleaned (`clean`); None when it is not text.

    Of a piece, `whole` is the content that it is from, which says the charset of all its pieces.
    """
    if content.startswith(codecs.BOM_UTF8):
        return clean(content[len(codecs.BOM_UTF8) :].decode("utf-8", errors="replace"))
    wide = wide_encoding(content)
    if wide is not None:
        return clean(content.removeprefix(wide.bom).decode(wide.codec, errors="replace"))
    if has_many_controls(content):
        return _with_holes(content, whole)
    try:
        return clean(decode_iso_2022(content) if _ISO_2022_ESCAPE in content else content.decode("utf-8"))
    except UnicodeDecodeError:
        return clean(_decode_legacy(content, whole or content))


def _with_holes(content: bytes, whole: bytes | None) -> str | None:
    """A text with separators inside, or NULs as a log that was cut while it was written has; None for others.

    It is text only if all the rest is, without any other control character. In a legacy charset it is only one that
    ends with NULs, as files do to which a system had no time to write: other data have high bytes and NULs too.
    """
    rest = content.translate(None, b"\0" if b"\0" in content else _SEPARATORS)
    if not rest or len(rest.translate(None, CONTROLS)) < len(rest):
        return None
    squeezed = content
    # A regular expression would make a list of all pieces, which takes the memory of many contents.
    while b"\0\0" in squeezed:
        squeezed = squeezed.replace(b"\0\0", b"\0")
    if len(rest) < _MIN_PIECE_BYTES * (len(squeezed) - len(rest)):
        return None
    try:
        return clean(squeezed.translate(_AS_BLANKS).decode("utf-8"))
    except UnicodeDecodeError:
        written = content.rstrip(b"\0")
        return clean(_decode_legacy(written, whole or written)) if len(written) == len(rest) else None


def clean(text: str) -> str:
    r"""Text that Postgres stores: no NUL, no lone surrogate. `\n` is its only newline, so that lines count."""
    if "\0" in text:
        text = text.replace("\0", "")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", errors="surrogatepass").decode("utf-16-le", errors="replace")
    return text


def truncate(text: str, *, max_bytes: int) -> tuple[str, int]:
    """The beginning of `text` that fits into `max_bytes` of UTF-8, and the number of bytes that were cut off.

    The text is cut at the last line end near the limit.
    """
    if len(text) * 4 <= max_bytes:
        return text, 0
    data = text.encode("utf-8")
    if len(data) <= max_bytes:
        return text, 0
    kept = data[:max_bytes].decode("utf-8", errors="ignore")
    line_end = kept.rfind("\n", len(kept) - _LINE_END_CHARACTERS)
    kept = kept[: line_end + 1] if line_end > 0 else kept
    return kept, len(data) - len(kept.encode("utf-8"))


def title_of(text: str, *, mime_type: str) -> str | None:
    """The title that a text in Markdown, reStructuredText, LaTeX, Org or AsciiDoc states; None when it states none."""
    head = text[:_TITLE_SEARCH_CHARACTERS]
    if mime_type == "text/markdown":
        match = _FRONT_MATTER_TITLE.search(head) or _MARKDOWN_TITLE.search(head)
        title = match and next(group for group in match.groups() if group)
    elif mime_type == "text/x-rst":
        match = _RST_TITLE.search(head)
        title = match and match[2]
    elif mime_type in _STATED_TITLES:
        match = _STATED_TITLES[mime_type].search(head)
        title = match and match[1]
    else:
        return None
    return title.strip()[:_MAX_TITLE_CHARACTERS] or None if title else None


def _decode_legacy(content: bytes, whole: bytes) -> str:
    """Decode what is not valid UTF-8.

    As the whole declares, line by line where some are valid, as damaged UTF-8, or as detected. What is mostly valid is
    in no charset of one byte, whatever it declares: programs copy such a line.
    """
    match = _DECLARATION.search(whole, 0, _DECLARATION_BYTES)
    declared = codec_of(match[1].decode("ascii")) if match else None
    of_one_byte = declared is not None and declared.startswith(_NEVER_VALID)
    if declared and not of_one_byte and (text := _decode_strictly(content, declared)) is not None:
        return text
    if (mixed := _decode_lines(content, declared if of_one_byte else None)) is not None:
        return mixed
    text = content.decode("utf-8", errors="replace")
    invalid = text.count("\ufffd") - (content is whole and _is_cut(text))
    beyond_ascii = len(text) - len(text.encode("ascii", errors="ignore"))
    if invalid < _MAX_INVALID_SHARE * beyond_ascii:
        return text
    if declared and of_one_byte and (text := _decode_strictly(content, declared)) is not None:
        return text
    # A whole that begins in UTF-8 says nothing about a piece that is not in it.
    charset = detected_charset(whole) or (detected_charset(content) if whole is not content else None)
    return content.decode(charset or "cp1252", errors="replace")


def _is_cut(text: str) -> bool:
    """Whether a text ends inside of a character, as a file does that was not copied to its end."""
    return text.endswith("\ufffd") and not text.removesuffix("\ufffd").isascii()


def _decode_strictly(content: bytes, charset: str) -> str | None:
    try:
        return content.decode(charset)
    except UnicodeDecodeError:
        return None


def _decode_lines(content: bytes, declared: str | None) -> str | None:
    """The text of a file with lines in UTF-8 and lines in another charset, as a log of several programs has.

    None when too few lines are in UTF-8.
    """
    lines = content.splitlines(keepends=True)
    beyond_ascii = [line for line in lines if not line.isascii()]
    others = [line for line in beyond_ascii if _is_in_another_charset(line)]
    utf8 = len(beyond_ascii) - len(others)
    if not others or utf8 < _MIN_UTF8_LINES * len(beyond_ascii):
        return None
    charset = declared or detected_charset(b"".join(others)) or "cp1252"
    if charset in OF_TWO_BYTES and utf8 < _MIN_UTF8_LINES_OF_TWO_BYTES * len(beyond_ascii):
        return None
    in_other = frozenset(others)
    return "".join(line.decode(charset if line in in_other else "utf-8", errors="replace") for line in lines)


def _is_in_another_charset(line: bytes) -> bool:
    """Whether most sequences beyond ASCII are invalid in UTF-8. A line with a few is a damaged one."""
    text = line.decode("utf-8", errors="replace")
    return 2 * text.count("\ufffd") > len(text) - len(text.encode("ascii", errors="ignore"))
