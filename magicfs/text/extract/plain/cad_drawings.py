"""Reads drawings that CAD programs exchange (DXF): texts, and the names of layers and blocks, without coordinates.

Used by `decoding`. A drawing is pairs of lines: a number that says what the value on the second one is. Line numbers
stay. Pure functions; any thread.
"""

from __future__ import annotations

import re
from typing import Final

from magicfs.text.extract.plain.plain_text import clean

DRAWING_TYPE: Final = "text/x-dxf"

_BEGINNING: Final = re.compile(r"^[ \t]*0\n[A-Z][A-Z0-9_]{2,30}$", re.MULTILINE)
"""How an object begins: where one stands says which lines are the numbers, of a piece of a large drawing too."""
_NUMBER: Final = re.compile(r"[ \t]*-?[0-9]{1,4}[ \t]*")
_BEGINS, _TEXT, _NAME, _MORE = "0", "1", "2", "3"
_END: Final = "EOF"
_CONTENT: Final = frozenset({_TEXT, _MORE})
"""Of a long text, the pieces before the last one have another number."""
_SHOWN: Final = {
    **dict.fromkeys(("TEXT", "MTEXT", "ATTRIB", "ATTDEF", "DIMENSION", "ARC_DIMENSION", "TOLERANCE"), _CONTENT),
    **dict.fromkeys(("MULTILEADER", "MLEADER"), frozenset({"304"})),
    "ACAD_TABLE": frozenset({_TEXT, "302"}),
    **dict.fromkeys(("LAYER", "BLOCK"), frozenset({_NAME})),
    "LAYOUT": frozenset({_TEXT}),
}
"""What is kept of each kind of object."""
_UNNAMED: Final = re.compile(r"\*|_|0\Z|(?i:defpoints)\Z")
"""Names that programs give."""
_MARK: Final = re.compile(r"[A-Z]+_(?:BEGIN|END)\Z|CELL_VALUE\Z|CONTEXT_DATA")
"""What tables and leaders have between their texts."""

_CODE: Final = re.compile(
    r"""\\U\+(?P<letter>[0-9A-Fa-f]{4}) | \\M\+(?P<charset>[1-5])(?P<bytes>[0-9A-Fa-f]{4}) | \\S(?P<stack>[^;]{0,200});
    | \\[ACFHQTWcfp][^;\\{}]{0,100}; | \\(?P<break>[PNX]|~) | \\[LlOoKk] | \\(?P<sign>[\\{}]) | [{}] | \^(?P<space>[IJ])
    | %%(?P<degree>[dDcCpP%]) | %%[uUoOkK] | %%(?P<number>[0-9]{3})""",
    re.VERBOSE,
)
"""What stands in a text for a letter, a break, or the look of what follows."""
_CHARSETS: Final = {"1": "cp932", "2": "big5", "3": "cp949", "4": "johab", "5": "gbk"}
_FIRST_SHOWN: Final = 0x20
"""The first code that is not a control character."""
_DEGREES: Final = {"d": "°", "c": "⌀", "p": "±", "%": "%"}


def read_exchanged_drawing(text: str) -> str:
    """A drawing with its texts and names alone, each on its line; the same text if it is none."""
    beginning = _BEGINNING.search(text)
    if beginning is None:
        return text
    lines = text.split("\n")
    first = text.count("\n", 0, beginning.start()) % 2
    kept = [""] * len(lines)
    kind, shown = "", frozenset[str]()
    pieces: list[str] = []
    for place in range(first, len(lines) - 1, 2):
        number, value = lines[place].strip(), lines[place + 1]
        if kind == _END:
            break
        if not _NUMBER.fullmatch(lines[place]):
            return text
        if number == _BEGINS:
            kind = value.strip()
            shown = _SHOWN.get(kind, frozenset())
            pieces = []
        elif number in shown:
            if number == _MORE and kind == "MTEXT":
                pieces.append(value)
                continue
            whole = "".join([*pieces, value])
            pieces = []
            left_out = _UNNAMED if number == _NAME else _MARK
            if not left_out.match(whole):
                kept[place + 1] = _CODE.sub(_letters, whole)
    # Codes may stand for halves of a character.
    return clean("\n".join(kept))


def _letters(match: re.Match[str]) -> str:
    """What a person sees for a code."""
    if match["letter"] or match["number"]:
        code = int(match["letter"], 16) if match["letter"] else int(match["number"])
        return chr(code) if code >= _FIRST_SHOWN else " "
    if match["bytes"]:
        return bytes.fromhex(match["bytes"]).decode(_CHARSETS[match["charset"]], "replace")
    if match["stack"]:
        return re.sub(r"[\^#]", "/", match["stack"])
    if match["degree"]:
        return _DEGREES[match["degree"].lower()]
    return match["sign"] or (" " if match["break"] or match["space"] else "")
