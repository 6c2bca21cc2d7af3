"""The model crashes on one text, hangs on another, and runs out of memory on a third."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.pipeline import embed
from tasks.app import EMBED_TASK, HARD_SECONDS

# The first task loads the model, and the machine may be busy: tasks are short, so that only one that hangs is killed.
HARD_SECONDS[EMBED_TASK] = 12
embed.TURN_SECONDS = 0.5
_embed = FastembedEmbedder.embed_chunks


def _misbehave(self: FastembedEmbedder, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[bytes]]:
    for text in texts:
        if "SEGFAULT" in text:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "HANG" in text:
            time.sleep(600)
        if "MEMORY" in text:
            raise MemoryError
    return _embed(self, texts)


FastembedEmbedder.embed_chunks = _misbehave
