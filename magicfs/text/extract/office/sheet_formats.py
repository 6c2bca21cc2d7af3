"""Writes percentages, amounts, days, times and padded numbers of a workbook as they are shown, for kreuzberg.

Runs in the child process, called by `running_text`; `excel_files` shows the numbers of old workbooks with it. A cell
holds a number and the place of its format: of 0.125 as `0.0%`, kreuzberg gives 0.125, and of a day at midnight its
hour. `sheet_amounts` shows amounts. Cells with other formats stay as they are. Pure functions.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum, auto
from functools import lru_cache, partial
from typing import Final

from magicfs.text.extract.office.repacking import repacked
from magicfs.text.extract.office.sheet_amounts import BRACKETS, DIGITS, MAX_DIGITS, amount_format

WORKBOOK_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_STYLES: Final = "xl/styles.xml"
_WORKBOOK: Final = "xl/workbook.xml"
_SHEET: Final = re.compile(r"xl/worksheets/[^/]+\.xml")
_MAX_SHEET_BYTES: Final = 16 << 20
_MAX_BYTES: Final = 128 << 20
"""A workbook whose sheets, or all of whose members, unpack to more stays as it is."""

BUILT_IN_FORMATS: Final = {
    **dict.fromkeys((1, 3, 5, 6, 37, 38, 41, 42), "0"), **dict.fromkeys((2, 4, 7, 8, 39, 40, 43, 44), "0.00"),
    9: "0%", 10: "0.00%", 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 45: "mm:ss", 46: "[h]:mm:ss",
}  # fmt: skip
"""The formats that have a number and no text in a file. How a day without a format of its own is shown depends on the
computer."""
_FORMAT: Final = re.compile(rb"<(?:\w+:)?numFmt\b([^<>]*)>")
_FORMAT_ATTRIBUTES: Final = ("numFmtId", "formatCode")
_ATTRIBUTE: Final = re.compile(rb"\b(numFmtId|formatCode)=\"([^\"]*)\"")
_CELL_STYLES: Final = re.compile(rb"<(?:\w+:)?cellXfs\b")
_END_OF_CELL_STYLES: Final = re.compile(rb"</(?:\w+:)?cellXfs>")
_CELL_STYLE: Final = re.compile(rb"<(?:\w+:)?xf\b([^<>]*)>")
_CELL: Final = re.compile(
    rb"<((?:\w+:)?)c\b((?:\s+[a-z]{1,8}=\"[^\"<>]*\"){0,8}?\s+s=\"(\d{1,6})\"(?:\s+[a-z]{1,8}=\"[^\"<>]*\"){0,8})\s*>"
    rb"((?:<(?:\w+:)?f\b[^<>]*/>|<(?:\w+:)?f\b[^<>]*>[^<]*</(?:\w+:)?f>)?)<(?:\w+:)?v>([-+.0-9Ee]{1,30})</(?:\w+:)?v>"
)
"""A cell with a style, perhaps with a formula, and a number."""
_LONG_NUMBER: Final = re.compile(
    rb"(<(?:\w+:)?c\b((?:\s+[a-z]{1,8}=\"[^\"<>]*\"){0,8})\s*>"
    rb"(?:<(?:\w+:)?f\b[^<>]*/>|<(?:\w+:)?f\b[^<>]*>[^<]*</(?:\w+:)?f>)?<(?:\w+:)?v>)(-?(?=[0-9.]{17})\d{1,14}\.\d{1,30})<"
)
"""A cell with a number of more digits than a program shows."""
_KIND: Final = re.compile(rb"\st=\"([^\"]*)\"")
"""What the value of a cell is: the place of a text, a text, and by default a number."""
_SINCE_1904: Final = re.compile(rb"\bdate1904=\"(?:1|true)\"")

HEADER_CODE: Final = re.compile(r'&(?:"[^"]{0,100}"|[0-9]{1,3}|K[0-9A-Fa-f+-]{6}|[A-Za-z])')
"""Fonts, and places such as the page's number, in a header of a sheet."""
_SECTION: Final = re.compile(r'(?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\\[])*')
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|(?<=[sS])\.0{1,3}|[_*].')
_PIECE: Final = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[(?P<elapsed>h+|m+|s+)\]|_.|\*.|(?P<half>AM/PM|A/P)'
    r"|(?P<letters>y+|m+|d+|h+|s+)(?:(?<=[sS])\.0{1,3})?|(?P<sign>.)",
    re.IGNORECASE,
)
_MAX_CODE_CHARACTERS: Final = 255
"""No program writes longer ones."""
_PERCENT: Final = re.compile(
    r'(?:[_*].)*[#,]*0(?:\.(?=[0#])(?P<places>0*)(?P<optional>#*))?(?:\\?\s|"\s*")?%(?:"(?P<after>[^"]*)")?(?:[_*].)*'
)
_PADDED: Final = re.compile(r"0(?:0|\\?[ -]|\\[/.])*0")
"""A bare slash makes a fraction."""
_CONDITION: Final = re.compile(r"\[[<>=]")
_DAY_SECONDS: Final = 86_400
_LAST_DAY: Final = 2_958_465
"""31 December 9999."""
_NO_LEAP_DAY: Final = 60
EPOCH: Final = date(1899, 12, 31)
EPOCH_OF_MACINTOSH: Final = date(1904, 1, 1)
"""Days are counted from here."""


def as_shown(content: bytes) -> bytes:
    """A workbook with those numbers as texts, and no digits of others that are not shown.

    The same bytes where it has none of them, or is too large or damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as workbook:
            members = workbook.infolist()
            sheets = sum(member.file_size for member in members if _SHEET.fullmatch(member.filename))
            if sheets > _MAX_SHEET_BYTES or sum(member.file_size for member in members) > _MAX_BYTES:
                return content
            formats = _formats(workbook.read(_STYLES))
            epoch = EPOCH_OF_MACINTOSH if _SINCE_1904.search(workbook.read(_WORKBOOK)) else EPOCH
            write = partial(_written, formats=formats, epoch=epoch)
            changed = {}
            for member in members:
                if _SHEET.fullmatch(member.filename):
                    sheet = workbook.read(member)
                    if (written := _CELL.sub(write, _LONG_NUMBER.sub(_rounded, sheet))) != sheet:
                        changed[member.filename] = written
            return repacked(workbook, changed=changed) if changed else content
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, LookupError, RuntimeError, EOFError):
        return content


def shown(value: str, code: str, *, epoch: date = EPOCH) -> str | None:
    """A number as its program shows it by the code of a format; of a day, also as people sort it. None for others."""
    show = _reader(code)
    try:
        return show(Decimal(value), epoch) if show else None
    except ArithmeticError:
        return None


@lru_cache(maxsize=256)
def _reader(code: str) -> Callable[[Decimal, date], str | None] | None:
    """What shows numbers by a code; None for one that is not shown here."""
    first = _SECTION.match(code)[0]  # type: ignore[index]  # it matches nothing, too
    if len(code) > _MAX_CODE_CHARACTERS or _CONDITION.search(first):
        return None
    section = BRACKETS.sub("", first)
    if match := _PERCENT.fullmatch(section):
        places, optional = (len(match[name] or "") for name in ("places", "optional"))
        return partial(_percentage, places, optional, match["after"] or "")
    if _PADDED.fullmatch(section):
        return partial(_padded, section.replace("\\", ""))
    if amount := amount_format(first):
        return amount.shown
    plain = _LITERAL.sub("", section)
    if re.search("[ymdhs]", plain, re.IGNORECASE) and not re.search("[0#?@]|General", plain):
        return partial(_moment, tuple(_pieces(section)))
    return None


def _formats(styles: bytes) -> dict[int, str]:
    """The codes of those formats that are shown here, by the number of the cells' style."""
    codes = dict(BUILT_IN_FORMATS)
    for match in _FORMAT.finditer(styles):
        stated = dict(_ATTRIBUTE.findall(match[1]))
        if len(stated) == len(_FORMAT_ATTRIBUTES):
            codes[int(stated[b"numFmtId"])] = html.unescape(stated[b"formatCode"].decode("utf-8", "replace"))
    start = _CELL_STYLES.search(styles)
    end = _END_OF_CELL_STYLES.search(styles, start.end()) if start else None
    found = {}
    for place, style in enumerate(_CELL_STYLE.findall(styles, start.end(), end.start()) if start and end else ()):
        code = codes.get(int(dict(_ATTRIBUTE.findall(style)).get(b"numFmtId", 0)), "")
        if _reader(code):
            found[place] = code
    return found


def _written(cell: re.Match[bytes], *, formats: Mapping[int, str], epoch: date) -> bytes:
    """A cell with its number as a text, if that is how it is shown."""
    prefix, attributes, style, formula, value = cell.groups()
    kind, code = _KIND.search(attributes), formats.get(int(style))
    text = shown(value.decode(), code, epoch=epoch) if code and (kind is None or kind[1] == b"n") else None
    if text is None:
        return cell[0]
    attributes = _KIND.sub(b"", attributes) + b' t="str"'
    return b"<%sc%s>%s<%sv>%s</%sv>" % (prefix, attributes, formula, prefix, html.escape(text).encode(), prefix)


def _rounded(cell: re.Match[bytes]) -> bytes:
    """A cell with the digits of its number that are shown: a sum of amounts has others behind them."""
    kind = _KIND.search(cell[2])
    if kind and kind[1] != b"n":
        return cell[0]
    number = DIGITS.create_decimal(cell[3].decode())
    return b"%s%s<" % (cell[1], f"{number.normalize():f}".encode())


def _percentage(places: int, optional: int, after: str, number: Decimal, _: date) -> str:
    """A percentage with at least this number of places, more where they are not zeros, and with the text after it."""
    rounded = (DIGITS.plus(number) * 100).quantize(Decimal(1).scaleb(-places - optional), ROUND_HALF_UP)
    # Zero has a sign here.
    text = f"{rounded or abs(rounded):f}"
    for _place in range(optional):
        text = text.removesuffix("0")
    return f"{text.removesuffix('.')}%{after}"


def _padded(section: str, number: Decimal, _: date) -> str | None:
    """A number with zeros before it, and with the signs between its digits."""
    if number < 0 or number.adjusted() > MAX_DIGITS or number != int(number):
        return None
    count = section.count("0")
    digits = str(int(number)).zfill(count)
    rest = iter(digits[len(digits) - count :])
    return digits[: len(digits) - count] + "".join(next(rest) if sign == "0" else sign for sign in section)


class _Kind(Enum):
    """What a piece of a code stands for."""

    TEXT = auto()
    ELAPSED = auto()
    HALF = auto()
    YEAR = auto()
    MONTH = auto()
    DAY = auto()
    HOUR = auto()
    MINUTE = auto()
    SECOND = auto()


_KINDS: Final = {"y": _Kind.YEAR, "m": _Kind.MONTH, "d": _Kind.DAY, "h": _Kind.HOUR, "s": _Kind.SECOND}


def _pieces(section: str) -> Iterator[tuple[_Kind, str]]:
    """Yield the pieces of a code. An `m` stands for minutes and not for the month behind hours, or before seconds."""
    matches = list(_PIECE.finditer(section))
    letters = [str(match["letters"] or match["elapsed"] or "")[:1].lower() for match in matches]
    for place, match in enumerate(matches):
        if match["elapsed"]:
            yield _Kind.ELAPSED, match["elapsed"].lower()
        elif match["half"]:
            yield _Kind.HALF, ""
        elif match["letters"] is None:
            yield _Kind.TEXT, match["quoted"] or match["escaped"] or match["sign"] or ""
        else:
            before = next(filter(None, reversed(letters[:place])), "")
            after = next(filter(None, letters[place + 1 :]), "")
            are_minutes = letters[place] == "m" and (before == "h" or after == "s")
            yield _Kind.MINUTE if are_minutes else _KINDS[letters[place]], match["letters"].lower()


def _moment(pieces: tuple[tuple[_Kind, str], ...], number: Decimal, epoch: date) -> str | None:
    if not 0 <= number <= _LAST_DAY:
        return None
    seconds = round(float(number) * _DAY_SECONDS)
    days, time_of_day = divmod(seconds, _DAY_SECONDS)
    # The program counts a 29 February 1900, which there was not.
    day = epoch + timedelta(days=days - (epoch == EPOCH and days >= _NO_LEAP_DAY))
    kinds = {kind for kind, _ in pieces}
    hour = time_of_day // 3600
    numbers = {
        _Kind.MONTH: day.month,
        _Kind.DAY: day.day,
        _Kind.HOUR: (hour + 11) % 12 + 1 if _Kind.HALF in kinds else hour,
        _Kind.MINUTE: time_of_day // 60 % 60,
        _Kind.SECOND: time_of_day % 60,
    }
    texts = [_piece(kind, letters, numbers, day, seconds) for kind, letters in pieces]
    text = "".join(texts).strip()
    has_day = _Kind.YEAR in kinds or _Kind.DAY in kinds
    return f"{text} {day}" if has_day and str(day) not in text else text


def _piece(kind: _Kind, letters: str, numbers: Mapping[_Kind, int], day: date, seconds: int) -> str:
    if kind in numbers:
        if len(letters) >= _NAME_LETTERS and (kind, True) in _NAMES:
            return day.strftime(_NAMES[kind, len(letters) == _NAME_LETTERS])
        return str(numbers[kind]).zfill(len(letters))
    if kind is _Kind.TEXT:
        return letters
    if kind is _Kind.YEAR:
        return str(day.year) if len(letters) >= _NAME_LETTERS else f"{day.year % 100:02}"
    if kind is _Kind.HALF:
        return "PM" if seconds % _DAY_SECONDS >= _DAY_SECONDS // 2 else "AM"
    return str(seconds // {"h": 3600, "m": 60, "s": 1}[letters[0]]).zfill(len(letters))


_NAME_LETTERS: Final = 3
"""So many letters stand for the short name of a month or a day, more for the whole one."""
_NAMES: Final = {
    (_Kind.MONTH, True): "%b", (_Kind.MONTH, False): "%B", (_Kind.DAY, True): "%a", (_Kind.DAY, False): "%A",
}  # fmt: skip
