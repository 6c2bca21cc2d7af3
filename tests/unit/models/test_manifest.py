from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from magicfs.domain.models import FileChecksum, ModelManifest, ModelSpec, Precision
from magicfs.embedding import manifest as manifests
from magicfs.errors import ModelCorrupt, ModelMissing


@pytest.fixture
def stored(tmp_path: Path) -> ModelManifest:
    (tmp_path / "part").mkdir()
    (tmp_path / "model.onnx").write_bytes(b"weights")
    (tmp_path / "part" / "config.json").write_text("{}")
    manifest = manifests.with_digest(
        ModelManifest(
            spec=ModelSpec("a/b", Precision.INT8, 384, 256, "ask: ", 0.1, 0.9),
            model_file="model.onnx",
            fastembed_name=None,
            pooling="mean",
            passage_prefix="",
            origin="test",
            files=manifests.checksums_of(tmp_path),
            weights=["a" * 64],
        )
    )
    manifests.write(tmp_path, manifest)
    return manifest


def test_what_is_written_is_read(tmp_path: Path, stored: ModelManifest) -> None:
    assert manifests.read(tmp_path) == stored
    assert set(stored.files) == {"model.onnx", "part/config.json"}
    manifests.check(tmp_path, stored, full=True)


def test_no_folder_is_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="magicfs model pull"):
        manifests.read(tmp_path / "nothing")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 0}', '{"format": 1, "spec": {}}', "\0", "nul"])
def test_a_broken_manifest_is_a_corrupt_model(tmp_path: Path, stored: ModelManifest, content: str) -> None:
    (tmp_path / manifests.FILE_NAME).write_text(content)
    with pytest.raises(ModelCorrupt, match="magicfs model pull"):
        manifests.read(tmp_path)


def test_a_short_file_is_seen_at_once(tmp_path: Path, stored: ModelManifest) -> None:
    (tmp_path / "model.onnx").write_bytes(b"weight")
    with pytest.raises(ModelCorrupt, match="magicfs model pull a/b"):
        manifests.check(tmp_path, stored, full=False)


def test_a_missing_file_is_seen_at_once(tmp_path: Path, stored: ModelManifest) -> None:
    (tmp_path / "part" / "config.json").unlink()
    with pytest.raises(ModelCorrupt, match="lacks"):
        manifests.check(tmp_path, stored, full=False)


def test_a_flipped_bit_is_seen_by_the_full_check(tmp_path: Path, stored: ModelManifest) -> None:
    (tmp_path / "model.onnx").write_bytes(b"weightz")
    manifests.check(tmp_path, stored, full=False)
    with pytest.raises(ModelCorrupt, match="damaged"):
        manifests.check(tmp_path, stored, full=True)


def test_the_command_quotes_what_a_shell_would_split() -> None:
    assert manifests.pull_command("/my models/x") == "magicfs model pull '/my models/x'"


def digest_of(manifest: ModelManifest) -> str:
    return manifests.with_digest(manifest).spec.digest


def test_a_digest_is_that_of_the_weights_before_rounding_the_other_files_and_their_use(stored: ModelManifest) -> None:
    spec, files = stored.spec, stored.files
    assert len(spec.digest) == 64
    for other in (
        replace(stored, weights=["b" * 64]),
        replace(stored, files={**files, "part/config.json": FileChecksum(2, "0" * 64)}),
        replace(stored, files={"model.onnx": files["model.onnx"]}),
        replace(stored, spec=replace(spec, precision=Precision.FP32)),
        replace(stored, pooling="cls"),
        replace(stored, passage_prefix="passage: "),
        replace(stored, spec=replace(spec, query_prefix="")),
        replace(stored, spec=replace(spec, max_tokens=128)),
    ):
        assert digest_of(other) != spec.digest
    for other in (
        replace(stored, origin="elsewhere"),
        replace(stored, spec=replace(spec, name="b/c", floor=0.2)),
        replace(stored, files={**files, "model.onnx": FileChecksum(7, "0" * 64)}),
    ):
        assert digest_of(other) == spec.digest


def test_without_the_digest_of_the_weights_it_is_that_of_the_rounded_ones(stored: ModelManifest) -> None:
    older = manifests.with_digest(replace(stored, weights=[]))
    assert older.spec.digest == stored.spec.former_digest
    assert older.spec.former_digest == ""
    assert older.spec.is_model(stored.spec)
    assert stored.spec.is_model(older.spec)
    rounded = {**stored.files, "model.onnx": FileChecksum(7, "0" * 64)}
    assert not manifests.with_digest(replace(older, files=rounded)).spec.is_model(stored.spec)


def test_the_manifest_of_an_older_version_gets_its_digest_when_it_is_read(
    tmp_path: Path, stored: ModelManifest
) -> None:
    path = tmp_path / manifests.FILE_NAME
    written = json.loads(path.read_text())
    assert written["spec"].pop("digest") == stored.spec.digest
    path.write_text(json.dumps(written))
    assert manifests.read(tmp_path) == stored


def test_a_digest_that_is_not_that_of_the_files_is_corrupt(tmp_path: Path, stored: ModelManifest) -> None:
    manifests.write(tmp_path, replace(stored, pooling="cls"))
    with pytest.raises(ModelCorrupt, match="magicfs model pull"):
        manifests.read(tmp_path)
