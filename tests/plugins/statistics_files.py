"""Data sets of SPSS and Stata with three variables, in both orders of bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping

VARIABLES = {"SEX": "Geschlecht", "TOWN": "Where they live", "AGE": ""}
VALUES = {1: "weiblich", 2: "männlich"}


def spss(order: str, *, charset: str = "cp1252") -> bytes:
    """A data set with a label, notes, and values of the first variable and of the second one, which is a text."""

    def numbers(*values: int) -> bytes:
        return struct.pack(f"{order}{len(values)}i", *values)

    def labels(values: dict[bytes, str], column: int) -> bytes:
        data = numbers(3, len(values))
        for value, label in values.items():
            stored = label.encode(charset)
            data += value + bytes([len(stored)]) + stored + b" " * (-(len(stored) + 1) % 8)
        return data + numbers(4, 1, column)

    data = b"$FL2" + b"@(#) SPSS DATA FILE".ljust(60) + numbers(2, 4, 1, 0, 7) + bytes(8 + 9 + 8)
    data += "Die Umfrage von Köln".encode(charset).ljust(64) + bytes(3)
    for name, label in VARIABLES.items():
        stored = label.encode(charset)
        missing = struct.pack(f"{order}d", 9) if name == "SEX" else b""
        data += numbers(2, 16 if name == "TOWN" else 0, bool(label), len(missing) // 8, 0, 0) + name.encode().ljust(8)
        data += (numbers(len(stored)) + stored + bytes(-len(stored) % 4) if label else b"") + missing
        data += numbers(2, -1, 0, 0, 0, 0) + bytes(8) if name == "TOWN" else b""
    data += labels({struct.pack(f"{order}d", value): label for value, label in VALUES.items()}, 1)
    data += labels({b"K       ": "Köln"}, 2)
    data += numbers(6, 1) + b"asked by telephone".ljust(80)
    data += numbers(7, 3, 4, 8, 20, 0, 0, 0, 1, 1, 2, 65001 if charset == "utf-8" else 1252)
    names = b"AGE=AgeInYears\tSEX=Sex\0"
    return data + numbers(7, 13, 1, len(names)) + names + numbers(999, 0) + b"data" * 20


def _set_of_values(order: str, name: str, charset: str, name_bytes: int, values: Mapping[int, str] = VALUES) -> bytes:
    texts = b"".join(label.encode(charset) + b"\0" for label in values.values())
    second = len(values[1].encode(charset)) + 1
    table = struct.pack(f"{order}6i", 2, len(texts), 0, second, *values) + texts
    return struct.pack(f"{order}i", len(table)) + name.encode().ljust(name_bytes, b"\0") + bytes(3) + table


def old_stata(
    version: int,
    order: str,
    *,
    charset: str = "cp1252",
    variables: Mapping[str, str] = VARIABLES,
    values: Mapping[int, str] = VALUES,
) -> bytes:
    """The same of Stata 8 to 12, and the values of the first variable."""

    def places(width: int, *texts: str) -> bytes:
        return b"".join(text.encode(charset, "ignore").ljust(width, b"\0") for text in texts)

    head = bytes([version, 1 if order == ">" else 2, 1, 0]) + struct.pack(f"{order}HI", 3, 2)
    head += places(81, "Die Umfrage von Köln") + bytes(18) + bytes([251, 16, 255]) + places(33, *variables)
    head += bytes(8) + bytes(3 * (49 if version > 113 else 12)) + places(33, "sexes", "", "sexes")
    head += places(81, *variables.values()) + struct.pack(f"{order}bi", 1, 9) + bytes(9) + bytes(5)
    return head + bytes(2 * (1 + 16 + 8)) + _set_of_values(order, "sexes", charset, 33, values)


def stata(release: int, order: str) -> bytes:
    """The same of Stata 13 and later."""
    name, label, size, charset = (33, 81, "B", "cp1252") if release == 117 else (129, 321, f"{order}H", "utf-8")
    title = "Die Umfrage von Köln".encode(charset)

    def tagged(tag: str, *pieces: bytes, width: int = 0) -> bytes:
        return f"<{tag}>".encode() + b"".join(piece.ljust(width, b"\0") for piece in pieces) + f"</{tag}>".encode()

    count = struct.pack(f"{order}{'I' if release > 118 else 'H'}", 3)
    head = tagged("release", str(release).encode()) + tagged("byteorder", b"MSF" if order == ">" else b"LSF")
    head += tagged("K", count) + tagged("N", bytes(8)) + tagged("label", struct.pack(size, len(title)) + title)
    data = b"<stata_dta>" + tagged("header", head)
    data += tagged("varnames", *(each.encode() for each in VARIABLES), width=name)
    data += tagged("value_label_names", b"sexes", b"", b"sexes", width=name)
    data += tagged("variable_labels", *(each.encode(charset) for each in VARIABLES.values()), width=label)
    values = tagged("lbl", _set_of_values(order, "sexes", charset, name))
    return data + tagged("data", bytes(50)) + tagged("value_labels", values) + b"</stata_dta>"
