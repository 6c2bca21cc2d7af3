"""Reading the vectors of words that texts get."""

from __future__ import annotations

import re

from magicfs.text.analysis import analyze, question_terms

_LEXEME = re.compile(r"'((?:[^']|'')*)':([\dA,]+)")


def positions(vector: str) -> dict[str, set[int]]:
    """The positions of each lexeme of a `tsvector`."""
    return {
        lexeme.replace("''", "'").replace("\\\\", "\\"): {int(place.rstrip("A")) for place in places.split(",")}
        for lexeme, places in _LEXEME.findall(vector)
    }


def missed_in(vector: str, question: str, *, language: str = "en") -> list[str]:
    """The words and compounds of a question of which a `tsvector` has no form."""
    return [
        term.word
        for term in question_terms(question, languages=[language])
        if not term.is_compound and not any(f"'{lexeme.text}':" in vector for lexeme in term.lexemes)
    ]


def missed(text: str, question: str, *, language: str = "en") -> list[str]:
    """The words and compounds of a question of which a text has no form."""
    return missed_in(analyze(text, language=language), question, language=language)


def share(text: str, question: str, *, language: str | None = None) -> float:
    """The share of the question's terms that a text has; wholes of compounds do not count."""
    words = positions(analyze(text, language=language))
    terms = [term for term in question_terms(question, languages=[language or "en"]) if not term.is_compound]
    found = [
        term
        for term in terms
        if any(
            lexeme.text in words or (lexeme.is_prefix and any(word.startswith(lexeme.text) for word in words))
            for lexeme in term.lexemes
        )
    ]
    return len(found) / len(terms)
