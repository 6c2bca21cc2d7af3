"""Answers the requests of the query embedder with the models that an index is searched by.

Used by `query_server`, which has the process and its connections. Requests are

    {"do": "embed", "folders": [...], "kept": [...], "text": ...}, {"do": "ping"}, {"do": "quit"}

`embed` gets one answer for each of `folders`, in their order and each as soon as it is ready, so that a model that
loads slowly, fails or crashes takes no other vector along. An answer has the `folder`, the model's `digests`, the
number of `tokens` and the known `words` (see `EmbeddedQuestion`) in its head, and the vector, little-endian float32, as
its body, with those of the tokens behind it; or `error`, the name of a class in `magicfs.errors`, and `message`. Models
stay loaded as long as requests name them, in `folders` or in `kept`, and until `free_memory`.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from magicfs.errors import EmbedderUnavailable, MagicFSError, MalformedRequest
from magicfs.ipc.framing import Disconnected, Message, failure
from magicfs.ipc.local_server import IsWanted
from magicfs.linux.process import return_free_memory

if TYPE_CHECKING:
    from magicfs.embedding.embedder import FastembedEmbedder

log = logging.getLogger(__name__)

EMBED_SECONDS = 60.0
"""A vector that takes longer, including the load of the model, hangs in native code: the process ends itself."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A text to embed, and the models to embed it by and to keep."""

    text: str
    folders: list[Path]
    kept: frozenset[Path]

    @classmethod
    def of(cls, head: dict[str, Any]) -> Self:
        """The question of a request. Raises `MalformedRequest`."""
        text, folders, kept = head.get("text"), head.get("folders"), head.get("kept", [])
        if not (isinstance(text, str) and isinstance(folders, list) and folders and isinstance(kept, list)):
            raise MalformedRequest("malformed request (folders and text are needed)")
        if not all(isinstance(folder, str) for folder in (*folders, *kept)):
            raise MalformedRequest("malformed request (a folder is no text)")
        return cls(text, [Path(folder) for folder in folders], frozenset(Path(folder) for folder in (*folders, *kept)))


class QueryService:
    """Answers requests with the models that it has loaded. Safe in any thread."""

    def __init__(self) -> None:
        # A thread instead of a lock, because native code keeps memory for each thread that has run it.
        self._model_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._embedders: dict[Path, FastembedEmbedder] = {}
        """The loaded models, by their folders."""
        self._served = 0

    def answers(self, request: Message, *, is_wanted: IsWanted) -> Iterator[Message]:
        """The answers to a request, each when it is ready.

        `is_wanted` is called when the models are free. Raises `Disconnected` when it returns False, and when the
        service stops.
        """
        match request.head.get("do"):
            case "embed":
                yield from self._vectors(request.head, is_wanted)
            case "ping":
                labels = [embedder.spec.label for embedder in list(self._embedders.values())]
                yield Message({"pid": os.getpid(), "model": ", ".join(labels) or None, "served": self._served})
            case "quit":
                yield Message({"pid": os.getpid()})
            case _:
                yield failure(MalformedRequest("malformed request (unknown command)"))

    def is_outdated(self) -> bool:
        """False: a client that needs other models replaces this process."""
        return False

    def free_memory(self) -> None:
        """Free the memory of the models. The next question loads them again, in a tenth to half of a second."""
        with contextlib.suppress(RuntimeError):  # the service stops
            self._model_thread.submit(self._unload)

    def stop(self) -> None:
        """Wait until the text in work is embedded, and cancel all other requests."""
        self._model_thread.shutdown(cancel_futures=True)

    def _vectors(self, head: dict[str, Any], is_wanted: IsWanted) -> Iterator[Message]:
        try:
            question = _Question.of(head)
        except MalformedRequest as error:
            yield failure(error)
            return
        for number, folder in enumerate(question.folders, 1):
            answer = self._answer(question, folder, is_wanted)
            # Before the last answer: who has got it may ask for the number.
            self._served += number == len(question.folders)
            yield Message({"folder": str(folder)} | answer.head, answer.body)

    def _answer(self, question: _Question, folder: Path, is_wanted: IsWanted) -> Message:
        """The answer for one model: a vector, or why there is none."""
        try:
            return self._on_model_thread(question, folder, is_wanted)
        except Disconnected:
            raise
        except MagicFSError as error:
            return failure(error)
        except Exception as error:
            log.exception("a request failed")
            return failure(EmbedderUnavailable(f"the query embedder failed ({error})"))

    def _on_model_thread(self, question: _Question, folder: Path, is_wanted: IsWanted) -> Message:
        try:
            embedding = self._model_thread.submit(self._embed, question, folder, is_wanted)
        except RuntimeError as error:
            raise Disconnected("the server has stopped") from error
        try:
            return embedding.result()
        except CancelledError as error:
            raise Disconnected("the server stops") from error

    def _embed(self, question: _Question, folder: Path, is_wanted: IsWanted) -> Message:
        if not is_wanted():
            raise Disconnected("the client gave up")
        faulthandler.dump_traceback_later(EMBED_SECONDS, exit=True)
        try:
            embedder = self._load(folder, question.kept)
            embedded = embedder.embed_question(question.text)
        finally:
            faulthandler.cancel_dump_traceback_later()
        vectors = [embedded.vector] if embedded.tokens is None else [embedded.vector, embedded.tokens]
        head = {
            "digests": sorted(embedder.spec.digests),
            "tokens": 0 if embedded.tokens is None else len(embedded.tokens),
            "words": sorted(embedded.known_words),
        }
        return Message(head, b"".join(part.astype("<f4").tobytes() for part in vectors))

    def _unload(self) -> None:
        if self._embedders:
            self._embedders.clear()
            return_free_memory()
            log.info("nobody asks: the models are not in memory any more")

    def _load(self, folder: Path, kept: frozenset[Path]) -> FastembedEmbedder:
        from magicfs.embedding.embedder import FastembedEmbedder
        from magicfs.embedding.lean_import import import_fastembed

        import_fastembed()
        # Models that the index has no more would add to the memory: they go first.
        for other in self._embedders.keys() - kept:
            del self._embedders[other]
        if folder not in self._embedders:
            self._embedders[folder] = FastembedEmbedder.load(folder)
            return_free_memory()
            log.info("loaded %s", self._embedders[folder].spec.label)
        return self._embedders[folder]
