"""What a model is: its files and how they are used, not its name. Vectors of two models never meet in one partition."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from magicfs.cli import application, index_model, wiring
from magicfs.db.vectors.model_changes import activate_model, build_model
from magicfs.db.vectors.models import building_model
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.embedding.manifest import sha256_of
from magicfs.errors import ModelMismatch
from magicfs.models import prepare
from magicfs.models.rounding import quantize
from tests.integration.models.identity.machines import DEADLINE_SECONDS, Machine, active, agreement, save
from tests.integration.models.tiny import write_tiny_model
from tests.plugins.index import Index, completed_model


class TestAChangedFolder:
    def test_a_pull_of_it_changes_nothing_of_what_is_in_use(
        self, index: Index, machine: Callable[[], Machine], tiny: Path
    ) -> None:
        here = machine()
        first = here.pull(tiny)
        index_model.ensure_active_model(here.settings, index.database)
        save(index, "bake the sourdough loaf")
        here.embed()
        write_tiny_model(tiny, seed=8)
        second = here.pull(tiny)
        save(index, "night train to Lisbon, a hotel near the harbour")
        here.embed()
        assert index.rows("SELECT count(*) FROM embeddings WHERE state = 'done'") == [(2,)]
        assert agreement(index, first) > 0.999
        assert agreement(index, second) < 0.9
        embedder = wiring.query_embedder(here.settings)
        try:
            spec = active(index).spec
            question = embedder.embed("sourdough loaf", spec=spec, deadline_s=DEADLINE_SECONDS)
            assert np.allclose(question, FastembedEmbedder.load(first.folder).embed_query("sourdough loaf"), atol=1e-6)
        finally:
            assert embedder.quit(deadline_s=DEADLINE_SECONDS)

    def test_a_host_that_has_only_the_changed_one_refuses(
        self, index: Index, machine: Callable[[], Machine], tiny: Path
    ) -> None:
        here, there = machine(), machine()
        here.pull(tiny)
        index_model.ensure_active_model(here.settings, index.database)
        write_tiny_model(tiny, seed=8)
        there.pull(tiny)
        save(index, "bake the sourdough loaf")
        with pytest.raises(ModelMismatch, match=f"magicfs model use {tiny}"):
            there.embed()
        assert index.rows("SELECT state, attempts FROM embeddings") == [("pending", 0)]
        with pytest.raises(ModelMismatch, match=f"magicfs model use {tiny}"):
            wiring.query_embedder(there.settings).embed("bread", spec=active(index).spec, deadline_s=DEADLINE_SECONDS)
        here.embed()
        assert index.rows("SELECT state FROM embeddings") == [("done",)]


class TestAHostWithoutTheModel:
    """Its files are read all the same: that needs no more than the tokenizer of the model."""

    @pytest.fixture
    def there(self, index: Index, machine: Callable[[], Machine], tiny: Path) -> Machine:
        here, there = machine(), machine()
        here.pull(tiny)
        index_model.ensure_active_model(here.settings, index.database)
        write_tiny_model(tiny, seed=8)
        return there

    def test_it_reads_files_with_the_same_tokenizer_of_another_model(
        self, index: Index, there: Machine, tiny: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        there.pull(tiny)
        (index.folder / "bread.txt").write_text("bake the sourdough loaf")
        index.scan()
        there.extract()
        assert index.rows("SELECT state FROM files") == [("indexed",)]
        assert index.rows("SELECT text FROM chunks") == [("bake the sourdough loaf",)]
        [line] = [record.getMessage() for record in caplog.records if "tokenizer" in record.getMessage()]
        assert f"magicfs model pull {tiny}" in line

    def test_it_says_what_to_do_when_its_tokenizer_is_another_one(
        self, index: Index, there: Machine, tiny: Path
    ) -> None:
        tokenizer = json.loads((tiny / "tokenizer.json").read_text())
        tokenizer["normalizer"] = None
        (tiny / "tokenizer.json").write_text(json.dumps(tokenizer))
        there.pull(tiny)
        (index.folder / "bread.txt").write_text("bake the sourdough loaf")
        index.scan()
        with pytest.raises(ModelMismatch, match=f"magicfs model pull {tiny}"):
            there.extract()
        assert index.rows("SELECT state, attempts FROM files") == [("pending", 0)]

    def test_up_says_in_one_line_what_does_not_run(self, index: Index, there: Machine, tiny: Path) -> None:
        said: list[str] = []
        in_use = index_model.pull_active_model(there.settings, index.database, progress=said.append)
        assert in_use == active(index).spec
        [line] = [each for each in said if "embeds nothing" in each]
        assert "\n" not in line
        assert "copy the model's folder from a host that has it" in line
        assert "until" not in line, "a pull has just given the other weights"
        assert f"magicfs model pull {tiny}" not in line

    def test_up_names_the_command_where_it_can_help(self, index: Index, there: Machine, tiny: Path) -> None:
        shutil.rmtree(tiny)
        shutil.rmtree(there.settings.model_dir)
        said: list[str] = []
        index_model.pull_active_model(there.settings, index.database, progress=said.append)
        [line] = [each for each in said if "embeds nothing" in each]
        assert f"until 'magicfs model pull {tiny}' succeeds" in line


class TestWeightsThatWereRoundedElsewhere:
    """Another version of onnxruntime rounds otherwise. Two hosts that prepare the same weights have one model."""

    @pytest.fixture
    def another_rounding(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def quantize_otherwise(source: Path, target: Path) -> None:
            quantize(source, target)
            model = onnx.load(target)
            [scale] = [each for each in model.graph.initializer if each.name.endswith("_scale")]
            scale.CopyFrom(
                onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(scale) * np.float32(1.001), scale.name)
            )
            onnx.save(model, target)

        monkeypatch.setattr(prepare, "quantize", quantize_otherwise)

    def test_two_hosts_agree_on_the_model(
        self, index: Index, machine: Callable[[], Machine], tiny: Path, request: pytest.FixtureRequest
    ) -> None:
        here, there = machine(), machine()
        first = here.pull(tiny, precision="int8")
        request.getfixturevalue("another_rounding")
        second = there.pull(tiny, precision="int8")
        assert sha256_of(first.folder / "model.onnx") != sha256_of(second.folder / "model.onnx")
        assert first.spec.digest == second.spec.digest
        with index.database.transaction() as connection:
            activate_model(connection, first.spec)
        save(index, "bake the sourdough loaf")
        there.embed()
        assert agreement(index, first) > 0.98

    def test_another_precision_is_another_model(self, machine: Callable[[], Machine], tiny: Path) -> None:
        here = machine()
        assert here.pull(tiny, precision="int8").spec.digest != here.pull(tiny, precision="fp32").spec.digest


def test_the_commands_change_to_a_changed_folder_and_back(
    index: Index, machine: Callable[[], Machine], tiny: Path
) -> None:
    here = machine()
    settings = here.settings
    environment = {
        "MAGICFS_HOME": str(settings.home),
        "MAGICFS_DATABASE_URL": settings.database_dsn,
        "MAGICFS_BROKER_URL": settings.broker_dsn,
    }

    def run(*command: str) -> str:
        result = CliRunner().invoke(application.app, ["model", *command], env=environment, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    assert f"the index uses {tiny}" in run("use", str(tiny))
    first = active(index).spec
    write_tiny_model(tiny, seed=8)
    said = run("pull", str(tiny))
    assert f"still uses {first.full_label}: 'magicfs model use {tiny}' changes it" in said
    assert active(index).spec == first
    models = json.loads(run("list", "--json"))["models"]
    assert {model["digest"]: model["in_use"] for model in models}[first.digest]
    assert [model["in_use"] for model in models].count(True) == 1
    said = run("use", str(tiny))
    assert f"'magicfs model use {tiny} --precision fp32 --digest {first.digest[:12]}' goes back" in said
    with index.database.transaction() as connection:
        assert building_model(connection) is not None
    assert f"the index uses {tiny}" in run("use", str(tiny), "--digest", first.digest[:12])
    with index.database.transaction() as connection:
        assert building_model(connection) is None
    assert active(index).spec == first


def test_a_model_that_reads_less_gets_chunks_that_it_reads_whole(
    index: Index, machine: Callable[[], Machine], tiny: Path, tmp_path: Path
) -> None:
    here = machine()
    here.pull(tiny)
    index_model.ensure_active_model(here.settings, index.database)
    save(index, "sourdough bread\n" * 30 + "with rye flour\nat the end")
    save(index, "night train to Lisbon")
    here.embed()
    short = write_tiny_model(tmp_path / "short", seed=8)
    (short / "tokenizer_config.json").write_text('{"model_max_length": 48}')
    stored = here.pull(short)
    assert stored.spec.max_tokens == 48
    with index.database.transaction() as connection:
        build_model(connection, stored.spec)
    here.embed()
    with index.database.transaction() as connection:
        assert completed_model(connection).spec == stored.spec
    places = index.rows(
        "SELECT text, ordinal, first_line, last_line FROM chunks JOIN content_chunks ON chunk_id = chunks.id "
        "JOIN files USING (content_id) WHERE display = '505.txt' ORDER BY ordinal"
    )
    embedder = FastembedEmbedder.load(stored.folder)
    assert all(embedder.reads_whole(text) for text, _, _, _ in places)
    assert "\n".join(text for text, _, _, _ in places) == (index.folder / "505.txt").read_text()
    assert [ordinal for _, ordinal, _, _ in places] == list(range(len(places)))
    assert index.rows("SELECT count(*) FROM chunks WHERE text ~ '^night'") == [(1,)]
