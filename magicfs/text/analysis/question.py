"""The words of questions and phrases: what to look for in the lexemes that `words` gives to texts. Any thread."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Final

from magicfs.domain.query import STEM_MARK, Lexeme, Term
from magicfs.text.analysis.codes import typed_in_pieces, unit_forms
from magicfs.text.analysis.dates import date_forms
from magicfs.text.analysis.english_forms import other_forms
from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.hebrew import without_prefixes
from magicfs.text.analysis.lexemes import (
    MAX_COMPOUND_CHARACTERS,
    compounds,
    folded_stem,
    folded_word,
    unspaced_lexemes,
)
from magicfs.text.analysis.readable import readable
from magicfs.text.analysis.signs import typed_signs
from magicfs.text.analysis.stems import DEFAULT_ALGORITHM, DEFAULT_LANGUAGE, algorithm_for, has_letters_alone
from magicfs.text.analysis.tokens import Token, camel_parts, locate, parse
from magicfs.text.analysis.variants import (
    SHORT_WORDS,
    joined_words,
    numbers_in_pieces,
    with_two_letters,
    with_umlauts,
    words_apart,
)

EXACT_BONUS: Final = 0.05
"""How much more an occurrence of the very word counts than one of another form."""

VARIANT_FACTOR: Final = 0.5
"""How much an occurrence of a variant of a word counts: `email` for `e-mail`, `Mueller` for `Müller`."""

OTHER_FORM_FACTOR: Final = 0.25
"""The same for an irregular form: `matrix` for `matrices`. On questions about abstracts, more gains nothing."""

_MIN_REST_CHARACTERS: Final = 3
"""Fewer letters behind one that may be a word before them, in a typed word of Hebrew, are a part of it. So many are
left of the second of two words in the stem of both."""

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
    algorithms = _algorithms(languages)
    terms: dict[str, Term] = {}
    body, asides = readable(text)
    for part in (body, *asides):
        typed = () if part is body else tuple(terms)
        for token, has_star in _tokens(part):
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


def phrase_query(text: str, *, languages: Sequence[str] | None = None) -> str | None:
    """The condition that a text has the words of a phrase one after the other; None without any word.

    Without `languages` the words are exact, and signs inside of them too. With the languages of the index, other forms
    of the words do as well.
    """
    algorithms = () if languages is None else _algorithms(languages)
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
    """Words, folded, of each of which a text that meets `phrase_query` has a form: those that stand alone.

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
    yield from _tokens(body if any(_tokens(body)) else " ".join(asides))


def _tokens(text: str) -> Iterator[tuple[Token, bool]]:
    """The tokens of a readable text, each with whether a star follows that stands for the rest of the word."""
    for token, end in locate(text):
        yield parse(token), text[end : end + 1] == "*" and not text[end + 1 : end + 2].strip()


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
        variants = [form for whole in pieces for form in _variant_forms(whole.lower(), algorithms)]
        yield Term(word, (*_forms(part, word, algorithms), *variants), parts=frozenset(names))
        for name in names:
            yield Term(name, _forms(name, name, algorithms))
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


@lru_cache(maxsize=512)
def _forms(part: str, word: str, algorithms: tuple[str, ...]) -> tuple[Lexeme, ...]:
    """The word itself, its stem in texts, and the stem where it is a word of its own."""
    forms = {word: Lexeme(word, factor=EXACT_BONUS)}
    if not has_letters_alone(part):
        algorithms = ()
    for algorithm in algorithms:
        stemmed = folded_stem(part, algorithm)
        forms.setdefault(STEM_MARK + stemmed, Lexeme(STEM_MARK + stemmed, is_exact=False))
        if stemmed == word:
            forms[word] = Lexeme(word, factor=1.0 + EXACT_BONUS)
        else:
            forms.setdefault(stemmed, Lexeme(stemmed, is_exact=False))
    if not algorithms:
        forms[word] = Lexeme(word, factor=1.0 + EXACT_BONUS)
    variant = with_two_letters(part.lower())
    variants = [] if variant is None else list(_variant_forms(variant, algorithms))
    if DEFAULT_ALGORITHM in algorithms and part.isascii():
        for other in other_forms(part.lower(), folded_stem(part, DEFAULT_ALGORITHM)):
            variants += _variant_forms(other, (DEFAULT_ALGORITHM,), OTHER_FORM_FACTOR)
    for rest in without_prefixes(word):
        if len(rest) >= _MIN_REST_CHARACTERS:
            variants += _variant_forms(rest, algorithms)
    return (*forms.values(), *{form.text: form for form in variants if form.text not in forms}.values())


def umlaut_forms(word: str, *, languages: Sequence[str]) -> tuple[Lexeme, ...]:
    """The forms of a folded word whose pairs of letters stand for umlauts: `muller` for `mueller`; none for others."""
    variant = with_umlauts(word, languages)
    return () if variant is None else _variant_forms(variant, _algorithms(languages))


def forms_in_one_piece(question: str, *, languages: Sequence[str]) -> list[tuple[tuple[str, str], tuple[Lexeme, ...]]]:
    """The neighbouring words of a short question, folded, each two with the forms of what they are in one piece.

    Such as `database` for `data` and `base`: a text that has it answers both.
    """
    algorithms = _algorithms(languages)
    found = []
    for first, second, whole in words_apart(question):
        # A stem without the second word, such as that of `Störungen des`, is another word.
        least = len(first) + _MIN_REST_CHARACTERS
        forms = _variant_forms(whole, algorithms)
        kept = tuple(form for form in forms if len(form.text.removeprefix(STEM_MARK)) >= least)
        found.append(((fold(first), fold(second)), kept))
    return found


def _variant_forms(word: str, algorithms: Sequence[str], factor: float = VARIANT_FACTOR) -> tuple[Lexeme, ...]:
    """The lexemes of a variant of a word, in lower case, and of its stems."""
    folded = fold(word)
    stemmed = [folded_stem(word, algorithm) for algorithm in algorithms if word.isalpha()]
    # The stem as a word is that of a text which has it without an ending.
    lexemes = dict.fromkeys([folded, *(form for stem in stemmed for form in (STEM_MARK + stem, stem))])
    return tuple(Lexeme(lexeme, factor=factor, is_exact=False) for lexeme in lexemes)


def _algorithms(languages: Sequence[str]) -> tuple[str, ...]:
    """The algorithms of stems for the languages of the index, and for English."""
    return tuple(dict.fromkeys(filter(None, map(algorithm_for, (DEFAULT_LANGUAGE, *languages)))))


def _wholes(token: Token) -> list[str]:
    """The compounds that stand for the whole token, or for a word of it with its signs."""
    neighbours = len(token.parts) - 1
    found = [compound for _, compound in compounds(token)]
    return list(dict.fromkeys(found if neighbours == 1 else found[neighbours:]))


def _parts(compound: str) -> frozenset[str]:
    """The words and the compounds that every text with a folded compound has, that one included."""
    token = parse(compound)
    return frozenset((*token.parts, *(inner for _, inner in compounds(token))))


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
    return [(0, "(" + " | ".join(form.tsquery for form in _forms(part, word, algorithms)) + ")")]


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
