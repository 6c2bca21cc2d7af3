r"""Finds base64 and long hexadecimal numbers: in data URLs, in strings of JSON, in key files, in lines of one width.

Used by `strip`. What is long and has no blank is not encoded data for that: sequences of DNA, long words, mangled names
of C++, paths and addresses have runs of one kind of letter, where base64 changes between small letters, capitals and
digits all the time. Hashes of every usual length are kept, because people search for them. Pure; any thread.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator

Span = tuple[int, int]
"""First and last-but-one offset of what is taken out."""

_MIN_RUN = 128
"""Longer than a SHA-512 in base64 (88)."""
_MIN_HEX_RUN = 160
"""Longer than a SHA-512 in hexadecimal digits (128)."""
_MIN_LINES = 3
_MIN_CHANGES = 0.4
"""Share of neighbours of different kinds: capitals, small letters, digits. In base64 it is 0.65, in names of code below
0.35, in words and in sequences about 0."""
_LONGEST_NAME = 1000
_MIN_CHANGES_BEYOND_NAMES = 0.2
"""Programs in base64 have long stretches of zeros and of small numbers, and names of code are not that long."""
_MIN_HEX_LETTERS = 0.1
"""Share of letters in hexadecimal numbers; 0.375 is usual, and decimal numbers have none."""
_MAX_TOKEN_OF_URL = 1000
"""A run of an address is kept up to this length."""
_HASH_DIGITS = frozenset({32, 40, 48, 56, 64, 96, 128})
"""Lines of these lengths are lists of hashes."""

_KINDS = str.maketrans(
    dict.fromkeys(string.ascii_lowercase, "l") | dict.fromkeys(string.ascii_uppercase, "u")
    | dict.fromkeys(string.digits, "d")
)  # fmt: skip
_CHANGES = ("lu", "ul", "ld", "dl", "ud", "du")
_REPEATED = re.compile(r"(.)\1{7,}")
_UTF_16 = re.compile(r"(?i:feff)?(?:0[0-9a-fA-F]{3})+")
"""Text of PDF and PostScript, of which too few digits are letters: settings that are attached to a PDF file have it."""
_NOT_HEX = re.compile(r"[^0-9a-fA-F]")
_JOINTS = re.compile(r"\\[nr/]|[^A-Za-z0-9+/]+")

_RUN = re.compile(
    r"""[A-Za-z0-9+/_-]{32,}+(?:(?:\\[nr/])++[A-Za-z0-9+/_-]*+|[ ][A-Za-z0-9+/]{40,}+)*+
    (?:={1,2}|[ ][A-Za-z0-9+/]{1,200}(?:={1,2}|(?=[ ]?")))?""",
    re.VERBOSE,
)
"""A run in one line. In a string of JSON or of a program, escapes or blanks may stand where lines end."""
_LINES = re.compile(
    r"""(?m)^[^A-Za-z0-9+/\n]{0,40}+(?:[bruBRU]{1,2}["'])?[A-Za-z0-9+/]{40,200}+=*+[^A-Za-z0-9+/\n]{0,8}+$
    (?:\n[^A-Za-z0-9+/\n]{0,40}+(?:[bruBRU]{1,2}["'])?[A-Za-z0-9+/]{1,200}+=*+[^A-Za-z0-9+/\n]{0,8}+$){2,}+""",
    re.VERBOSE,
)
"""At least three lines that have a run each, and nothing else but quotes, signs and blanks."""
_LINE_BEFORE = re.compile(r"[A-Za-z0-9+/]{40,200}\n\Z")
"""The first line of a run may begin with what the run is the value of, such as a tag of XML."""
_LINE_AFTER = re.compile(r"""\n[ \t]{0,40}+[A-Za-z0-9+/]{1,200}+=*(?=[<"'`\\])""")
_MAX_LINE = 250

_LINE_RUN = re.compile(r"[A-Za-z0-9+/]{3,}")

_DATA_URL = re.compile(
    r"""data:[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,80}(?:;[a-z0-9_=.-]{1,40}){0,4},
    (?:(?<=base64,)(?:[A-Za-z0-9+/=_%-]|\\[nr/])++(?:\\?\n[ \t>]*+[A-Za-z0-9+/=_%-]{40,}+)*+
        (?:\n[A-Za-z0-9+/_-]*+={1,2})?
    |[^\s"'<>()\\]++)""",
    re.VERBOSE | re.IGNORECASE,
)
_DRAWING_URL = re.compile(
    r"""(?<=")data:image/svg\+xml[^,"\n]{0,80},\s?(?:<|%3C)[^"\n]++(?=")"""
    r"""|(?<=')data:image/svg\+xml[^,'\n]{0,80},\s?(?:<|%3C)[^'\n]++(?=')""",
    re.IGNORECASE,
)
"""A drawing in style sheets. Its blanks and quotes may stand as they are, but for those around it."""
_MIN_DATA_URL = 80
"""Shorter ones are examples in texts about data URLs."""

_ARMOUR = re.compile(
    r"""(?m)^[^\w\n-]{0,40}+-----BEGIN\ [A-Z0-9 ]{1,60}-----.*\n(?:(?:[A-Za-z-]{1,40}:\ .*|[^\w\n]*)\n){0,10}
    (?P<data>(?:[^\w\n+/]{0,40}+[A-Za-z0-9+/]{1,200}+=*+[^\w\n+/]{0,40}+\n)++)""",
    re.VERBOSE,
)
_UUENCODED = re.compile(r"(?m)^begin [0-7]{3} .{1,200}\n(?P<data>(?:[!-`][ -`]{1,90}\n){3,}+)")
_GIT_BINARY = re.compile(r"(?m)^(?:literal|delta) [0-9]{1,12}\n(?P<data>(?:[A-Za-z]\S{5,65}\n)++)")
"""Files that are no text, in a patch of git."""
_MAPPINGS = re.compile(r'"mappings"\s*:\s*"(?P<data>[A-Za-z0-9+/,;]++)"')
"""The positions in a source map."""
_MIN_ANNOUNCED = 60
"""Characters; shorter data are words or an example."""


def data_urls(text: str) -> Iterator[Span]:
    """The spans of data URLs, such as a picture in a Markdown file."""
    for pattern in (_DATA_URL, _DRAWING_URL):
        for match in pattern.finditer(text):
            if match.end() - match.start() >= _MIN_DATA_URL:
                yield match.span()


def announced(text: str) -> Iterator[Span]:
    """The spans of data after a line or a key that says what they are: keys, certificates, old attachments."""
    for pattern in (_ARMOUR, _UUENCODED, _GIT_BINARY, _MAPPINGS):
        for match in pattern.finditer(text):
            start, end = match.span("data")
            if end - start >= _MIN_ANNOUNCED:
                yield start, end - text.endswith("\n", start, end)


def runs(text: str) -> Iterator[Span]:
    """The spans of long runs in one line, and of lines of one width that are nothing but a run."""
    for match in _RUN.finditer(text):
        start, end = _after_escape(text, match.start()), match.end()
        if _is_encoded(text[start:end]) and not _is_in_url(text, start, end):
            yield start, end
    for match in _LINES.finditer(text):
        lines = _LINE_RUN.findall(match[0])
        if _is_block(lines):
            yield _with_cut_lines(text, *match.span())


def _with_cut_lines(text: str, start: int, end: int) -> Span:
    """The span of lines of one run, with the parts of it in the lines before and after them."""
    before = _LINE_BEFORE.search(text, max(0, start - _MAX_LINE), start)
    after = _LINE_AFTER.match(text, end)
    return before.start() if before else start, after.end() if after else end


def _after_escape(text: str, start: int) -> int:
    r"""The start of a run without the rest of an escape: the `n` of `\n` belongs to the backslash before it."""
    if not text.endswith("\\", 0, start):
        return start
    return start + (5 if text.startswith("u", start) else 1)


def _is_encoded(run: str) -> bool:
    """Whether a run is base64 or a hexadecimal number, and no hash."""
    if len(run) < _MIN_RUN:
        return False
    run = _JOINTS.sub("", run)
    return _is_hex(run) if not _NOT_HEX.search(run) else _is_base64(run)


def _is_hex(run: str) -> bool:
    """Whether a run of hexadecimal digits is a long number in base 16."""
    if len(run) < _MIN_HEX_RUN:
        return False
    letters = sum(run.count(letter) for letter in "abcdefABCDEF")
    return _UTF_16.fullmatch(run) is not None or (letters >= _MIN_HEX_LETTERS * len(run) and letters < len(run))


def _is_base64(run: str) -> bool:
    """Whether small letters, capitals and digits change as often as they do in base64."""
    kinds = _REPEATED.sub("", run).translate(_KINDS)
    changes = sum(kinds.count(pair) for pair in _CHANGES)
    least = _MIN_CHANGES if len(kinds) <= _LONGEST_NAME else _MIN_CHANGES_BEYOND_NAMES
    return changes >= least * len(kinds) and len(kinds) >= _MIN_RUN // 2 and "d" in kinds


def _is_in_url(text: str, start: int, end: int) -> bool:
    """Whether a run of a bounded length is a part of an address."""
    if end - start > _MAX_TOKEN_OF_URL:
        return False
    before = text[max(0, start - _MAX_TOKEN_OF_URL) : start].rpartition(" ")[2].rpartition("\n")[2]
    return "://" in before


def _is_block(lines: list[str]) -> bool:
    """Whether runs, one a line, are the lines of encoded texts: of one length, except for last and damaged ones."""
    if len(lines) < _MIN_LINES:
        return False
    [(width, count)] = Counter(map(len, lines)).most_common(1)
    if count < max(2, 0.9 * (len(lines) - 1)):
        return False
    joined = "".join(lines)
    if not _NOT_HEX.search(joined):
        return width not in _HASH_DIGITS and _is_hex(joined)
    return _is_base64(joined)
