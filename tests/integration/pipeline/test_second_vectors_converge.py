"""Whatever happens in whatever order, the rows of chunks end as the models and the documents demand."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from magicfs.db.vectors.embeddings import claim_chunks
from magicfs.db.vectors.model_changes import build_model, stop_multilingual
from magicfs.db.vectors.models import active_model, live_models, multilingual_model
from magicfs.db.vectors.renewal import renew_multilingual
from magicfs.domain.models import ModelSpec, ModelState
from tests.integration.pipeline.second_model import ENGLISH, MULTILINGUAL, RENEWED, TwoModels
from tests.plugins.services import make_maintenance

GERMAN = replace(ENGLISH, name="fake/german", digest="3" * 64, dimension=64, languages=("de",))
HEDGEHOG = "\N{HEDGEHOG}"
TEXTS = {
    "en": ("good day", "good night", "OK", "shared"),
    "de": ("Guten Tag", "Gute Nacht", "OK"),
    "fr": ("bonjour", "shared", "OK"),
    "": ("12345", HEDGEHOG, "shared"),
}
MAX_DEATHS = 2
"""A chunk whose worker dies four times is quarantined."""


class Events:
    """What may happen to an index, at random."""

    def __init__(self, models: TwoModels, seed: int) -> None:
        self._models = models
        self._random = random.Random(seed)
        self._database = models.index.database
        self._deaths = 0

    def happen(self, count: int) -> None:
        """Let some events happen."""
        events = [
            *[self.save] * 6,
            *[self.extract] * 4,
            *[self.embed] * 6,
            *[self.sweep] * 2,
            self.delete,
            self.start,
            self.start,
            self.renew,
            self.renew,
            self.stop,
            self.use,
            self.die,
        ]
        for _ in range(count):
            self._random.choice(events)()

    def save(self) -> None:
        language = self._random.choice(list(TEXTS))
        name = f"{self._random.randint(1, 4)}{'-' if language else ''}{language}.txt"
        texts = self._random.sample(TEXTS[language], self._random.randint(1, len(TEXTS[language])))
        self._models.write(name, "\n\n".join(texts))

    def delete(self) -> None:
        for path in sorted(self._models.index.folder.iterdir())[:1]:
            path.unlink()

    def extract(self) -> None:
        self._models.extract()

    def embed(self) -> None:
        model = self._random.choice([None, None, ENGLISH.name, MULTILINGUAL.name])
        service = self._models.worker(model=model)
        for _ in range(self._random.randint(1, 3)):
            batch = service.claim_batch()
            if batch is not None:
                service.embed_batch(batch, claim_next=False)

    def sweep(self) -> None:
        make_maintenance(self._database).sweep()

    def start(self) -> None:
        self._models.start()

    def renew(self) -> None:
        with self._database.transaction() as connection:
            renew_multilingual(connection, RENEWED)

    def stop(self) -> None:
        with self._database.transaction() as connection:
            stop_multilingual(connection)

    def use(self) -> None:
        with self._database.transaction() as connection:
            build_model(connection, self._random.choice([ENGLISH, MULTILINGUAL, GERMAN]))

    def die(self) -> None:
        """A worker claims chunks of a model and dies. Its next process releases them."""
        self._deaths += 1
        if self._deaths > MAX_DEATHS:
            return
        with self._database.transaction() as connection:
            model = self._random.choice(live_models(connection))
            claim_chunks(connection, model=model.id, owner="embed-9@here", limit=3, max_tokens=99, seconds=60)

    def end(self) -> None:
        """Let everything come to rest."""
        self._models.worker("embed-9@here").recover()
        self._models.extract()
        for _ in range(20):
            self._models.index.rows("UPDATE embeddings SET leased_until = NULL WHERE lease IS NULL RETURNING 1")
            self.sweep()
            self._models.embed()
            waiting = self._models.index.rows(
                "SELECT EXISTS (SELECT FROM embeddings e JOIN models m ON m.id = model_id WHERE e.state = 'pending'"
                " AND m.state <> 'retired'),"
                " EXISTS (SELECT FROM models WHERE state IN ('building', 'renewing')),"
                " EXISTS (SELECT FROM meta WHERE key = 'second_vectors')"
            )
            if waiting == [(False, False, False)]:
                return
        raise AssertionError(f"no rest: {waiting}, {self._models.rows()}")


def demanded(model: ModelSpec, state: ModelState, *, second: bool, text: str, languages: set[str | None]) -> set[str]:
    """The states that the row of a chunk may have under a model."""
    knows = {"done"} if text != HEDGEHOG or any(map(model.is_model, (MULTILINGUAL, RENEWED))) else {"unread"}
    if state is ModelState.MULTILINGUAL or not second or any(map(model.reads_language, languages)):
        return knows
    # A vector from when another document had the chunk may stay.
    return {"unread"} if text not in {"OK", "shared"} else {"unread", *knows}


@pytest.mark.parametrize("seed", range(8))
def test_rows_end_as_models_and_documents_demand(models: TwoModels, seed: int) -> None:
    events = Events(models, seed)
    events.happen(60)
    events.end()
    with models.index.database.transaction() as connection:
        live = live_models(connection)
        second = multilingual_model(connection) is not None
        assert active_model(connection) is not None
    chunks = models.index.rows(
        "SELECT text, array_agg(DISTINCT language) FROM files f JOIN contents c ON c.id = content_id"
        " JOIN content_chunks p ON p.content_id = c.id JOIN chunks ON chunks.id = p.chunk_id GROUP BY text"
    )
    rows = models.rows()
    for text, languages in chunks:
        for model in live:
            name = model.spec.name.partition("/")[2]
            allowed = demanded(model.spec, model.state, second=second, text=text, languages=set(languages))
            assert rows[text].get(name) in allowed, (text, languages, name, model.state, rows[text])
