"""Numbers with what they measure: units, dimensions, powers, per cent and money, in one piece and in other forms.

Texts have `10 GB` as `10GB` too, dimensions as `1920x1080`, and `m^2` as `m2`. Used by `readable` for texts and by
`typed_forms` for what is typed. Pure functions; any thread.
"""

from __future__ import annotations

import re
from typing import Final

from magicfs.text.analysis.tokens import UNITS

_SPACE: Final = "[ \u00a0\u202f]"
_NUMBER: Final = r"([0-9](?<![\w.,:/-][0-9])[0-9]{0,5}(?:[.,][0-9]{1,3})?)"
_WITH_UNIT: Final = re.compile(rf"{_NUMBER}{_SPACE}((?i:{UNITS})|[glmtshvwACFVWKNJ%\u03a9])(?![\w/])")
"""A number and its unit with a blank between them."""
_LETTER_BEHIND: Final = re.compile(f"[0-9]{_SPACE}[^\\W_0-9]")
_SIGN_BEHIND: Final = re.compile(f"[0-9]{_SPACE}%")
"""What it needs, and many texts have not."""
_MICRO: Final = re.compile(rf"{_NUMBER}{_SPACE}?\u03bc([A-Za-z])(?!\w)")
"""A number with a unit of a millionth, for which people type a `u`."""

_TIMES: Final = re.compile(f"(?<=[0-9]){_SPACE}?[\u00d7\u2715]{_SPACE}?(?=[0-9])")
"""The sign of multiplication between two numbers, for which people type an `x`."""
_DIMENSIONS: Final = re.compile(
    r"[1-9](?<![\w.,:/-].)[0-9]{0,4} x (?!10\b)[1-9][0-9]{0,4}(?: x [1-9][0-9]{0,4})?(?![\w/]|[.,][0-9])"
)
"""Two or three lengths; not a number that is multiplied by a power of ten."""
_POWER: Final = re.compile(
    r"([A-Za-z\u03a9\u03bc](?<![A-Za-z\\].)[A-Za-z]{0,2})\^(?:([0-9]{1,2})(?![\w^])|\{([0-9]{1,2})\})"
)
"""A letter or a unit with an exponent as it is typed: `m^2`, `x^{2}`."""
_EXPONENT: Final = re.compile("[\u00b2\u00b3\u00b9\u2070\u2074-\u207b](?<=[0-9].)")
"""The beginning of a raised number behind another one."""

_PERCENT: Final = re.compile(
    r"([0-9](?<![\w:/-][0-9])[0-9]*(?:[.,][0-9]+)?)[ \u00a0\u202f-]?"
    r"((?:(?:per|pour|por) ?(?:cent|ciento|cento)|pro[czs]+ent[a-z]*"
    r"|процент\w*|відсотк\w*|százalék\w*))(?!\w)",
    re.IGNORECASE,
)
"""A number and the word for `%`, in languages that have the word behind the number."""

_MONEY: Final = {
    "€": "eur euro euros", "$": "usd dollar dollars", "£": "gbp pound pounds", "¥": "jpy yen cny yuan",
    "₹": "inr rupee rupees", "₽": "rub руб рублей рубля", "₩": "krw won", "₺": "try lira", "₴": "uah грн гривень",
    "₪": "ils nis",
}  # fmt: skip
"""The names and the codes of currencies by their signs."""
_SIGNS_OF_MONEY: Final = {name: sign for sign, names in _MONEY.items() for name in names.split()}
_AMOUNT: Final = r"[0-9](?<!\w.)[0-9.,]*"
_NAMES_OF_MONEY: Final = "|".join([*_SIGNS_OF_MONEY, *map(re.escape, _MONEY)])
_TYPED_MONEY: Final = re.compile(
    rf"({_AMOUNT}){_SPACE}({_NAMES_OF_MONEY})(?!\w)|(?<!\w)({_NAMES_OF_MONEY}){_SPACE}({_AMOUNT})", re.IGNORECASE
)

Forms = list[tuple[frozenset[str], str]]
"""Other forms of what is typed, each with the words that it stands for."""


def with_typed_signs(text: str) -> str:
    """A text with `m2` for `m^2`, and with an `x` for the sign of multiplication between two numbers."""
    if "^" in text:
        text = _POWER.sub(r"\1\2\3", text)
    return text if text.isascii() else _TIMES.sub(" x ", text)


def with_exponents_apart(text: str) -> str:
    """A text with a sign before a raised number behind another one: `10⁶` is not 106."""
    return _EXPONENT.sub(r"^\g<0>", text)


def measures_in_one_piece(text: str) -> list[str]:
    """The numbers with a unit of a readable text, in one piece: `10GB`, `5um`."""
    found = []
    if _LETTER_BEHIND.search(text) or ("%" in text and _SIGN_BEHIND.search(text)):
        found += [number + unit for number, unit in _WITH_UNIT.findall(text)]
    return found + _with_typed_micro(text)


def dimensions(text: str) -> list[str]:
    """The dimensions of a readable text in one piece, each once: `1920x1080`."""
    return list(dict.fromkeys(match.replace(" ", "") for match in _DIMENSIONS.findall(text))) if " x " in text else []


def _with_typed_micro(text: str) -> list[str]:
    return [f"{number}u{unit}" for number, unit in _MICRO.findall(text)] if "\u03bc" in text else []


def measure_forms(text: str) -> Forms:
    """Other forms of the numbers of a typed text: `12%` for `12 percent`, `5um`, `45€` for `45 EUR`."""
    found: Forms = [(frozenset(words.lower().split()), f"{number}%") for number, words in _PERCENT.findall(text)]
    found += [(frozenset({f"\u03bc{unit}"}), f"{number}u{unit}") for number, unit in _MICRO.findall(text)]
    for number, name, first_name, last_number in _TYPED_MONEY.findall(text):
        found += _forms_of_money(number or last_number, (name or first_name).lower())
    return found


def _forms_of_money(number: str, name: str) -> Forms:
    sign = _SIGNS_OF_MONEY.get(name, name)
    amount = number.rstrip(".,")
    forms = [sign, *_MONEY[sign].split(), sign + amount, amount + sign]
    return [(frozenset({name}), form) for form in forms if form != name]
