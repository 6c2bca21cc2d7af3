"""Reading a model's weights and settings from the files that its authors publish, without torch.

Used when a model is prepared. The safetensors format is a JSON header and raw arrays, so numpy reads it alone.
"""

from __future__ import annotations

import importlib.util
import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from magicfs.errors import ModelCorrupt

_TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1", "BOOL": "?"}
_LONGEST_HEADER = 100 * 1024 * 1024
"""Bytes; the limit that the format itself sets."""


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """The named arrays of a safetensors file, mapped into memory. Raises `ModelCorrupt`."""
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(min(length, _LONGEST_HEADER)))
        header.pop("__metadata__", None)
        data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
        return {name: _array(data, entry) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelCorrupt(f"{path} is no readable safetensors file ({error}): install its package again") from error


def _array(data: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    kind = np.dtype(_TYPES[entry["dtype"]])
    if not 0 <= begin <= end <= data.size or end - begin != kind.itemsize * math.prod(entry["shape"]):
        raise ValueError("an array lies outside the file")
    return data[begin:end].view(kind).reshape(entry["shape"])


def package_folder(package: str) -> Path | None:
    """Where an installed package lies, found without importing it; None when it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty when there is no such file. Raises `ModelCorrupt`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelCorrupt(f"{path} cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise ModelCorrupt(f"{path} holds no JSON object")
    return content
