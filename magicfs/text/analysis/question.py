"""The words of questions: what to look for in the lexemes that `words` gives to texts.

Used by searches; `phrases` has what stands in quotes. Any thread.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from magicfs.domain.query import STEM_MARK, Lexeme, Term
from magicfs.text.analysis.abbreviations import days_as_decimals, months_of_any_year, typed_days_of_year
from magicfs.text.analysis.accounts import accounts_in
from magicfs.text.analysis.codes import code_forms, hosts_in_digits
from magicfs.text.analysis.compounds import compounds
from magicfs.text.analysis.dates import days_in_one_piece
from magicfs.text.analysis.degrees import stated_degrees
from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.forms import OTHER_FORM_FACTOR, VARIANT_FACTOR, algorithms_for, variant_forms, word_forms
from magicfs.text.analysis.lexemes import folded_word, unspaced_lexemes
from magicfs.text.analysis.likely_stems import MAX_OF_FEW_WORDS, likely_algorithms
from magicfs.text.analysis.lookalikes import lookalike_forms
from magicfs.text.analysis.measures import is_amount
from magicfs.text.analysis.readable import readable
from magicfs.text.analysis.signs import typed_signs
from magicfs.text.analysis.spellings import joined_parts
from magicfs.text.analysis.tokens import Token, parse, typed_camel_parts, typed_tokens
from magicfs.text.analysis.typed_forms import typed_forms, typed_in_pieces
from magicfs.text.analysis.unspaced_forms import forms_of_syllable, pair_forms, pairs_between_words
from magicfs.text.analysis.variants import SHORT_WORDS, joined_words
from magicfs.text.analysis.years import doubtful_forms

_MIN_PREFIX_CHARACTERS: Final = 2
"""A star after less is ignored: it would stand for a large part of all words."""

_MAX_TYPED_PIECES: Final = 64
"""The words of a longer question, which is pasted, are not compared with its numbers of several pieces."""

_MAX_NUMBER_LETTERS: Final = 2
"""The letters that numbers begin with are so many, as `DE` and `EN` of standards."""

_DIGEST: Final = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{7,64}")
"""A digest in hexadecimal or its beginning, as programs show that of a commit, or what looks like one."""
_WHOLE_DIGESTS: Final = frozenset({40, 64})
"""The characters of the digests of commits."""
SHOWN_DIGEST: Final = range(7, 13)
"""The characters of one that texts have instead of all."""


def question_terms(text: str, *, languages: Sequence[str]) -> tuple[Term, ...]:
    """The terms of a question in the order in which they appear first.

    Each has the stems by the languages of the index, by ISO 639-1 code, and by English. It has that of the language
    that the question is likely in, too, as names and a few words have.
    """
    algorithms = algorithms_for(languages)
    terms: dict[str, Term] = {}
    body, asides = readable(text)
    for part in (body, *asides):
        typed = () if part is body or len(terms) > _MAX_TYPED_PIECES else tuple(terms)
        for token, has_star in typed_tokens(part):
            for term in _terms(token, algorithms, has_star=has_star):
                before = terms.get(term.word)
                whole = _of_typed_pieces(term, typed)
                terms[term.word] = whole if before is None else replace(before, count=before.count + 1)
    for pieces in map(str.split, joined_parts(text)):
        _take_apart(terms, pieces, algorithms)
    _add_likely_stems(terms, body)
    terms.update({sign: Term(sign, (Lexeme(sign),)) for sign in (*typed_signs(body), *stated_degrees(body))})
    has_pieces = len(terms) > 1 and any(map(str.isdigit, body))
    numbers = list(dict.fromkeys(map(fold, typed_in_pieces(body)))) if has_pieces else []
    others: dict[str, list[str]] = {}
    for words, forms in (*typed_forms(body), *code_forms(body), *lookalike_forms(body)):
        for word in words:
            others.setdefault(fold(word), []).extend(map(fold, forms))
    uncertain = (doubtful_forms(body), days_as_decimals(body), months_of_any_year(body))
    doubtful = {fold(word): forms for words, forms in chain.from_iterable(uncertain) for word in words}
    if not (numbers or others or doubtful or hosts_in_digits(body)):
        return tuple(terms.values())
    _make_days_words(terms, {**days_in_one_piece(body), **hosts_in_digits(body)})
    for day, (month, forms) in typed_days_of_year(body).items():
        others.pop(day, None)
        _take_for_day(terms, day, month, forms)
    _make_amounts_words(terms)
    completed = (_or_in_one_piece(term, numbers, others.get(term.word, ())) for term in terms.values())
    return tuple(_with_forms(term, doubtful.get(term.word, ()), OTHER_FORM_FACTOR) for term in completed)


def _add_likely_stems(terms: dict[str, Term], body: str) -> None:
    """Add the stems of words in the language that a question is likely in, of which the index may have names alone."""
    for typed, algorithm in likely_algorithms(body) if len(body) <= MAX_OF_FEW_WORDS else ():
        term = terms.get(fold(typed))
        if term is not None:
            known = {lexeme.text for lexeme in term.lexemes}
            forms = [form for form in word_forms(typed, term.word, (algorithm,)) if form.text not in known]
            # In ASCII, a stem as a word may be one of English, such as that of `Suche`.
            added = [form for form in forms if form.text.startswith(STEM_MARK) or not typed.isascii()]
            terms[term.word] = replace(term, lexemes=(*term.lexemes, *added))


def _of_typed_pieces(term: Term, typed: Sequence[str]) -> Term:
    """A term; if it is a number of several pieces that were typed, as a compound of these: a text may have it apart."""
    if term.is_compound or term.word.isalpha() or not term.word.isalnum():
        return term
    pieces = frozenset(word for word in typed if word.isalnum() and word in term.word and word != term.word)
    return replace(term, parts=pieces) if len(pieces) > 1 else term


def _take_apart(terms: dict[str, Term], pieces: Sequence[str], algorithms: tuple[str, ...]) -> None:
    """Replace the term of a word that an invisible sign joins by those of its pieces: a text may have it either way."""
    whole = terms.pop(fold("".join(pieces)), None)
    if whole is None:
        return
    for piece in pieces:
        word = folded_word(piece)
        if word is not None and word not in terms:
            terms[word] = Term(word, (*word_forms(piece, word, algorithms), *whole.lexemes), count=whole.count)


def _make_days_words(terms: dict[str, Term], days: Mapping[str, Sequence[str]]) -> None:
    """Make each day a word in the place of its numbers, which say nothing alone: many texts have a `03` and a `25`.

    So are addresses of hosts: any text with an `8` has all numbers of `8.8.8.8`.
    """
    counts = Counter(chain.from_iterable(days.values()))
    if not terms.keys() >= days.keys() or any(part not in terms or terms[part].count > counts[part] for part in counts):
        return
    for part in counts:
        del terms[part]
    for day in days:
        terms[day] = replace(terms[day], parts=frozenset())


def _take_for_day(terms: dict[str, Term], day: str, month: str, forms: Sequence[str]) -> None:
    """Make a day without its year a word beside the number of the day: `20.3.` is no `20.3` millimetres."""
    if day in terms and month in terms and terms[month].count == 1:
        del terms[month]
        first, *others = map(fold, forms)
        typed = [Lexeme(day, factor=VARIANT_FACTOR, is_exact=False)] if day in others else []
        terms[day] = _with_forms(Term(day, (Lexeme(first), *typed)), others, VARIANT_FACTOR)


def _make_amounts_words(terms: dict[str, Term]) -> None:
    """Make each amount a word beside its number: what else has the number says nothing of a price."""
    inside = {part for term in terms.values() for part in term.parts if part != term.word}
    for word in [word for word in terms if is_amount(word) and word not in inside]:
        terms[word] = replace(terms[word], parts=frozenset())


def _or_in_one_piece(term: Term, numbers: Sequence[str], others: Iterable[str]) -> Term:
    """A term; of a piece of a number that was typed in pieces, also the number in one piece, and other forms."""
    piece = "".join(filter(str.isalnum, term.word))
    wholes = [number for number in numbers if piece in number and number != term.word] if piece else []
    return _with_forms(term, [*wholes, *others], VARIANT_FACTOR)


def _with_forms(term: Term, forms: Iterable[str], factor: float) -> Term:
    """A term with other forms, an occurrence of which counts `factor`. The term of a beginning has beginnings alone."""
    is_prefix = all(lexeme.is_prefix for lexeme in term.lexemes)
    others = [form for form in dict.fromkeys(forms) if form != term.word]
    added = [Lexeme(form, factor=factor, is_exact=False, is_prefix=is_prefix) for form in others]
    return replace(term, lexemes=(*term.lexemes, *added)) if added else term


def _terms(token: Token, algorithms: tuple[str, ...], *, has_star: bool) -> Iterator[Term]:
    if token.is_unspaced:
        yield from _unspaced_terms(token)
        return
    last = len(token.parts) - 1
    as_one = {} if has_star else _as_one(token)
    for place, part in enumerate(token.parts):
        word = folded_word(part)
        if word is None:
            continue
        if has_star and place == last and len(word) >= _MIN_PREFIX_CHARACTERS:
            yield Term(f"{word}*", (Lexeme(word, is_prefix=True),))
            continue
        names = _names(part)
        pieces = as_one.get(place, [])
        if not (names or pieces) and is_digest(word):
            yield Term(word, _forms_of_digest(word))
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


def _as_one(token: Token) -> dict[int, list[str]]:
    """The words in one piece that people write for parts of a compound, by the place of each of these parts."""
    found: dict[int, list[str]] = {}
    for first, end, whole in joined_words(token):
        if whole.lower() not in SHORT_WORDS:
            for place in range(first, end + 1):
                found.setdefault(place, []).append(whole)
    return found


def is_digest(word: str) -> bool:
    """Whether a folded word may be a digest in hexadecimal or its beginning. No word of letters is one, and no IBAN."""
    return _DIGEST.fullmatch(word) is not None and not (word.isalpha() or accounts_in(word))


def _forms_of_digest(word: str) -> tuple[Lexeme, ...]:
    """What begins with a part of a digest; of a whole one, itself and the beginnings by which texts name it."""
    if len(word) not in _WHOLE_DIGESTS:
        return (Lexeme(word, is_prefix=True),)
    shown = [Lexeme(word[:length], factor=VARIANT_FACTOR, is_exact=False) for length in SHOWN_DIGEST]
    return (Lexeme(word), *shown)


def _names(part: str) -> list[str]:
    """The parts of a name that are asked for; the letters that a number begins with (`EN10204`) are in every text."""
    names = list(filter(None, map(fold, typed_camel_parts(part))))
    if any(name.isdigit() for name in names):
        names = [name for name in names if len(name) > _MAX_NUMBER_LETTERS or not name.isalpha()]
    return names


def _unspaced_terms(token: Token) -> Iterator[Term]:
    typed = "".join(token.parts)
    run = fold(typed)
    *pairs, last = unspaced_lexemes(run) or [""]
    if last and not pairs:
        yield Term(last, forms_of_syllable(last) or (Lexeme(last, is_prefix=True),))
    left_out = pairs_between_words(typed) if len(typed) == len(run) else ()
    for place, (pair, forms) in enumerate(zip(pairs, pair_forms(run, pairs), strict=True)):
        if place not in left_out:
            yield Term(pair, (Lexeme(pair), *forms))


def _wholes(token: Token) -> list[str]:
    """The compounds that stand for the whole token, or for a word of it with its signs."""
    neighbours = len(token.parts) - 1
    found = [compound for _, compound in compounds(token)]
    return list(dict.fromkeys(found if neighbours == 1 else found[neighbours:]))


def _parts(compound: str) -> frozenset[str]:
    """The words and the compounds that every text with a folded compound has, that one included."""
    token = parse(compound)
    return frozenset((*token.parts, *(inner for _, inner in compounds(token))))
