"""Models and indexes of the versions before: they are the same model still, and their vectors are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from magicfs.cli import index_model, wiring
from magicfs.domain.models import StoredModel
from tests.integration.models.identity.machines import DEADLINE_SECONDS, Machine, active, agreement, save
from tests.integration.models.tiny import write_tiny_model
from tests.plugins.index import Index


def as_the_version_before_stored_it(model: StoredModel) -> Path:
    """Rename the folder of a model, and take the digest out of its manifest."""
    path = model.folder / "model.json"
    manifest = json.loads(path.read_text())
    for name in ("digest", "former_digest", "tokenizer"):
        manifest["spec"].pop(name, None)
    manifest.pop("weights", None)
    path.write_text(json.dumps(manifest))
    folder = model.folder.with_name("--".join(model.folder.name.split("--")[:2]))
    return model.folder.rename(folder)


class TestAModelOfTheVersionBefore:
    """Its digest is that of the prepared files. A host that prepares the same files again says that both are one."""

    @pytest.fixture
    def here(self, index: Index, machine: Callable[[], Machine], tiny: Path) -> Machine:
        here = machine()
        stored = here.pull(tiny)
        as_the_version_before_stored_it(stored)
        index_model.ensure_active_model(here.settings, index.database)
        assert active(index).spec.digest == stored.spec.former_digest
        save(index, "bake the sourdough loaf")
        here.embed()
        return here

    def test_the_index_goes_on_with_its_vectors(self, index: Index, here: Machine, tiny: Path) -> None:
        there = here.like()
        prepared = there.pull(tiny)
        before = index.rows("SELECT * FROM embeddings")
        former = active(index).spec
        assert prepared.spec.digest != former.digest
        there.embed()
        index_model.ensure_active_model(there.settings, index.database)
        assert active(index).spec.digest == prepared.spec.digest
        assert index.rows("SELECT * FROM embeddings") == before
        save(index, "night train to Lisbon, a hotel near the harbour")
        here.embed()
        assert index.rows("SELECT DISTINCT state FROM embeddings") == [("done",)]
        assert agreement(index, prepared) > 0.999
        embedder = wiring.query_embedder(here.settings)
        try:
            embedder.embed("bread", spec=active(index).spec, deadline_s=DEADLINE_SECONDS)
        finally:
            assert embedder.quit(deadline_s=DEADLINE_SECONDS)

    def test_a_pull_prepares_it_again_and_use_does_not(self, index: Index, here: Machine, tiny: Path) -> None:
        store = index_model.model_store(here.settings)
        [kept] = store.list()
        assert store.pull(str(tiny)) == kept
        renewed = store.pull(str(tiny), renew=True)
        assert renewed.spec.former_digest == kept.spec.digest
        assert store.list() == (renewed,)


class TestAnIndexOfTheVersionBefore:
    """Its row of the model has no digest, and neither has the manifest of the stored model."""

    @pytest.fixture
    def here(self, index: Index, machine: Callable[[], Machine], tiny: Path) -> Machine:
        here = machine()
        stored = here.pull(tiny)
        index_model.ensure_active_model(here.settings, index.database)
        save(index, "bake the sourdough loaf")
        here.embed()
        as_the_version_before_stored_it(stored)
        with index.database.transaction() as connection:
            connection.execute("ALTER TABLE models DISABLE TRIGGER models_keep_digest")
            connection.execute("UPDATE models SET digest = ''")
            connection.execute("ALTER TABLE models ENABLE TRIGGER models_keep_digest")
        return here

    @pytest.mark.parametrize("start", ["up", "worker"])
    def test_it_gets_the_digest_of_the_stored_model_and_keeps_its_vectors(
        self, index: Index, here: Machine, tiny: Path, start: str
    ) -> None:
        before = index.rows("SELECT * FROM embeddings")
        write_tiny_model(tiny, seed=8)
        changed = here.pull(tiny)
        if start == "up":
            index_model.pull_active_model(here.settings, index.database, progress=print)
        else:
            index_model.ensure_active_model(here.settings, index.database)
        model = active(index)
        stored = index_model.resolve_model(here.settings, model.spec)
        assert model.spec == stored.spec
        assert model.spec.digest != changed.spec.digest
        assert agreement(index, stored) > 0.999
        assert index.rows("SELECT * FROM embeddings") == before

    def test_the_first_worker_to_load_it_says_what_it_is(self, index: Index, here: Machine) -> None:
        save(index, "night train to Lisbon, a hotel near the harbour")
        here.embed()
        assert active(index).spec == index_model.resolve_model(here.settings, None).spec
        assert index.rows("SELECT DISTINCT state FROM embeddings") == [("done",)]
