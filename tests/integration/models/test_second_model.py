"""When an index gets its multilingual model, who prepares it, and what is said when it cannot be had."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from magicfs.cli import index_model, multilingual, multilingual_starter
from magicfs.cli.checks import run_checks
from magicfs.cli.multilingual_starter import FIRST_RETRY_SECONDS, MultilingualStarter
from magicfs.cli.stalled import read_situation
from magicfs.config import Settings
from magicfs.db.cluster.roots import database_time
from magicfs.db.vectors import multilingual as db_multilingual
from magicfs.db.vectors.model_changes import activate_model, start_multilingual
from magicfs.db.vectors.models import active_model, multilingual_model
from magicfs.db.vectors.multilingual import record_foreign_question
from magicfs.domain.contents import Document
from magicfs.domain.models import StoredModel
from magicfs.errors import DatabaseConflict, ModelError
from magicfs.models.store import ModelStore
from tests.fakes.clock import Clock
from tests.fakes.embedder import FAKE_SPEC
from tests.integration.models.tiny import write_tiny_model
from tests.plugins.commands import short_folder
from tests.plugins.index import HOST, Index

ENGLISH, GERMAN = "The invoice for the garden is due in May. ", "Die Rechnung für den Garten ist im Mai fällig. "
NEVER_SET = threading.Event()


@pytest.fixture
def homes() -> Iterator[Path]:
    """A folder for state directories, whose sockets need short addresses."""
    with short_folder() as folder:
        yield folder


@pytest.fixture
def settings(homes: Path, database_url: str, broker_url: str) -> Settings:
    made = Settings(home=homes / "home", host=HOST, database_url=database_url, broker_url=broker_url)
    made.make_home()
    return made


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small model in the role of the multilingual one."""
    folder = write_tiny_model(tmp_path / "tiny")
    for module in (multilingual, multilingual_starter):
        monkeypatch.setattr(module, "MULTILINGUAL_MODEL", str(folder))
    return folder


def save(index: Index, text: str, *, language: str) -> None:
    index.reader.extract = lambda content, name, gap: Document(content.decode(), "text/plain", language=language)
    (index.folder / f"{language}.txt").write_text(text * 5)
    index.scan()
    while index.extraction().run_batch():
        pass


@pytest.fixture(autouse=True)
def reads_english(index: Index) -> None:
    """The active model of the index reads English alone."""
    index.rows("UPDATE models SET languages = '{en}' RETURNING 1")


def second(index: Index) -> str | None:
    """The name of the multilingual model of the index."""
    with index.database.transaction() as connection:
        model = multilingual_model(connection)
    return model.spec.name if model else None


def lacked(settings: Settings, index: Index) -> str | None:
    """The model that chunks wait for on a machine without any model."""
    with index.database.transaction() as connection:
        began = database_time(connection)
    return read_situation(settings, index.database, since=began, root=None).lacked


def starter(settings: Settings, index: Index, model: Path) -> tuple[MultilingualStarter, list[str]]:
    """A starter, whose clock stands still, and how often it has pulled the model."""
    pulled: list[str] = []

    def pull(stop: threading.Event, precision: str) -> None:
        pulled.append(str(model))
        index_model.model_store(settings).pull(str(model))

    return MultilingualStarter(settings, index.database, pull=pull, clock=Clock()), pulled


def test_english_texts_cost_nothing_and_a_german_one_begins_it(index: Index, settings: Settings, tiny: Path) -> None:
    start, pulled = starter(settings, index, tiny)
    save(index, ENGLISH, language="en")
    start(NEVER_SET)
    assert (second(index), pulled) == (None, [])
    save(index, GERMAN, language="de")
    start(NEVER_SET)
    start(NEVER_SET)
    assert (second(index), pulled) == (str(tiny), [str(tiny)])


def test_a_german_question_begins_it(index: Index, settings: Settings, tiny: Path) -> None:
    start, _ = starter(settings, index, tiny)
    save(index, ENGLISH, language="en")
    start(NEVER_SET)
    with index.database.transaction() as connection:
        record_foreign_question(connection)
    start(NEVER_SET)
    assert second(index) == str(tiny)


def test_languages_are_counted_again_only_after_a_change(
    index: Index, settings: Settings, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[bool] = []
    monkeypatch.setattr("magicfs.db.vectors.multilingual.needs_multilingual", lambda connection: counts.append(True))
    start, _ = starter(settings, index, tiny)

    def look() -> int:
        start(NEVER_SET)
        return len(counts)

    assert (look(), look()) == (1, 1)
    save(index, ENGLISH, language="en")
    assert (look(), look()) == (2, 2)


def test_always_begins_it_at_once_and_never_ends_it(index: Index, settings: Settings, tiny: Path) -> None:
    start, _ = starter(settings, index, tiny)
    multilingual.declare_multilingual(settings.replace(multilingual="always"), index.database)
    start(NEVER_SET)
    assert second(index) == str(tiny)
    multilingual.declare_multilingual(settings.replace(multilingual="never"), index.database)
    start(NEVER_SET)
    assert second(index) is None


def test_a_model_of_this_machine_is_not_pulled(index: Index, settings: Settings, tiny: Path) -> None:
    index_model.model_store(settings).pull(str(tiny))
    save(index, GERMAN, language="de")
    start, pulled = starter(settings, index, tiny)
    start(NEVER_SET)
    assert (second(index), pulled) == (str(tiny), [])


def test_a_failure_is_said_once_and_tried_again_after_a_pause(
    index: Index, settings: Settings, tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[str] = []

    def pull(stop: threading.Event, precision: str) -> None:
        tries.append("one")
        raise ModelError("the weights are not installed: run `pip install them`")

    clock = Clock()
    start = MultilingualStarter(settings, index.database, pull=pull, clock=clock)
    save(index, GERMAN, language="de")

    def look() -> int:
        start(NEVER_SET)
        return len(tries)

    with caplog.at_level(logging.WARNING):
        assert (look(), look()) == (1, 1)
        clock.now += FIRST_RETRY_SECONDS
        assert (look(), look()) == (2, 2)
    (message,) = [record.getMessage() for record in caplog.records if "pip install them" in record.getMessage()]
    assert "found by their words alone on this machine" in message
    assert second(index) is None
    # Somebody pulls it meanwhile: there is no pause then.
    index_model.model_store(settings).pull(str(tiny))
    look()
    assert second(index) == str(tiny)


def test_a_model_that_another_host_has_started_meanwhile_stays(index: Index, settings: Settings, tiny: Path) -> None:
    def pull(stop: threading.Event, precision: str) -> None:
        index_model.model_store(settings).pull(str(tiny))
        with index.database.transaction() as connection:
            start_multilingual(connection, replace(FAKE_SPEC, name="fake/of another host"))

    save(index, GERMAN, language="de")
    MultilingualStarter(settings, index.database, pull=pull)(NEVER_SET)
    assert second(index) == "fake/of another host"


def test_a_setting_that_changes_during_the_pull_counts(index: Index, settings: Settings, tiny: Path) -> None:
    def pull(stop: threading.Event, precision: str) -> None:
        index_model.model_store(settings).pull(str(tiny))
        multilingual.declare_multilingual(settings.replace(multilingual="never", host="other"), index.database)

    save(index, GERMAN, language="de")
    MultilingualStarter(settings, index.database, pull=pull)(NEVER_SET)
    assert second(index) is None


@pytest.mark.parametrize("function", ["declare_mode", "start_if_needed"])
def test_a_conflict_ends_neither_a_command_nor_the_agent(
    index: Index, settings: Settings, tiny: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    tries: list[str] = []
    done = getattr(db_multilingual, function)

    def conflict_once(*arguments: object, **options: object) -> object:
        tries.append(function)
        if len(tries) == 1:
            raise DatabaseConflict("deadlock detected")
        return done(*arguments, **options)

    monkeypatch.setattr(db_multilingual, function, conflict_once)
    multilingual.declare_multilingual(settings.replace(multilingual="always"), index.database)
    multilingual.ensure_multilingual(settings, index.database, progress=lambda _: None)
    assert (second(index), len(tries)) == (str(tiny), 2)


def test_the_pull_has_a_process_of_its_own(index: Index, settings: Settings, tiny: Path) -> None:
    save(index, GERMAN, language="de")
    MultilingualStarter(settings, index.database)(NEVER_SET)
    assert second(index) == str(tiny)


def test_what_the_process_says_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(multilingual_starter, "MULTILINGUAL_MODEL", str(tmp_path / "nothing"))
    with pytest.raises(ModelError, match=r"^[^\n]*nothing[^\n]*$"):
        multilingual_starter.pull_in_process(settings, NEVER_SET, "auto")


def test_the_process_ends_with_the_agent(settings: Settings, tiny: Path) -> None:
    stop = threading.Event()
    stop.set()
    multilingual_starter.pull_in_process(settings, stop, "auto")
    assert index_model.model_store(settings).list() == ()


def test_a_host_that_lacks_the_model_of_the_index_says_so(
    index: Index, settings: Settings, tiny: Path, homes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(index, GERMAN, language="de")
    starter(settings, index, tiny)[0](NEVER_SET)
    other = settings.replace(home=homes / "other")
    other.make_home()
    start, pulled = starter(other, index, tiny)
    with caplog.at_level(logging.WARNING):
        start(NEVER_SET)
    assert (f"magicfs model pull {tiny}" in caplog.text, pulled) == (True, [])
    index.rows("UPDATE embeddings SET state = 'unread' WHERE model_id = 1 RETURNING 1")
    assert lacked(other, index) == str(tiny)
    assert lacked(settings, index) is None
    said: list[str] = []
    multilingual.ensure_multilingual(other, index.database, progress=said.append)
    assert index_model.model_store(other).find(str(tiny))
    assert said


def test_other_weights_than_those_of_the_index_are_not_prepared_again(
    index: Index, settings: Settings, tiny: Path
) -> None:
    stored = index_model.model_store(settings).pull(str(tiny))
    with index.database.transaction() as connection:
        start_multilingual(connection, replace(stored.spec, digest="0" * 64, former_digest=""))
    said: list[str] = []
    multilingual.ensure_multilingual(settings, index.database, progress=said.append)
    [line] = said
    assert "copy the model's folder" in line
    assert "MAGICFS_MULTILINGUAL=never" in line
    assert index_model.model_store(settings).list() == (stored,)


def test_a_command_begins_it_and_says_what_it_does(index: Index, settings: Settings, tiny: Path) -> None:
    said: list[str] = []
    multilingual.ensure_multilingual(settings, index.database, progress=said.append)
    assert (second(index), said) == (None, [])
    save(index, GERMAN, language="de")
    multilingual.ensure_multilingual(settings, index.database, progress=said.append)
    assert second(index) == str(tiny)
    assert said[0].startswith(f"preparing {tiny}")


def test_a_command_goes_on_without_it(
    index: Index, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multilingual, "MULTILINGUAL_MODEL", str(tmp_path / "nothing"))
    save(index, GERMAN, language="de")
    said: list[str] = []
    multilingual.ensure_multilingual(settings, index.database, progress=said.append)
    assert second(index) is None
    assert f"until 'magicfs model pull {tmp_path}/nothing' succeeds" in said[-1]


def test_the_languages_of_a_model_of_an_older_index_are_filled_in(
    index: Index, settings: Settings, model_store: ModelStore, stored_model: StoredModel
) -> None:
    settings.model_dir.rmdir()
    settings.model_dir.symlink_to(model_store.directory)
    index.rows("DELETE FROM models RETURNING 1")
    with index.database.transaction() as connection:
        activate_model(connection, replace(stored_model.spec, languages=()))
    index_model.ensure_active_model(settings, index.database)
    with index.database.transaction() as connection:
        model = active_model(connection)
    assert model is not None
    assert model.spec.languages == ("en",)


def test_the_doctor_says_what_the_index_needs_and_what_is_missing(
    index: Index, settings: Settings, tiny: Path, homes: Path
) -> None:
    def languages(machine: Settings) -> tuple[bool, str]:
        result = next(one for one in run_checks(machine) if one.name == "languages")
        return result.ok, result.text

    assert languages(settings) == (True, "one model is enough for the texts and questions of the index")
    save(index, GERMAN, language="de")
    ok, text = languages(settings)
    assert not ok
    assert "magicfs model pull" in text
    multilingual.ensure_multilingual(settings, index.database, progress=lambda _: None)
    assert languages(settings) == (True, f"{tiny} (fp32) beside the active model")
    ok, text = languages(settings.replace(home=homes / "other"))
    assert not ok
    assert f"magicfs model pull {tiny}" in text
    multilingual.declare_multilingual(settings.replace(multilingual="never"), index.database)
    assert languages(settings) == (True, "one model, because MAGICFS_MULTILINGUAL is 'never'")
