"""When an index gets a multilingual model beside its active one, and loses it again.

The setting is one of the index; `auto` means: when a share of the texts is in languages that the active model does not
read, or people ask in them. The agent and `magicfs up` ask `needs_multilingual`, prepare the model and call
`start_if_needed`, or `stop_multilingual` of `model_changes`; searches record that somebody has asked in such a
language. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.db.vectors.model_changes import start_multilingual
from magicfs.db.vectors.models import live_models, lock_models, multilingual_model
from magicfs.domain.models import ModelSpec, MultilingualMode

_SQL = load_queries("multilingual")

MIN_FOREIGN_SHARE = 0.01
"""The index has texts in other languages if they are this share of all, or more. Wrong guesses alone are less: 0 of
5,000 English articles and sources, 0.2 % of the texts of Python packages, which are lists of German and Danish words.
Three letters among a hundred are 3 %."""

COUNTED_BYTES = 200
"""A content counts by its bytes up to this number. Of English texts that are shorter, up to 3 % are taken for another
language, of longer ones next to none."""

ASKED_SECONDS = 30 * 86_400.0
"""How long a question in another language counts."""

RECORD_PAUSE_SECONDS = 60.0
MODE_LOCK = 0x6D616769_63667307
"""The advisory lock that lets one host at a time declare its setting."""

QUESTION_LOCK = 0x6D616769_63667308
"""The advisory lock of the one transaction that records the time of a question."""


def declare_mode(connection: Connection, *, host: str, mode: MultilingualMode) -> MultilingualMode:
    """Tell the index the setting of a host. The setting of the index follows a host whose setting has changed.

    A host that has declared none before had `auto`, the default. Returns the setting of the index.
    """
    connection.execute(_SQL["take_mode_lock"], {"lock": MODE_LOCK})
    declared = fetch_one(connection.execute(_SQL["declared_mode"], {"host": host}))[0]
    connection.execute(_SQL["set_mode"], {"host": host, "mode": mode.value})
    if declared != mode:
        connection.execute(_SQL["set_mode"], {"host": None, "mode": mode.value})
    return read_mode(connection)


def read_mode(connection: Connection) -> MultilingualMode:
    """The setting of the index."""
    return MultilingualMode(fetch_one(connection.execute(_SQL["read_mode"]))[0])


def needs_multilingual(connection: Connection) -> bool:
    """Whether the index is to get a multilingual model, and has none yet. May read every row of `contents`.

    An index whose active or building model reads every language needs none.
    """
    models = live_models(connection)
    if not models or not all(model.spec.languages for model in models):
        return False
    mode = read_mode(connection)
    if mode is not MultilingualMode.AUTO:
        return mode is MultilingualMode.ALWAYS
    return is_asked_foreign(connection) or foreign_share(connection, models[0].spec.languages) >= MIN_FOREIGN_SHARE


def start_if_needed(connection: Connection, spec: ModelSpec) -> bool:
    """Start the multilingual model, unless the index has one, or needs none any more. Returns whether it has begun.

    For a host that has prepared the model meanwhile: another one may have started its own, of other weights, or
    changed the setting.
    """
    lock_models(connection)
    if multilingual_model(connection) is not None or not needs_multilingual(connection):
        return False
    start_multilingual(connection, spec)
    return True


def foreign_share(connection: Connection, languages: Sequence[str]) -> float:
    """The share of the texts in other languages than `languages`, in [0, 1], of those whose language is known."""
    values = {"languages": list(languages), "most": COUNTED_BYTES}
    return float(fetch_one(connection.execute(_SQL["foreign_share"], values))[0])


def record_foreign_question(connection: Connection) -> None:
    """Record that somebody has asked in a language that the active model does not read, but not what.

    Waits for no other transaction, and writes once in `RECORD_PAUSE_SECONDS` at most.
    """
    connection.execute(_SQL["record_foreign_question"], {"lock": QUESTION_LOCK, "pause": RECORD_PAUSE_SECONDS})


def is_asked_foreign(connection: Connection) -> bool:
    """Whether somebody has asked in such a language in the last `ASKED_SECONDS`."""
    return bool(fetch_one(connection.execute(_SQL["is_asked_foreign"], {"seconds": ASKED_SECONDS}))[0])
