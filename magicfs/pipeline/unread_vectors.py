"""Takes away the vectors that older versions have made of texts in languages that the model does not read.

Used by maintenance, in the workers that have the model's tokenizer. No file is read and nothing is embedded: the texts
are those of the chunks. One `UnreadVectors` belongs to one thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from magicfs.db.pool import Database
from magicfs.db.vectors import unread as unread_db
from magicfs.db.vectors.models import active_model, building_model
from magicfs.domain.ids import ModelId
from magicfs.domain.models import IndexedModel, ModelSpec
from magicfs.embedding.readability import TextReader
from magicfs.errors import ModelError

log = logging.getLogger(__name__)

BATCH_VECTORS = 5000
"""Vectors that one transaction looks at: a tenth of a second, since texts in ASCII stay in the database."""

TURN_SECONDS = 2.0
"""How long one call checks vectors."""


class UnreadVectors:
    """Checks the vectors of the active and of the building model, each once."""

    def __init__(self, database: Database, *, load: Callable[[ModelSpec], TextReader]) -> None:
        """`load` gives the reader of a model, or raises `ModelError`."""
        self._database = database
        self._load = load
        self._finished: set[ModelId] = set()

    def forget(self) -> bool:
        """Check vectors for `TURN_SECONDS`. Returns whether more are left. Raises `DatabaseError`."""
        deadline = time.monotonic() + TURN_SECONDS
        with self._database.transaction() as connection:
            live = (active_model(connection), building_model(connection))
        unfinished = [model for model in live if model is not None and model.id not in self._finished]
        more_left = [self._check(model, deadline) for model in unfinished]
        return any(more_left)

    def _check(self, model: IndexedModel, deadline: float) -> bool:
        """Check vectors of one model until the deadline. Returns whether more are left."""
        try:
            reader = self._load(model.spec)
        except ModelError as error:
            # A host that has the model does it.
            log.debug("the vectors of %s are not checked here: %s", model.spec.label, error)
            self._finished.add(model.id)
            return False

        check_some = partial(unread_db.forget_unread, model=model.id, reads=reader.reads, limit=BATCH_VECTORS)
        while self._database.run_in_transaction(check_some):
            if time.monotonic() >= deadline:
                return True
        self._finished.add(model.id)
        return False
