"""The vectors of a question: which models of the index read it, and what a person is told when one gives no vector.

Used by the search service. Holds no model: a `QuestionVectorSource` embeds. Safe in any thread.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec, ModelState
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.errors import LanguageUnread, MagicFSError
from magicfs.logs import Outage
from magicfs.search.meaning import QuestionVector
from magicfs.text.analysis.readable import readable
from magicfs.text.analysis.tokens import PICTURES
from magicfs.text.analysis.typed_forms import names_a_number
from magicfs.text.question_language import QuestionLanguages

log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"(?>\S+?(?:://|@))(?>\S+?\.)\S+")
"""It begins at the first such sign, and goes on at the first point behind it: with any, a long text takes minutes."""
_MEANING = re.compile(rf"[^\W\d_]|[{PICTURES}]")
"""A letter, or a picture."""


class QuestionVectorSource(Protocol):
    """Embeds questions. Safe in any thread. `magicfs.embedding.query_client.QueryEmbedder` implements it."""

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> Sequence[EmbeddedQuestion | MagicFSError]:
        """What each model of `specs` gives for a question, or why it gives nothing.

        Returns within `deadline_s` seconds. The models `kept` stay loaded. An error is `EmbedderUnavailable` or a
        `ModelError`, such as `LanguageUnread`.
        """


class Prefetch(Protocol):
    """Requests vectors before they are needed. `QueryEmbedder.prefetching` implements it."""

    def __call__(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec]
    ) -> AbstractContextManager[QuestionVectorSource]:
        """A source whose vectors are already requested, for this thread inside of a `with` block."""


@contextmanager
def prefetched(
    source: QuestionVectorSource,
    prefetch: Prefetch | None,
    question: str,
    models: Sequence[IndexedModel],
    languages: QuestionLanguages,
) -> Iterator[QuestionVectorSource]:
    """The source for `embed_question`, with the vectors requested that it needs if the index has these models.

    Without `prefetch`, it is `source`, and nothing is requested yet.
    """
    if prefetch is None or not models or not has_meaning(question):
        yield source
        return
    reading = [model.spec for model in reading_models(models, languages)]
    with prefetch(question, specs=reading, kept=[model.spec for model in models]) as requested:
        yield requested


def has_meaning(question: str) -> bool:
    """Whether a question has a vector.

    One of digits and signs names something, and so does an address, a day, an hour or an amount: models find it near
    to any text that has another one, and a text in another language says it as well.
    """
    if _MEANING.search(question) is None or _ADDRESS.fullmatch(question):
        return False
    return not names_a_number(readable(question)[0])


def reading_models(models: Sequence[IndexedModel], languages: QuestionLanguages) -> list[IndexedModel]:
    """The models, of those given, that read a question in `languages`, or all if none does."""
    return [model for model in models if model.spec.reads_any(languages.possible)] or list(models)


def model_outage() -> Outage:
    """A log of the models that give no vector of a question. One for all searches of a service."""
    return Outage(log, beginning="searching without the vectors of a model", end="each model gives vectors again")


def embed_question(
    source: QuestionVectorSource,
    question: str,
    models: Sequence[IndexedModel],
    languages: QuestionLanguages,
    *,
    deadline_s: float,
    outage: Outage,
) -> tuple[tuple[QuestionVector, ...], tuple[str, ...]]:
    """The vectors of a question in `languages` by those models that read it, and notices for the user.

    `models` are those that searches use, the active one first. A model that fails leaves the others. A notice says that
    none is left, or that the active one has failed, because texts may have its vectors alone. A question without
    meaning has no vector. Failures go to `outage`.
    """
    if not has_meaning(question):
        return (), ()
    if not models:
        return (), ("the index has no vectors yet: found by words alone",)
    reading = reading_models(models, languages)
    outcomes = source.embed_by_each(
        question,
        specs=[model.spec for model in reading],
        kept=[model.spec for model in models],
        deadline_s=deadline_s,
    )
    _log_failures(outage, models, dict(zip([model.id for model in reading], outcomes, strict=True)))
    vectors, failures = [], {}
    for model, outcome in zip(reading, outcomes, strict=True):
        if isinstance(outcome, MagicFSError):
            failures[model.id] = outcome
        else:
            vectors.append(QuestionVector(model, outcome.vector, outcome.tokens, outcome.known_words))
    if not vectors:
        # What a person can mend comes before a language that a model does not read.
        failure = min(failures.values(), key=lambda error: isinstance(error, LanguageUnread))
        return (), (f"found by words alone: {failure}",)
    failed = failures.get(models[0].id)
    if failed is None or isinstance(failed, LanguageUnread):
        return tuple(vectors), ()
    return tuple(vectors), (f"found without the vectors of {models[0].spec.label}: {failed}",)


def _log_failures(
    outage: Outage, models: Sequence[IndexedModel], outcomes: Mapping[ModelId, EmbeddedQuestion | MagicFSError]
) -> None:
    """Log that models fail, or do no more. A role without a model does not fail; one that was not asked is left out."""
    by_role = {model.state: model for model in models}
    for role in (ModelState.ACTIVE, ModelState.MULTILINGUAL):
        model = by_role.get(role)
        outcome = outcomes.get(model.id) if model is not None else None
        if isinstance(outcome, MagicFSError) and not isinstance(outcome, LanguageUnread):
            outage.began(role, outcome)
        elif model is None or outcome is not None:
            outage.ended(role)
