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
_LATIN: Final = (("yz", "zy"), ("aqzw;", "qawzm"))
"""The letters that German keyboards and French ones have in other places."""
_TABLES: Final = (
    *(str.maketrans(keys, letters) for keys, letters in _LAYOUTS),
    *(str.maketrans(letters, keys) for keys, letters in _LAYOUTS),
    *(str.maketrans(keys, letters) for keys, letters in _LATIN),
)


def in_other_layouts(text: str) -> list[str]:
    """What a typed text is in other layouts, in small letters, each once, if it has letters of one script alone."""
    typed = text.lower()
    meant = dict.fromkeys(typed.translate(table) for table in _TABLES)
    return [other for other in meant if other != typed and _is_of_one_script(other)]


def _is_of_one_script(text: str) -> bool:
    """Whether a text has letters, digits and blanks alone, all of ASCII or no letter of it."""
    if not all(character.isalnum() or character.isspace() for character in text):
        return False
    return text.isascii() or not any(character.isascii() and character.isalpha() for character in text)
