"""The lines that say when and where a picture or a film was taken, and values as one line. Pure functions.

Used by the readers of pictures, sound and films, so that all say the same thing in the same words.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from magicfs.text.extract.plain.plain_text import clean

_MAX_VALUE_CHARACTERS: Final = 5000


def date_line(moment: date) -> str:
    """The line that says when a picture or a film was taken, with the names of the day and the month."""
    hour = f" {moment:%H:%M}" if isinstance(moment, datetime) else ""
    return f"Date: {moment:%Y-%m-%d}{hour}, {moment:%A %d %B %Y}"


def place_line(latitude: float, longitude: float) -> str:
    """The line that says where a picture or a film was taken, in degrees."""
    return f"Place: {latitude:.5f}, {longitude:.5f}"


def one_line(value: object) -> str:
    """A value of any kind as one line of text, with an end."""
    return " ".join(clean(str(value)).split())[:_MAX_VALUE_CHARACTERS]
