"""The kernel kills what loads a model for want of memory, as long as the file `no memory` is in the state directory."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from magicfs.domain.models import IndexedModel
from magicfs.embedding.embedder import Embedder
from magicfs.linux import memory
from magicfs.pipeline.model_memory import ModelMemory

_home = Path(os.environ["MAGICFS_HOME"])
_embedder_for = ModelMemory.embedder_for

memory.KERNEL_EVENTS = _home / f"vmstat-{os.getpid()}"
memory.KERNEL_EVENTS.write_text("nr_free_pages 9\noom_kill 0\n")


def _embedder_or_end(self: ModelMemory, model: IndexedModel) -> Embedder:
    if (_home / "no memory").exists():
        with (_home / "tries").open("a") as tries:
            tries.write("x")
        memory.KERNEL_EVENTS.write_text(f"nr_free_pages 9\noom_kill {memory.count_memory_kills() + 1}\n")
        os.kill(os.getpid(), signal.SIGKILL)
    return _embedder_for(self, model)


ModelMemory.embedder_for = _embedder_or_end
