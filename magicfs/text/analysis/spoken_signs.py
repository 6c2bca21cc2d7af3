"""Signs that people type as words: Greek letters, and the signs in the names of notes and of programming languages.

Used by `typed_forms`. Pure functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from magicfs.text.analysis.variants import OtherForms

_GREEK: Final = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "theta": "θ", "iota": "ι",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
"""The letters that stand alone in formulas and in terms; eta and omicron are articles in Greek, so in any text."""
_NAMES: Final = {letter: name for name, letter in _GREEK.items()}
_LETTER: Final = re.compile(rf"(?<![^\W_])(?:({'|'.join(_GREEK)})|([{''.join(_NAMES)}]))(?![^\W_])")
_NAME: Final = re.compile(
    r"(?<!\w)(?:(?P<sharp>[cdfgjq])[ -]?sharp|(?P<flat>[a-g])[ -]flat|(?P<plus>cpp|cxx|c ?plus ?plus)|dot ?net)(?!\w)"
)
_WORD: Final = re.compile(r"\w+")


def greek_letter_forms(text: str) -> Iterator[OtherForms]:
    """Yield the letter for its name, such as `alpha`, and the other way round."""
    for name, letter in _LETTER.findall(text.lower().replace("ς", "σ")):
        yield frozenset({name or letter}), [_GREEK[name] if name else _NAMES[letter]]


def forms_with_signs(text: str) -> Iterator[OtherForms]:
    """Yield `c#` and `♯` for `C sharp`, `♭` for `B flat`, `c++` for `C plus plus` and `cpp`, `.net` for `dotnet`."""
    for match in _NAME.finditer(text.lower()):
        words = frozenset(_WORD.findall(match[0]))
        if match["flat"]:
            yield frozenset({"flat"}), ["♭"]
        elif match["sharp"]:
            yield words, [f"{match['sharp']}#"]
            if len(words) > 1:
                yield frozenset({"sharp"}), ["♯"]
        else:
            yield words, ["c++" if match["plus"] else ".net"]
