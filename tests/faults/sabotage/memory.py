"""The kernel kills a worker for want of memory.

It kills what loads a model or reads a file, as long as the file `no memory` is in the state directory, and at any time
what embeds a text with the word GREEDY, or reads a file of that name.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.files import ClaimedFile
from magicfs.domain.models import IndexedModel
from magicfs.embedding.embedder import Embedder, FastembedEmbedder
from magicfs.linux import memory
from magicfs.pipeline import extract
from magicfs.pipeline.file_processor import FileProcessor
from magicfs.pipeline.model_memory import ModelMemory
from magicfs.state_directory import memory_kills

_home = Path(os.environ["MAGICFS_HOME"])
_embedder_for = ModelMemory.embedder_for
_embed = FastembedEmbedder.embed_chunks
_process = FileProcessor.process

# A test waits for several pauses, each twice as long as the one before.
memory_kills.FIRST_PAUSE_SECONDS = float(os.environ.get("FIRST_PAUSE_SECONDS", "0.25"))
memory.KERNEL_EVENTS = _home / f"vmstat-{os.getpid()}"
memory.KERNEL_EVENTS.write_text("nr_free_pages 9\noom_kill 0\n")


def _be_killed() -> None:
    memory.KERNEL_EVENTS.write_text(f"nr_free_pages 9\noom_kill {memory.count_memory_kills() + 1}\n")
    os.kill(os.getpid(), signal.SIGKILL)


def _need_memory() -> None:
    if (_home / "no memory").exists():
        with (_home / "tries").open("a") as tries:
            tries.write("x")
        _be_killed()


def _embedder_or_end(self: ModelMemory, model: IndexedModel) -> Embedder:
    _need_memory()
    return _embedder_for(self, model)


def _embed_or_end(self: FastembedEmbedder, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[bytes]]:
    if any("GREEDY" in text for text in texts):
        _be_killed()
    return _embed(self, texts)


def _process_or_end(self: FileProcessor, claims: Sequence[ClaimedFile]) -> list[ClaimedFile]:
    _need_memory()
    if any(b"GREEDY" in claim.path for claim in claims):
        _be_killed()
    return _process(self, claims)


def _require_or_end(size: int) -> None:
    _need_memory()
    memory.require_memory(size)


ModelMemory.embedder_for = _embedder_or_end
FastembedEmbedder.embed_chunks = _embed_or_end
FileProcessor.process = _process_or_end
vars(extract)["require_memory"] = _require_or_end
