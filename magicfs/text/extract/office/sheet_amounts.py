"""Amounts of a workbook as they are shown: with the places of their format and the text beside them.

Used by `sheet_formats`. The signs between digits depend on the language of the program, which a file does not state:
an amount has a point and no separators of thousands. Pure functions.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final, NamedTuple

_CURRENCY: Final = re.compile(r"\[\$([^\]\"-]{1,9})(?:-[^\]]*)?\]")
BRACKETS: Final = re.compile(r"\[(?!(?:h+|m+|s+)\])[^\]]*\]", re.IGNORECASE)
"""Colours and languages."""
_BESIDE: Final = r'(?:"[^"]*"|\\.|[_*].|[ $\u20ac\u00a3\u00a5+()-])*'
_AMOUNT: Final = re.compile(
    rf"(?P<before>{_BESIDE})(?P<whole>[#0,]*[#0])(?:\.(?P<places>0*)(?P<optional>#*))?(?P<after>{_BESIDE})"
)
"""A number, with what stands before and after it. A comma at its end would divide it by a thousand."""
_BESIDE_PIECE: Final = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|(.)')
MAX_DIGITS: Final = 20
"""The greatest power of ten of a number that is written as it is shown."""
DIGITS: Final = Context(prec=15)
"""As many as a program shows of a number, which is stored with more."""


class Amount(NamedTuple):
    """How amounts are shown by a format."""

    digits: int
    """The digits before the point, at least."""
    places: int
    optional: int
    """Further places, of those that are no zeros."""
    before: str
    after: str

    def shown(self, number: Decimal, _: date) -> str | None:
        """A number as it is shown; None for a very large one."""
        if number.adjusted() > MAX_DIGITS:
            return None
        smallest = Decimal(1).scaleb(-self.places - self.optional)
        rounded = DIGITS.plus(number).quantize(smallest, ROUND_HALF_UP)
        whole, _point, fraction = f"{abs(rounded):f}".partition(".")
        fraction = fraction[: self.places] + fraction[self.places :].rstrip("0")
        sign, point = "-" if rounded < 0 else "", "." if fraction else ""
        return f"{self.before}{sign}{whole.zfill(self.digits)}{point}{fraction}{self.after}".strip()


def amount_format(section: str) -> Amount | None:
    """The format that the first section of a code states; None for one of days, fractions or others."""
    match = _AMOUNT.fullmatch(BRACKETS.sub("", _CURRENCY.sub(r'"\1"', section)))
    if match is None:
        return None
    places, optional = (len(match[name] or "") for name in ("places", "optional"))
    return Amount(match["whole"].count("0"), places, optional, _beside(match["before"]), _beside(match["after"]))


def _beside(code: str) -> str:
    """What is shown before or after a number."""
    return "".join(quoted or escaped or sign for quoted, escaped, sign in _BESIDE_PIECE.findall(code))
