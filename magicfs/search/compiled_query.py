"""Compiles a parsed query into what Postgres looks for: terms with their lexemes, phrases and exclusions as conditions.

Used by the search service; `question_forms` has the words, `magicfs.db.search.scope` the filters. Runs in the
caller's transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from magicfs.db.pool import Connection
from magicfs.db.search.known_words import count_chunks
from magicfs.db.search.scope import Scope
from magicfs.db.search.search_facts import SearchFacts, WordChunks, read_search_facts
from magicfs.domain.query import Query, Term
from magicfs.search.keyboard_layouts import in_other_layouts
from magicfs.search.question_forms import QuestionForms
from magicfs.search.respelling import respell
from magicfs.search.transliteration import transliterations
from magicfs.search.typed_scope import any_of, scope_of
from magicfs.text.analysis import fold, phrase_query, phrase_words, question_terms
from magicfs.text.analysis.forms import VARIANT_FACTOR
from magicfs.text.analysis.stems import DEFAULT_LANGUAGE, SNOWBALL_LANGUAGES
from magicfs.text.analysis.unspaced_forms import pairs_between_words
from magicfs.text.analysis.variants import with_two_letters, with_umlauts

_MIN_OF_LAYOUT = 3
"""The letters of a word from which on it says whether a question was typed in another layout."""
_MAX_OF_LAYOUT = 16
"""The words of such a question: each is looked up in each layout, and the text of a file is pasted as it is."""
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_STEMMERS = {code: f"{algorithm}_stem" for code, algorithm in SNOWBALL_LANGUAGES.items()}
"""Postgres's dictionary with the stop words of each language."""


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """A query in Postgres's terms."""

    terms: tuple[Term, ...]
    """The words of the question, without stop words if it has others."""
    languages: tuple[str, ...]
    """The languages of the index, by ISO 639-1 code."""
    question_phrase: str | None
    """The whole question as a phrase in any form of its words, the text of a `tsquery`; None without words."""
    scope: Scope
    words_of_phrase: frozenset[str] = frozenset()
    """Words of each of which a text with that phrase has a form."""
    any_of: tuple[tuple[frozenset[str], ...], ...] = ()
    """The words of phrases of which a text has any one: it needs none of the others."""
    has_stop_words_alone: bool = False
    """Whether the question has no other words, so that the terms are those."""
    stop_words: frozenset[str] = frozenset()
    """The stop words of the question, folded, where it has other words."""
    chunks_of_words: Mapping[str, WordChunks] = field(default_factory=dict)
    """How many chunks have each word."""
    respelt: Mapping[str, str] = field(default_factory=dict)
    """Words that neither a text nor a name has, each with the one that it is taken for."""
    uncertain: frozenset[str] = frozenset()
    """The words of the terms that may not be what was meant."""
    typed: Mapping[str, Term] = field(default_factory=dict)
    """The terms in which a letter was taken for a wrong one, as they were typed, by their words."""


def prepare_query(
    connection: Connection,
    query: Query,
    *,
    languages: Sequence[str] = (DEFAULT_LANGUAGE,),
    conditions: Sequence[str] = (),
    counted: bool = False,
) -> tuple[CompiledQuery, SearchFacts]:
    """Translate a query into terms and conditions, and return what else a search must know. No scope is enumerated yet.

    `languages` are those that the index is likely to have, English first: if it has others, a second statement follows.
    `conditions` and `counted` are those of `read_search_facts`.
    """
    while True:
        forms = QuestionForms(query.question, languages, query.alternatives)
        facts = read_search_facts(
            connection,
            forms.looked_for,
            spellings=list(forms.spellings),
            stemmers=_STEMMERS,
            conditions=conditions,
            counted=counted,
        )
        found = list(facts.stop_words)
        if not query.question or found == list(languages):
            compiled = _compiled(query, forms, facts, found)
            # A phrase is meant to the letter.
            return compiled if query.required_phrases else _respelt(connection, compiled, query.question), facts
        languages = found


def _compiled(query: Query, forms: QuestionForms, facts: SearchFacts, languages: Sequence[str]) -> CompiledQuery:
    stop_words = forms.stop_words(facts.stop_words.values())
    terms = forms.without(stop_words)
    known = forms.known(terms or forms.terms, facts.words)
    phrases = _whole_question(query)
    return CompiledQuery(
        terms=tuple(known),
        chunks_of_words={term.word: chunks for term, chunks in known.items()},
        languages=tuple(languages),
        question_phrase=any_of(phrase_query(phrase, languages=languages) for phrase in phrases),
        words_of_phrase=frozenset.intersection(*map(phrase_words, phrases)),
        any_of=tuple(
            tuple(_words_of_phrase(phrase, languages).intersection(term.word for term in known) for phrase in group)
            for group in query.any_phrases
        ),
        has_stop_words_alone=not terms,
        stop_words=stop_words if terms else frozenset(),
        scope=scope_of(
            query.filters,
            excluded_filters=query.excluded_filters,
            phrases=_all_of(
                any_of(any_spelling(phrase, languages) for phrase in group) for group in query.required_phrases
            ),
            excluded=any_of(
                [any_form(word, languages) for word in query.excluded]
                + [any_spelling(phrase, languages) for phrase in query.excluded_phrases]
            ),
            within=query.within,
        ),
    )


def _whole_question(query: Query) -> tuple[str, ...]:
    """The question as a phrase, or the phrases of which any one does where there is nothing else."""
    for group in query.any_phrases:
        if query.question == " ".join(group):
            return group
    return (query.question,)


def _respelt(connection: Connection, compiled: CompiledQuery, question: str) -> CompiledQuery:
    """The query, and its phrase, with the spelling of the index for words that it has in another spelling alone."""
    known: Mapping[Term, WordChunks] = {term: compiled.chunks_of_words[term.word] for term in compiled.terms}
    if (meant := _typed_elsewhere(connection, compiled, question)) is not None:
        return meant
    known, transliterated = _transliterated(connection, known, question, compiled.languages)
    found = respell(connection, known, compiled.languages)
    respelt_query = replace(
        compiled,
        terms=tuple(found.terms),
        chunks_of_words={term.word: chunks for term, chunks in found.terms.items()},
        respelt=transliterated | found.taken,
        uncertain=found.uncertain,
        typed=found.as_typed,
    )
    return with_phrase_respelt(respelt_query, question)


def with_phrase_respelt(compiled: CompiledQuery, question: str) -> CompiledQuery:
    """A query whose phrase has the spellings of its words, if one of them is several words."""
    if not any(" " in spelling for spelling in compiled.respelt.values()):
        return compiled
    apart = " ".join(compiled.respelt.get(fold(word), word) for word in question.split())
    phrase = phrase_query(apart, languages=compiled.languages)
    return replace(compiled, question_phrase=phrase, words_of_phrase=phrase_words(apart))


def _typed_elsewhere(connection: Connection, compiled: CompiledQuery, question: str) -> CompiledQuery | None:
    """The query in another layout of the keyboard, if something has all of its words there, and none of them here."""
    typed = [term for term in compiled.terms if len(term.word) >= _MIN_OF_LAYOUT]
    if not 0 < len(typed) <= _MAX_OF_LAYOUT or any(compiled.chunks_of_words[term.word].size != 0 for term in typed):
        return None
    layouts = [(meant, _words(meant, compiled.languages)) for meant in in_other_layouts(question)]
    layouts = [(meant, terms) for meant, terms in layouts if any(len(term.word) >= _MIN_OF_LAYOUT for term in terms)]
    wanted = {term.tsquery: None for terms in (typed, *(terms for _, terms in layouts)) for term in terms}
    counts = dict(zip(wanted, count_chunks(connection, list(wanted)), strict=True)) if layouts else {}
    if not layouts or any(any(counts[term.tsquery]) for term in typed):
        return None
    for meant, terms in layouts:
        if all(any(counts[term.tsquery]) for term in terms):
            return replace(
                compiled,
                terms=terms,
                chunks_of_words={term.word: WordChunks(0.0, counts[term.tsquery][0]) for term in terms},
                question_phrase=phrase_query(meant, languages=compiled.languages) if len(terms) > 1 else None,
                words_of_phrase=phrase_words(meant),
                respelt={question: meant},
                uncertain=frozenset(term.word for term in terms),
            )
    return None


def _transliterated(
    connection: Connection, known: Mapping[Term, WordChunks], question: str, languages: Sequence[str]
) -> tuple[Mapping[Term, WordChunks], dict[str, str]]:
    """The terms, those that nothing has with their spellings in letters of another script, and which these are."""
    typed = {fold(word): word for word in re.findall(r"\w+", question.lower())}
    spellings = {
        term: {spelling: _words(spelling, languages) for spelling in transliterations(typed[term.word], languages)}
        for term, chunks in known.items()
        if chunks.size == 0 and term.word in typed and len(typed) <= _MAX_OF_LAYOUT
    }
    looked_up = {term: found for term, found in spellings.items() if found}
    wanted = {term.tsquery for term in looked_up} | {
        one.tsquery for found in looked_up.values() for terms in found.values() for one in terms
    }
    if not wanted:
        return known, {}
    counts = dict(zip(wanted, count_chunks(connection, list(wanted)), strict=True))
    replaced, taken = {}, {}
    for term, found in looked_up.items():
        had = {spelling: terms[0] for spelling, terms in found.items() if terms and any(counts[terms[0].tsquery])}
        if had and not any(counts[term.tsquery]):
            forms = {form.text: form for one in had.values() for form in one.lexemes}
            others = (replace(form, factor=min(form.factor, VARIANT_FACTOR), is_exact=False) for form in forms.values())
            in_chunks = max(counts[one.tsquery][0] for one in had.values())
            replaced[term] = replace(term, lexemes=(*term.lexemes, *others)), WordChunks(0.0, in_chunks)
            taken[term.word] = ", ".join(had)
    return dict(replaced.get(term, (term, chunks)) for term, chunks in known.items()), taken


def _words(text: str, languages: Sequence[str]) -> tuple[Term, ...]:
    """The words of a question without its compounds."""
    return tuple(term for term in question_terms(text, languages=languages) if not term.is_compound)


def _words_of_phrase(phrase: str, languages: Sequence[str]) -> frozenset[str]:
    return frozenset(term.word for term in question_terms(phrase, languages=languages))


def any_form(word: str, languages: Sequence[str]) -> str | None:
    """The condition that a text has a word in any form, or a compound to the letter."""
    terms = question_terms(word, languages=languages)
    is_one_word = len(terms) == 1 and not pairs_between_words(word)
    return terms[0].tsquery if is_one_word else phrase_query(word)


def any_spelling(phrase: str, languages: Sequence[str]) -> str | None:
    """The condition that a text has a phrase, its words in any spelling that people use for one.

    Such as `Mueller` for `Müller`, and `well known` for `well-known`; `wellknown` is what a text has that divides it at
    its hyphen.
    """
    lower = phrase.lower()
    umlauts = with_umlauts(lower, languages) if "de" in languages else None
    spellings = (phrase, _HYPHEN.sub("", phrase), _HYPHEN.sub(" ", phrase), with_two_letters(lower), umlauts)
    return any_of(dict.fromkeys(phrase_query(spelling) for spelling in spellings if spelling))


def _all_of(conditions: Iterable[str | None]) -> str | None:
    return " & ".join(f"({condition})" for condition in conditions if condition) or None
