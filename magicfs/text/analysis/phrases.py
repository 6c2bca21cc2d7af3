"""The words of phrases: the condition that a text has them one after the other, and the words that it surely has.

Used by searches for what is typed in quotes, and for what is meant to the letter. Any thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from magicfs.domain.query import Lexeme
from magicfs.text.analysis.compounds import MAX_COMPOUND_CHARACTERS
from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.forms import algorithms_for, word_forms
from magicfs.text.analysis.lexemes import folded_word, unspaced_lexemes
from magicfs.text.analysis.readable import readable
from magicfs.text.analysis.tokens import Token, typed_tokens


def phrase_query(text: str, *, languages: Sequence[str] | None = None) -> str | None:
    """The condition that a text has the words of a phrase one after the other; None without any word.

    Without `languages` the words are exact, and signs inside of them too. With the languages of the index, other forms
    of the words do as well.
    """
    algorithms = () if languages is None else algorithms_for(languages)
    steps: list[tuple[int, str]] = []
    position = 0
    for token, has_star in _phrase_tokens(text):
        steps += [(position + place, step) for place, step in _steps(token, algorithms, has_star=has_star)]
        position += len(token.parts)
    if not steps:
        return None
    condition = steps[0][1]
    for (before, _), (place, step) in pairwise(steps):
        condition += f" <{place - before}> {step}"
    return condition


def phrase_words(text: str) -> frozenset[str]:
    """The folded words that stand alone: a text that meets `phrase_query` has a form of each.

    Of compounds and of scripts without spaces there are none.
    """
    alone = (
        token.parts[0]
        for token, has_star in _phrase_tokens(text)
        if len(token.parts) == 1 and not (has_star or token.is_unspaced or token.lead or token.trail)
    )
    return frozenset(filter(None, map(folded_word, alone)))


def _phrase_tokens(text: str) -> Iterator[tuple[Token, bool]]:
    """The tokens of a phrase: those of the readable text, or else those beside it."""
    body, asides = readable(text)
    yield from typed_tokens(body if any(typed_tokens(body)) else " ".join(asides))


def _steps(token: Token, algorithms: tuple[str, ...], *, has_star: bool) -> list[tuple[int, str]]:
    """The conditions of a token in a phrase, each with its place in the token."""
    if token.is_unspaced:
        lexemes = unspaced_lexemes("".join(token.parts))
        steps = [Lexeme(pair).tsquery for pair in lexemes[:-1]]
        return list(enumerate(steps or [Lexeme(last, is_prefix=True).tsquery for last in lexemes]))
    if len(token.parts) > 1:
        return _chain(token, has_star=has_star)
    [part] = token.parts
    word = folded_word(part)
    if word is None:
        return []
    if token.lead or token.trail:
        return [(0, Lexeme(fold(token.lead + part) + token.trail, is_prefix=has_star and not token.trail).tsquery)]
    if has_star or not algorithms:
        return [(0, Lexeme(word, is_prefix=has_star).tsquery)]
    return [(0, "(" + " | ".join(form.tsquery for form in word_forms(part, word, algorithms)) + ")")]


def _chain(token: Token, *, has_star: bool) -> list[tuple[int, str]]:
    """The conditions of a compound in a phrase: its pairs of neighbours, and the words that no pair has.

    A text has no pair that is too long.
    """
    last = len(token.parts) - 1
    pairs = {place: pair for place, pair in enumerate(token.neighbours()) if len(pair) <= MAX_COMPOUND_CHARACTERS}
    has_star = has_star and not token.trail
    lexemes = {place: Lexeme(fold(pair), is_prefix=has_star and place + 1 == last) for place, pair in pairs.items()}
    if token.trail and folded_word(token.parts[last]) is not None:
        lexemes[last] = Lexeme(fold(token.parts[last]) + token.trail)
    for place, part in enumerate(token.parts):
        if place not in lexemes and place - 1 not in pairs and (word := folded_word(part)) is not None:
            lexemes[place] = Lexeme(word, is_prefix=has_star and place == last)
    has_lead = token.lead.strip("/") and folded_word(token.parts[0]) is not None
    leading = [Lexeme(fold(token.lead + token.parts[0]))] if has_lead else []
    return [(0, lexeme.tsquery) for lexeme in leading] + [(place, lexemes[place].tsquery) for place in sorted(lexemes)]
