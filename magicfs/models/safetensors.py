"""The reader of safetensors files, the format in which most weights are published.

Used by `packages`. Maps the file into memory and copies nothing. Safe in any thread.
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from magicfs.errors import ModelCorrupt

_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1", "BOOL": "?"}
_MAX_HEADER_BYTES = 100 * 1024 * 1024
"""The limit of the format."""

Weights = dict[str, NDArray[Any]]
"""The arrays of a model by the names under which BERT's are published."""


def read_safetensors(path: Path) -> Weights:
    """The arrays of a safetensors file by name, mapped into memory. Raises `ModelCorrupt`."""
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(min(length, _MAX_HEADER_BYTES)))
        header.pop("__metadata__", None)
        data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + length)
        return {name: _array(data, entry) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelCorrupt(f"{path} is not a readable safetensors file ({error}): install its package again") from error


def _array(data: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    dtype = np.dtype(_DTYPES[entry["dtype"]])
    if not 0 <= begin <= end <= data.size or end - begin != dtype.itemsize * math.prod(entry["shape"]):
        raise ValueError("an array is outside of the file")
    return data[begin:end].view(dtype).reshape(entry["shape"])
