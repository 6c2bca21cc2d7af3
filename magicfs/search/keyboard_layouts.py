"""What a typed text is if another layout of the keyboard was meant: `ghbdtn` is `привет`, and `Yimt` is `Zimt`.

Used by `compiled_query`. Pure; any thread.
"""

from __future__ import annotations

from typing import Final

_KEYS: Final = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
_LAYOUTS: Final = (
    (_KEYS, "йцукенгшщзхъфывапролджэячсмитьбюё"),
    (_KEYS, "йцукенгшщзхїфівапролджєячсмитьбюґ"),
    ("ertyuiopasdfghjkl;zxcvbnm,.", "קראטוןםפשדגכעיחלךףזסבהנמצתץ"),
    ("wertyuiopasdfghjklzxcvbnm", "ςερτυθιοπασδφγηξκλζχψωβνμ"),
    ("qwertyuiop[]asdfghjkl;'zxcvnm,.`", "ضصثقفغعهخحجدشسيبلاتنمكطئءؤرىةوزذ"),
)
"""The keys of a layout with letters of ASCII, and the letters of another one on them: those of Russian, Ukrainian,
Hebrew, Greek and Arabic."""
_LATIN: Final = (("yz", "zy", "yz"), ("aqzw;", "qawzm", "aq;"))
"""The letters that German keyboards and French ones have in other places, and those of which a text has one if it was
typed there: a word with no other of them is mostly a word itself, as `Zeit` and `weit` both are."""
_MIN_LATIN: Final = 4
"""The characters of such a text: shorter words are another one with one letter changed."""
_TABLES: Final = (
    *(str.maketrans(keys, letters) for keys, letters in _LAYOUTS),
    *(str.maketrans(letters, keys) for keys, letters in _LAYOUTS),
)


def in_other_layouts(text: str) -> list[str]:
    """What a typed text is in other layouts, in small letters, each once, if it has letters of one script alone."""
    typed = text.lower()
    tables = [*_TABLES, *(str.maketrans(keys, letters) for keys, letters, said in _LATIN if _has_any(typed, said))]
    meant = dict.fromkeys(typed.translate(table) for table in tables)
    return [other for other in meant if other != typed and _is_of_one_script(other)]


def _has_any(text: str, letters: str) -> bool:
    return len(text) >= _MIN_LATIN and not set(letters).isdisjoint(text)


def _is_of_one_script(text: str) -> bool:
    """Whether a text has letters, digits and blanks alone, all of ASCII or no letter of it."""
    if not all(character.isalnum() or character.isspace() for character in text):
        return False
    return text.isascii() or not any(character.isascii() and character.isalpha() for character in text)
