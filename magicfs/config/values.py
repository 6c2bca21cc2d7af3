"""Values of settings: a text of the environment, or a value of TOML, becomes one of the type of its setting.

Used by `Settings`, whose fields have the types and the limits. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import Field
from pathlib import Path
from typing import Any

from magicfs.errors import ConfigError

HOST_AND_PORT = {
    "pattern": r"^(\[[0-9a-fA-F:.%\w]+\]|[^:\[\]/\s]+)(:\d{1,5})?$",
    "form": "HOST or HOST:PORT, such as 10.8.0.1:7420",
}
"""The limits of an address of a host. One of IPv6 is in brackets."""

HOST_NAME = {
    "pattern": r"^(?!\s)[^/:\x00-\x1f\x7f]{1,128}(?<!\s)\Z",
    "form": "a name of 1 to 128 characters without '/', ':', line breaks, and blanks around it",
}
"""The limits of the name of a host. Names of files and of queues begin or end with it; in those of `mirror/`, a colon
stands behind it."""


class InvalidSetting(ConfigError):
    """A setting with a value that is not valid, or of an unknown name."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"'{name}' {reason}")
        self.name = name
        self.reason = reason


def valid_value(entry: Field[Any], value: object) -> object:
    """A value of the type of a field of `Settings`, from the environment's text or a value of TOML.

    Raises `InvalidSetting` for another type, and for what the limits of the field exclude.
    """
    kind = str(entry.type)
    if value is None and kind.endswith("| None"):
        return None
    try:
        converted = _CONVERTERS[kind.removesuffix(" | None")](value)
    except (ValueError, TypeError) as error:
        raise InvalidSetting(entry.name, f"is not valid: {error}") from error
    limits = entry.metadata
    broken: dict[str, Callable[[Any], bool]] = {
        "pattern": lambda pattern: not re.search(pattern, str(converted)),
        "ge": lambda limit: not converted >= limit,
        "gt": lambda limit: not converted > limit,
        "le": lambda limit: not converted <= limit,
    }
    for limit, is_broken in broken.items():
        if limit in limits and is_broken(limits[limit]):
            raise InvalidSetting(entry.name, f"is not valid: it must {_rule(limit, limits[limit], limits.get('form'))}")
    return converted


def _rule(limit: str, value: object, form: object) -> str:
    """A limit of a setting, in words. A pattern that only lists words becomes a list, any other one has a `form`."""
    if form is not None:
        return f"be {form}"
    words = re.fullmatch(r"\^\((?:\?i:)?([a-z0-9|]+)\)\$", str(value))
    return f"be one of {words[1].replace('|', ', ')}" if words else f"{_LIMITS[limit]} {value}"


_LIMITS = {"pattern": "match", "ge": "be at least", "gt": "be more than", "le": "be at most"}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("it must be a text")
    if not value.strip():
        raise ValueError("it must not be empty: leave it out to have the default")
    return value


def _path(value: object) -> Path:
    return value if isinstance(value, Path) else Path(_text(value))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError("it must be a number")
    try:
        number = float(value)
    except ValueError:
        raise ValueError("it must be a number") from None
    if not math.isfinite(number):
        raise ValueError("it must be a finite number")
    return number


def _whole_number(value: object) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError("it must be a whole number")
    return int(number)


def _boolean(value: object) -> bool:
    word = str(value).lower()
    if word not in _BOOLEANS:
        raise ValueError("it must be true or false")
    return _BOOLEANS[word]


_BOOLEANS = dict.fromkeys(("true", "1", "yes", "on", "t", "y"), True) | dict.fromkeys(
    ("false", "0", "no", "off", "f", "n"), False
)

_CONVERTERS: dict[str, Callable[[object], Any]] = {
    "Path": _path,
    "str": _text,
    "int": _whole_number,
    "float": _number,
    "bool": _boolean,
}
