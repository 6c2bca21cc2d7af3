"""An index whose multilingual model an older version has prepared: who prepares the better form, and what is said."""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from magicfs.cli import index_model, multilingual, multilingual_starter
from magicfs.cli.checks import run_checks
from magicfs.cli.multilingual_starter import FIRST_RETRY_SECONDS, MultilingualStarter
from magicfs.config import Settings
from magicfs.db.vectors.model_changes import start_multilingual
from magicfs.db.vectors.models import multilingual_model, renewing_model
from magicfs.domain.models import ModelManifest, StoredModel
from magicfs.embedding import manifest as manifests
from magicfs.embedding.unigram import SETTINGS
from magicfs.errors import ModelMissing
from magicfs.models import model_folders
from tests.fakes.clock import Clock
from tests.integration.models.tiny import write_tiny_model
from tests.plugins.commands import short_folder
from tests.plugins.index import HOST, Index

NEVER_SET = threading.Event()


@dataclass
class Machine:
    """A machine of the index, whose pulls give the better form."""

    index: Index
    settings: Settings
    plain: StoredModel
    pulls: list[str] = field(default_factory=list)
    fails: bool = False
    before_pull: Callable[[], None] = lambda: None
    clock: Clock = field(default_factory=Clock)

    def complete(self) -> None:
        """Have the index use the better form, as maintenance does when all vectors are there."""
        self.index.rows("UPDATE models SET state = 'retired' WHERE state = 'multilingual' RETURNING 1")
        self.index.rows("UPDATE models SET state = 'multilingual' WHERE state = 'renewing' RETURNING 1")

    def __post_init__(self) -> None:
        self.start = MultilingualStarter(self.settings, self.index.database, pull=self._pull, clock=self.clock)

    def _pull(self, stop: threading.Event, precision: str) -> None:
        self.pulls.append(self.plain.spec.name)
        self.before_pull()
        if self.fails:
            raise ModelMissing("no weights")
        self.write_better_form()

    def write_better_form(self) -> None:
        """What a pull gives: the same model, with another pooling."""
        manifest = manifests.read(self.plain.folder)
        better = manifests.with_digest(replace(manifest, pooling=manifests.SIF))
        name = self.plain.folder.name.rpartition("--")[0]
        self._copy(better, f"{name}--{better.spec.digest[:12]}")

    def _copy(self, manifest: ModelManifest, name: str) -> None:
        folder = self.settings.model_dir / name
        shutil.copytree(self.plain.folder, folder)
        manifests.write(folder, manifest)

    def renewing(self) -> str | None:
        """The digest of the model whose vectors are made anew."""
        with self.index.database.transaction() as connection:
            model = renewing_model(connection)
        return model.spec.digest if model else None

    def multilingual(self) -> str | None:
        """The digest of the multilingual model of the index."""
        with self.index.database.transaction() as connection:
            model = multilingual_model(connection)
        return model.spec.digest if model else None


@pytest.fixture
def machine(
    index: Index, database_url: str, broker_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Machine]]:
    """Makes machines of an index. The first has the model in the form of an older version."""
    index.rows("UPDATE models SET languages = '{en}' RETURNING 1")
    tiny = write_tiny_model(tmp_path / "tiny", pooled=False)
    for module in (multilingual, multilingual_starter):
        monkeypatch.setattr(module, "MULTILINGUAL_MODEL", str(tiny))
    monkeypatch.setattr(model_folders, "weighs_tokens", lambda name: name == str(tiny))
    with short_folder() as homes:
        made: list[Machine] = []

        def make() -> Machine:
            settings = Settings(
                home=homes / str(len(made)), host=HOST, database_url=database_url, broker_url=broker_url
            )
            settings.make_home()
            plain = made[0].plain if made else older_form(settings, tiny)
            made.append(Machine(index, settings, plain))
            return made[-1]

        first = make()
        with index.database.transaction() as connection:
            start_multilingual(connection, first.plain.spec)
        waiting = [first]
        yield lambda: waiting.pop() if waiting else make()


def older_form(settings: Settings, tiny: Path) -> StoredModel:
    """The model as an older version has prepared it."""
    stored = index_model.model_store(settings).pull(str(tiny))
    tokenizer = stored.folder / manifests.UNIGRAM_FOLDER / SETTINGS
    tokenizer.parent.mkdir(parents=True)
    tokenizer.write_text(json.dumps({}))
    manifest = manifests.read(stored.folder)
    manifests.write(stored.folder, replace(manifest, files=manifests.checksums_of(stored.folder)))
    return index_model.model_store(settings).find(str(tiny))


def test_it_begins_once(machine: Callable[[], Machine]) -> None:
    here = machine()
    assert here.start(NEVER_SET)
    better = here.renewing()
    assert better not in {None, here.plain.spec.digest}
    assert not here.start(NEVER_SET)
    assert (here.renewing(), len(here.pulls)) == (better, 1)


def test_another_machine_gets_what_the_index_will_have(machine: Callable[[], Machine]) -> None:
    here = machine()
    here.start(NEVER_SET)
    better = here.renewing()
    other = machine()
    shutil.copytree(other.plain.folder, other.settings.model_dir / other.plain.folder.name)
    assert not other.start(NEVER_SET)
    assert (other.renewing(), len(other.pulls)) == (better, 1)
    assert {model.spec.digest for model in index_model.model_store(other.settings).list()} == {
        better,
        other.plain.spec.digest,
    }


def test_the_doctor_names_what_a_machine_lacks_of_which_vectors_are_made(machine: Callable[[], Machine]) -> None:
    def languages(settings: Settings) -> tuple[bool, str]:
        result = next(one for one in run_checks(settings) if one.name == "languages")
        return result.ok, result.text

    here = machine()
    here.start(NEVER_SET)
    assert languages(here.settings)[0]
    other = machine()
    shutil.copytree(other.plain.folder, other.settings.model_dir / other.plain.folder.name)
    ok, text = languages(other.settings)
    assert not ok
    assert str(here.renewing())[:12] in text
    assert f"'magicfs model pull {other.plain.spec.name}'" in text


def test_a_machine_without_the_older_form_begins_it_too(machine: Callable[[], Machine]) -> None:
    here = machine()
    here.write_better_form()
    shutil.rmtree(here.plain.folder)
    said: list[str] = []
    multilingual.ensure_multilingual(here.settings, here.index.database, progress=said.append)
    assert "the agent makes the vectors of the multilingual model anew" in said[-1]
    assert here.start(NEVER_SET)
    assert (here.renewing() is not None, here.pulls) == (True, [])


def test_a_failure_is_said_once_and_the_vectors_stay(
    machine: Callable[[], Machine], caplog: pytest.LogCaptureFixture
) -> None:
    here = machine()
    here.fails = True
    with caplog.at_level(logging.WARNING):
        assert not here.start(NEVER_SET)
        assert not here.start(NEVER_SET)
    [record] = caplog.records
    assert "stay those of an older version: no weights" in record.message
    assert (here.renewing(), len(here.pulls)) == (None, 1)
    here.fails = False
    here.clock.now += FIRST_RETRY_SECONDS
    assert here.start(NEVER_SET)


def test_the_model_of_this_version_stays(machine: Callable[[], Machine]) -> None:
    here = machine()
    here.start(NEVER_SET)
    digest = here.renewing()
    here.index.rows("DELETE FROM models WHERE state = 'multilingual' RETURNING 1")
    here.index.rows("UPDATE models SET state = 'multilingual' WHERE digest = %s RETURNING 1", digest)
    assert not here.start(NEVER_SET)
    assert (here.renewing(), len(here.pulls)) == (None, 1)


def test_a_machine_that_was_off_meanwhile_gets_it_too(machine: Callable[[], Machine]) -> None:
    here = machine()
    assert here.start(NEVER_SET)
    better = here.renewing()
    here.complete()
    other = machine()
    shutil.copytree(other.plain.folder, other.settings.model_dir / other.plain.folder.name)
    assert not other.start(NEVER_SET)
    assert not other.start(NEVER_SET)
    assert (other.renewing(), len(other.pulls)) == (None, 1)
    assert better in {model.spec.digest for model in index_model.model_store(other.settings).list()}


def test_a_damaged_better_form_is_prepared_again(machine: Callable[[], Machine]) -> None:
    here = machine()
    here.write_better_form()
    [better] = [model for model in index_model.model_store(here.settings).list() if model.spec != here.plain.spec]
    (better.folder / "tokenizer.json").write_text("")
    here.before_pull = lambda: shutil.rmtree(better.folder)
    assert here.start(NEVER_SET)
    assert (here.renewing(), len(here.pulls)) == (better.spec.digest, 1)


def test_an_older_form_is_used_only_where_the_present_one_cannot_be_had(machine: Callable[[], Machine]) -> None:
    here = machine()
    here.index.rows("DELETE FROM models WHERE state = 'multilingual' RETURNING 1")
    multilingual.declare_multilingual(here.settings.replace(multilingual="always"), here.index.database)
    here.fails = True
    assert here.start(NEVER_SET)
    assert here.multilingual() == here.plain.spec.digest
    here.index.rows("DELETE FROM models WHERE state = 'multilingual' RETURNING 1")
    here.fails = False
    here.clock.now += FIRST_RETRY_SECONDS
    assert here.start(NEVER_SET)
    assert here.multilingual() not in {None, here.plain.spec.digest}
