"""Query vectors from the query embedder's process, for the mount and the commands, which hold no model themselves.

Every call ends within its deadline, whatever happens to the process: `query_connection` reaches it. Safe in any thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.domain.models import ModelSpec
from magicfs.embedding.query_answers import Vector, are_current, outcome_of, reported_error
from magicfs.embedding.query_connection import DiedTwice, Exchange, QueryConnection
from magicfs.errors import EmbedderUnavailable, MagicFSError, ModelError
from magicfs.ipc.framing import FramingError, Message, failure
from magicfs.ipc.server_lock import STOP_SECONDS, stop_server

if TYPE_CHECKING:
    from magicfs.domain.token_vectors import EmbeddedQuestion

log = logging.getLogger(__name__)

FindFolder = Callable[[ModelSpec], Path]
"""Returns the folder of a stored model. Raises `ModelMissing` or `ModelCorrupt`."""

MAX_QUESTION_CHARACTERS = 16 * 1024
"""Longer questions are cut; a model reads a few hundred tokens of them."""
MAX_CACHED_QUESTIONS = 512
WARM_UP_TEXT = "warm up"
PREFETCH_SECONDS = 0.1
"""A server that does not take a request within this time is asked when its answer is needed, and not before."""
IDLE_EXIT_SECONDS = 900.0
"""A server that a client has started exits this long after its last request."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What the server is asked."""

    text: str
    specs: Sequence[ModelSpec]
    """The models whose vectors are wanted."""
    kept: Sequence[ModelSpec]
    """The models that the server keeps loaded."""
    deadline: float
    """When the answers must be there, on the monotonic clock."""


class PrefetchedVectors:
    """A client of the query embedder that has sent one request before its answer is needed.

    It embeds as `QueryEmbedder` does. The request that was sent is not sent again. One thread.
    """

    def __init__(self, embedder: QueryEmbedder, request: Message | None, exchange: Exchange | None) -> None:
        self._embedder = embedder
        self._request = request
        self._exchange = exchange

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[EmbeddedQuestion | MagicFSError]:
        """The vectors that `QueryEmbedder.embed_by_each` returns."""
        return self._embedder.embed_by_each(text, specs=specs, kept=kept, deadline_s=deadline_s, prefetched=self)

    def take(self, request: Message) -> Exchange | None:
        """The exchange that began with this request, once; None afterwards, and if there is none."""
        if self._exchange is None or request != self._request:
            return None
        exchange, self._exchange = self._exchange, None
        return exchange


class QueryEmbedder:
    """A client of the query embedder at `socket`. It starts a server when none answers, unless `may_start` is False."""

    def __init__(
        self,
        socket: Path,
        find_folder: FindFolder,
        *,
        may_start: bool = True,
        log_path: Path | None = None,
        options: Sequence[str] = (),
        idle_exit: float = IDLE_EXIT_SECONDS,
    ) -> None:
        """`find_folder` may raise `ModelError`; `options` are those of `query_server` for a server that it starts."""
        self.socket_path = socket
        self._find_folder = find_folder
        self._connection = QueryConnection(
            socket,
            may_start=may_start,
            log_path=log_path or socket.with_name(f"{socket.name}.log"),
            options=options,
            idle_exit=idle_exit,
        )
        self._cache_lock = threading.Lock()
        self._replace_lock = threading.Lock()
        self._folders: dict[ModelSpec, Path] = {}
        self._cache: OrderedDict[tuple[str, str, str], EmbeddedQuestion] = OrderedDict()

    def embed(self, text: str, *, spec: ModelSpec, deadline_s: float) -> Vector:
        """The vector of a question under the model `spec`.

        Raises `EmbedderUnavailable` within `deadline_s` seconds, and `ModelMissing`, `ModelCorrupt` or
        `ModelMismatch` if the model's files on this machine are not those of `spec`. Raises `LanguageUnread` for a
        question that the model does not read.
        """
        [outcome] = self.embed_by_each(text, specs=[spec], kept=[spec], deadline_s=deadline_s)
        if isinstance(outcome, MagicFSError):
            raise outcome
        return outcome.vector

    def embed_by_each(
        self,
        text: str,
        *,
        specs: Sequence[ModelSpec],
        kept: Sequence[ModelSpec],
        deadline_s: float,
        prefetched: PrefetchedVectors | None = None,
    ) -> list[EmbeddedQuestion | MagicFSError]:
        """What each model of `specs` gives for a question, or why it gives nothing: an error that `embed` would raise.

        Returns within `deadline_s` seconds. The server keeps the models `kept` loaded, and forgets others. The request
        is not sent if it is the one of `prefetched`.
        """
        text = text[:MAX_QUESTION_CHARACTERS]
        outcomes: dict[ModelSpec, EmbeddedQuestion | MagicFSError] = dict(self._cached(text, specs))
        missing = [spec for spec in specs if spec not in outcomes]
        if missing:
            question = _Question(text, missing, kept, time.monotonic() + deadline_s)
            answers = self._current_answers(question, prefetched)
            outcomes |= {spec: outcome_of(answer, spec) for spec, answer in answers.items()}
            self._keep(text, outcomes)
        return [outcomes[spec] for spec in specs]

    def warm_up(self, *, specs: Sequence[ModelSpec], deadline_s: float) -> dict[ModelSpec, MagicFSError | None]:
        """Have the server load these models, and why it has not, for each. Takes `deadline_s` seconds at most."""
        answers = self._current_answers(_Question(WARM_UP_TEXT, specs, specs, time.monotonic() + deadline_s))
        return {spec: reported_error(answer) for spec, answer in answers.items()}

    @contextmanager
    def prefetching(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec]
    ) -> Iterator[PrefetchedVectors]:
        """Request the vectors that `embed_by_each` will probably return inside of the block, without waiting for them.

        Nothing is sent if the vectors are cached, if no server listens, or if the models' folders are not known yet.
        """
        text = text[:MAX_QUESTION_CHARACTERS]
        cached = dict(self._cached(text, specs))
        missing = [spec for spec in specs if spec not in cached]
        folders = {spec: str(self._folders[spec]) for spec in (*missing, *kept) if spec in self._folders}
        request = exchange = None
        if missing and all(spec in folders for spec in (*missing, *kept)):
            request = _request(text, missing, folders)
            with suppress(OSError, FramingError):
                exchange = self._connection.begin(request, time.monotonic() + PREFETCH_SECONDS)
        with exchange or nullcontext():
            yield PrefetchedVectors(self, request, exchange)

    def _cached(self, text: str, specs: Sequence[ModelSpec]) -> Iterator[tuple[ModelSpec, EmbeddedQuestion]]:
        with self._cache_lock:
            for spec in specs:
                key = _cache_key(text, spec)
                if key in self._cache:
                    self._cache.move_to_end(key)
                    yield spec, self._cache[key]

    def _keep(self, text: str, outcomes: Mapping[ModelSpec, EmbeddedQuestion | MagicFSError]) -> None:
        with self._cache_lock:
            for spec, outcome in outcomes.items():
                if not isinstance(outcome, MagicFSError):
                    self._cache[_cache_key(text, spec)] = outcome
            while len(self._cache) > MAX_CACHED_QUESTIONS:
                self._cache.popitem(last=False)

    def _current_answers(
        self, question: _Question, prefetched: PrefetchedVectors | None = None
    ) -> dict[ModelSpec, Message]:
        """The server's answer for each model. A server that uses other models is replaced, its successor is asked.

        It is one that an older version left, or that loaded a folder before its files were replaced.
        """
        answers = self._answers(question, prefetched)
        if not are_current(answers):
            with self._replace_lock:
                # Another thread may have replaced it.
                answers = self._answers(question)
                if not are_current(answers):
                    log.info("the query embedder uses other models, or is of another version, and is replaced")
                    for spec in question.specs:
                        self._folders.pop(spec, None)
                    self.quit(deadline_s=question.deadline - time.monotonic())
                    answers = self._answers(question)
        return answers

    def _answers(self, question: _Question, prefetched: PrefetchedVectors | None = None) -> dict[ModelSpec, Message]:
        """The server's answer for each model; a failure where it gives none."""
        folders, answers = self._folders_of(question)

        def missing() -> list[ModelSpec]:
            return [spec for spec in question.specs if spec not in answers]

        def collect() -> None:
            wanted = missing()
            request = _request(question.text, wanted, folders)
            sent = prefetched.take(request) if prefetched else None
            with sent or self._connection.begin(request, question.deadline) as exchange:
                for spec, answer in zip(wanted, exchange.answers(question.deadline), strict=False):
                    if "folder" not in answer.head:
                        # It is about the whole request.
                        answers.update(dict.fromkeys(wanted, answer))
                        return
                    answers[spec] = answer

        while missing():
            try:
                self._connection.with_server(collect, question.deadline)
            except DiedTwice as error:
                # The next model may be a better one.
                answers[missing()[0]] = failure(error)
            except EmbedderUnavailable as error:
                answers |= dict.fromkeys(missing(), failure(error))
        return {spec: answers[spec] for spec in question.specs}

    def _folders_of(self, question: _Question) -> tuple[dict[ModelSpec, str], dict[ModelSpec, Message]]:
        """The folders of the models that the server is to have, and a failure for each that this machine lacks."""
        folders: dict[ModelSpec, str] = {}
        failures: dict[ModelSpec, Message] = {}
        for spec in dict.fromkeys((*question.specs, *question.kept)):
            try:
                folders[spec] = str(self._folder(spec))
            except ModelError as error:
                failures[spec] = failure(error)
        return folders, failures

    def _folder(self, spec: ModelSpec) -> Path:
        """The folder of a model. Cached, because finding it takes a tenth of the time of a request."""
        folder = self._folders.get(spec)
        if folder is None:
            # The server has another working directory.
            folder = self._folders[spec] = self._find_folder(spec).resolve()
        return folder

    def quit(self, *, deadline_s: float = STOP_SECONDS) -> bool:
        """Stop the server and wait for its end. Returns False if it still runs at the deadline."""
        return stop_server(self.socket_path, seconds=deadline_s)


def _request(text: str, specs: Sequence[ModelSpec], folders: Mapping[ModelSpec, str]) -> Message:
    """The request for vectors under `specs`; `folders` are those of all models that the server is to keep."""
    return Message(
        {
            "do": "embed",
            "folders": [folders[spec] for spec in specs],
            "kept": list(folders.values()),
            "text": text,
        }
    )


def _cache_key(text: str, spec: ModelSpec) -> tuple[str, str, str]:
    return spec.label, spec.digest, text
