"""The words of questions: what to look for in the lexemes that `words` gives to texts.

Used by searches; `phrases` has what stands in quotes. Any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from magicfs.domain.query import Lexeme, Term
from magicfs.text.analysis.codes import typed_in_pieces, unit_forms
from magicfs.text.analysis.dates import date_forms
from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.forms import VARIANT_FACTOR, algorithms_for, variant_forms, word_forms
from magicfs.text.analysis.lexemes import compounds, folded_word, unspaced_lexemes
from magicfs.text.analysis.readable import readable
from magicfs.text.analysis.signs import typed_signs
from magicfs.text.analysis.tokens import Token, camel_parts, parse, typed_tokens
from magicfs.text.analysis.variants import SHORT_WORDS, joined_words, numbers_in_pieces

_MIN_PREFIX_CHARACTERS: Final = 2
"""A star after less is ignored: it would stand for a large part of all words."""

_MAX_NUMBER_LETTERS: Final = 2
"""The letters that numbers begin with are so many, as `DE` and `EN` of standards."""

_SHORT_DIGEST: Final = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{7,39}")
"""The beginning of a digest in hexadecimal, as programs show that of a commit, or what looks like one."""


def question_terms(text: str, *, languages: Sequence[str]) -> tuple[Term, ...]:
    """The terms of a question in the order in which they appear first.

    Each has the stems by the languages of the index, by ISO 639-1 code, and by English.
    """
    algorithms = algorithms_for(languages)
    terms: dict[str, Term] = {}
    body, asides = readable(text)
    for part in (body, *asides):
        typed = () if part is body else tuple(terms)
        for token, has_star in typed_tokens(part):
            for term in _terms(token, algorithms, has_star=has_star):
                before = terms.get(term.word)
                whole = _of_typed_pieces(term, typed)
                terms[term.word] = whole if before is None else replace(before, count=before.count + 1)
    terms.update({sign: Term(sign, (Lexeme(sign),)) for sign in typed_signs(body)})
    if not any(map(str.isdigit, body)):
        return tuple(terms.values())
    pieces = [] if len(terms) == 1 else [*numbers_in_pieces(body), *typed_in_pieces(body)]
    numbers = list(dict.fromkeys(map(fold, pieces)))
    others = {(fold(word), fold(form)): None for words, form in date_forms(body) + unit_forms(body) for word in words}
    return tuple(_or_in_one_piece(term, numbers, others) for term in terms.values())


def _of_typed_pieces(term: Term, typed: Sequence[str]) -> Term:
    """A term; if it is a number of several pieces that were typed, as a compound of these: a text may have it apart."""
    if term.is_whole or term.word.isalpha() or not term.word.isalnum():
        return term
    pieces = frozenset(word for word in typed if word.isalnum() and word in term.word and word != term.word)
    return replace(term, parts=pieces) if len(pieces) > 1 else term


def _or_in_one_piece(term: Term, numbers: Sequence[str], others: Iterable[tuple[str, str]]) -> Term:
    """A term; of a piece of a number that was typed in pieces, also the number in one piece, and other forms."""
    piece = "".join(filter(str.isalnum, term.word))
    wholes = [number for number in numbers if piece in number and number != term.word] if piece else []
    wholes += [form for word, form in others if word == term.word]
    forms = [Lexeme(number, factor=VARIANT_FACTOR, is_exact=False) for number in wholes]
    return replace(term, lexemes=(*term.lexemes, *forms))


def _terms(token: Token, algorithms: tuple[str, ...], *, has_star: bool) -> Iterator[Term]:
    if token.is_unspaced:
        yield from _unspaced_terms(token)
        return
    last = len(token.parts) - 1
    as_one = [] if has_star else joined_words(token)
    for place, part in enumerate(token.parts):
        word = folded_word(part)
        if word is None:
            continue
        if has_star and place == last and len(word) >= _MIN_PREFIX_CHARACTERS:
            yield Term(f"{word}*", (Lexeme(word, is_prefix=True),))
            continue
        names = _names(part)
        pieces = [whole for first, end, whole in as_one if first <= place <= end and whole.lower() not in SHORT_WORDS]
        if not (names or pieces) and _SHORT_DIGEST.fullmatch(word) and not word.isalpha():
            yield Term(word, (Lexeme(word, is_prefix=True),))
            continue
        variants = [form for whole in pieces for form in variant_forms(whole.lower(), algorithms)]
        yield Term(word, (*word_forms(part, word, algorithms), *variants), parts=frozenset(names))
        for name in names:
            yield Term(name, word_forms(name, name, algorithms))
    for compound in _wholes(token):
        parts = _parts(compound)
        if has_star and not token.trail:
            parts |= {f"{part}*" for part in parts}
            yield Term(f"{compound}*", (Lexeme(compound, is_prefix=True),), parts=parts)
        else:
            yield Term(compound, (Lexeme(compound),), parts=parts)


def _names(part: str) -> list[str]:
    """The parts of a name that are asked for; the letters that a number begins with (`EN10204`) are in every text."""
    names = list(filter(None, map(fold, camel_parts(part))))
    if any(name.isdigit() for name in names):
        names = [name for name in names if len(name) > _MAX_NUMBER_LETTERS or name.isdigit()]
    return names


def _unspaced_terms(token: Token) -> Iterator[Term]:
    lexemes = unspaced_lexemes("".join(token.parts))
    if len(lexemes) == 1:
        yield Term(lexemes[0], (Lexeme(lexemes[0], is_prefix=True),))
    for lexeme in lexemes[:-1]:
        yield Term(lexeme, (Lexeme(lexeme),))


def _wholes(token: Token) -> list[str]:
    """The compounds that stand for the whole token, or for a word of it with its signs."""
    neighbours = len(token.parts) - 1
    found = [compound for _, compound in compounds(token)]
    return list(dict.fromkeys(found if neighbours == 1 else found[neighbours:]))


def _parts(compound: str) -> frozenset[str]:
    """The words and the compounds that every text with a folded compound has, that one included."""
    token = parse(compound)
    return frozenset((*token.parts, *(inner for _, inner in compounds(token))))
