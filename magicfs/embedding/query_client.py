"""Query vectors from the query embedder's process, for the mount and the commands, which hold no model themselves.

Every call ends within its deadline, whatever happens to the process: `query_connection` reaches it. Safe in any thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from magicfs.domain.models import ModelSpec
from magicfs.domain.status import EmbedderStatus
from magicfs.embedding.manifest import remake_advice
from magicfs.embedding.query_connection import DiedTwice, QueryConnection
from magicfs.embedding.query_service import MALFORMED, MAX_QUESTION_CHARACTERS, failure
from magicfs.embedding.vectors import unit_vectors
from magicfs.errors import (
    EmbedderUnavailable,
    LanguageUnread,
    MagicFSError,
    ModelCorrupt,
    ModelError,
    ModelMismatch,
    ModelMissing,
)
from magicfs.framing import Message

log = logging.getLogger(__name__)

Vector = NDArray[np.float32]
"""A vector of a question: shape (dimension,), of length 1, read-only."""

FindFolder = Callable[[ModelSpec], Path]
"""Returns the folder of a stored model. Raises `ModelMissing` or `ModelCorrupt`."""

MAX_CACHED_QUESTIONS = 512
IDLE_EXIT_SECONDS = 900.0
"""A server that a client has started exits this long after its last request."""
_ERRORS = {kind.__name__: kind for kind in (ModelError, ModelMissing, ModelCorrupt, ModelMismatch, LanguageUnread)}
"""What the server may report, besides `EmbedderUnavailable`."""


class QueryEmbedder:
    """A client of the query embedder at `socket`. It starts a server when none answers, unless `may_start` is False."""

    def __init__(
        self,
        socket: Path,
        find_folder: FindFolder,
        *,
        may_start: bool = True,
        log_path: Path | None = None,
        log_options: Sequence[str] = (),
        idle_exit: float = IDLE_EXIT_SECONDS,
    ) -> None:
        """`find_folder` may raise `ModelError`; `log_options` are options of `query_server` about the server's log."""
        self._socket = socket
        self._find_folder = find_folder
        self._connection = QueryConnection(
            socket,
            may_start=may_start,
            log_path=log_path or socket.with_name(f"{socket.name}.log"),
            log_options=log_options,
            idle_exit=idle_exit,
        )
        self._cache_lock = threading.Lock()
        self._replace_lock = threading.Lock()
        self._folders: dict[ModelSpec, Path] = {}
        self._cache: OrderedDict[tuple[str, str, str], Vector] = OrderedDict()

    def embed(self, text: str, *, spec: ModelSpec, deadline_s: float) -> Vector:
        """The vector of a question under the model `spec`.

        Raises `EmbedderUnavailable` within `deadline_s` seconds, and `ModelMissing`, `ModelCorrupt` or
        `ModelMismatch` if the model's files on this machine are not those of `spec`. Raises `LanguageUnread` for a
        question that the model does not read.
        """
        [outcome] = self.embed_by_each(text, specs=[spec], kept=[spec], deadline_s=deadline_s)
        if isinstance(outcome, MagicFSError):
            raise outcome
        return outcome

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[Vector | MagicFSError]:
        """The vector of a question under each of `specs`, or why there is none: an error that `embed` would raise.

        Returns within `deadline_s` seconds. The server keeps the models `kept` loaded, and forgets others.
        """
        text = text[:MAX_QUESTION_CHARACTERS]
        outcomes: dict[ModelSpec, Vector | MagicFSError] = dict(self._cached(text, specs))
        missing = [spec for spec in specs if spec not in outcomes]
        if missing:
            outcomes |= self._ask(text, missing, kept, time.monotonic() + deadline_s)
            self._keep(text, outcomes)
        return [outcomes[spec] for spec in specs]

    def _cached(self, text: str, specs: Sequence[ModelSpec]) -> Iterator[tuple[ModelSpec, Vector]]:
        with self._cache_lock:
            for spec in specs:
                key = _cache_key(text, spec)
                if key in self._cache:
                    self._cache.move_to_end(key)
                    yield spec, self._cache[key]

    def _keep(self, text: str, outcomes: Mapping[ModelSpec, Vector | MagicFSError]) -> None:
        with self._cache_lock:
            for spec, outcome in outcomes.items():
                if not isinstance(outcome, MagicFSError):
                    self._cache[_cache_key(text, spec)] = outcome
            while len(self._cache) > MAX_CACHED_QUESTIONS:
                self._cache.popitem(last=False)

    def _ask(
        self, text: str, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline: float
    ) -> dict[ModelSpec, Vector | MagicFSError]:
        """What the server answers for each model. A server that uses other models is replaced, its successor is asked.

        It is one that an older version left, or that loaded a folder before its files were replaced.
        """
        answers = self._answers(text, specs, kept, deadline)
        if not _are_current(answers):
            with self._replace_lock:
                # Another thread may have replaced it.
                answers = self._answers(text, specs, kept, deadline)
                if not _are_current(answers):
                    log.info("the query embedder uses other models, or is of another version, and is replaced")
                    for spec in specs:
                        self._folders.pop(spec, None)
                    self._connection.quit(deadline_s=deadline - time.monotonic())
                    answers = self._answers(text, specs, kept, deadline)
        return {spec: _outcome(answer, spec) for spec, answer in answers.items()}

    def _answers(
        self, text: str, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline: float
    ) -> dict[ModelSpec, Message]:
        """The server's answer for each model; a failure where it gives none."""
        answers: dict[ModelSpec, Message] = {}
        folders: dict[ModelSpec, str] = {}
        for spec in {*specs, *kept}:
            try:
                folders[spec] = str(self._folder(spec))
            except ModelError as error:
                answers[spec] = failure(error)

        def missing() -> list[ModelSpec]:
            return [spec for spec in specs if spec not in answers]

        def collect() -> None:
            wanted = missing()
            named = [folders[spec] for spec in wanted]
            request = Message({"do": "embed", "folders": named, "kept": list(folders.values()), "text": text})
            for spec, answer in zip(wanted, self._connection.exchange(request, deadline), strict=False):
                if "folder" not in answer.head:
                    # It is about the whole request.
                    answers.update(dict.fromkeys(wanted, answer))
                    return
                answers[spec] = answer

        while missing():
            try:
                self._connection.with_server(collect, deadline)
            except DiedTwice as error:
                # The next model may be a better one.
                answers[missing()[0]] = failure(error)
            except EmbedderUnavailable as error:
                answers |= dict.fromkeys(missing(), failure(error))
        return {spec: answers[spec] for spec in specs}

    def _folder(self, spec: ModelSpec) -> Path:
        """The folder of a model. Cached, because finding it takes a tenth of the time of a request."""
        folder = self._folders.get(spec)
        if folder is None:
            # The server has another working directory.
            folder = self._folders[spec] = self._find_folder(spec).resolve()
        return folder

    def ping(self, *, deadline_s: float = 1.0) -> EmbedderStatus | None:
        """The status that the server reports; None when no server answers. Starts none."""
        try:
            answer = self._connection.ask(Message({"do": "ping"}), time.monotonic() + deadline_s).head
            return EmbedderStatus(int(answer["pid"]), answer["model"], int(answer["served"]))
        except (MagicFSError, KeyError, TypeError, ValueError):
            return None

    def quit(self, *, deadline_s: float = 5.0) -> bool:
        """Stop the server and wait for its end. Returns False if it still runs at the deadline."""
        return self._connection.quit(deadline_s=deadline_s)


def _cache_key(text: str, spec: ModelSpec) -> tuple[str, str, str]:
    return spec.label, spec.digest, text


def error_in(answer: Message) -> MagicFSError | None:
    """The error that an answer reports; None if it reports none."""
    if "error" not in answer.head:
        return None
    kind: type[MagicFSError] = _ERRORS.get(str(answer.head["error"]), EmbedderUnavailable)
    return kind(str(answer.head.get("message", "the query embedder failed")))


def _are_current(answers: Mapping[ModelSpec, Message]) -> bool:
    """Whether answers are those of a server of this version, which has the models."""
    return all(_is_of_model(answer, spec) for spec, answer in answers.items())


def _is_of_model(answer: Message, spec: ModelSpec) -> bool:
    """Whether an answer is that of a model: a failure, or a vector of it. Any is of a model without a digest."""
    if "error" in answer.head:
        return not str(answer.head.get("message")).startswith(MALFORMED)
    digests = answer.head.get("digests")
    return not spec.digest or (isinstance(digests, list) and not spec.digests.isdisjoint(map(str, digests)))


def _outcome(answer: Message, spec: ModelSpec) -> Vector | MagicFSError:
    """The vector in an answer, or why there is none."""
    try:
        return error_in(answer) or _vector(answer, spec)
    except (EmbedderUnavailable, ModelError) as error:
        return error


def _vector(answer: Message, spec: ModelSpec) -> Vector:
    """The vector in an answer, after a check that it is one of the model `spec`."""
    if not _is_of_model(answer, spec):
        raise ModelMismatch(
            f"the query embedder uses another model than {spec.full_label}: "
            "restart it with `magicfs down` and `magicfs up`"
        )
    try:
        vector = np.frombuffer(answer.body, "<f4")
    except ValueError as error:
        raise EmbedderUnavailable(f"the query embedder gave no vector ({error})") from error
    if vector.shape != (spec.dimension,):
        raise ModelMismatch(
            f"{spec.label} on this machine gives {vector.size} dimensions and the index has {spec.dimension}: "
            f"copy the model's folder from a host that has it, or {remake_advice(spec.name)}"
        )
    try:
        unit: Vector = unit_vectors(vector[np.newaxis], count=1, dimension=spec.dimension)[0]
    except ModelError as error:
        raise EmbedderUnavailable(f"the query embedder gave no vector ({error})") from error
    unit.setflags(write=False)
    return unit
