"""The errors that MagicFS reports to people.

A message is one line for a person: what is wrong, and what to do about it. The command line prints it without a
traceback; services log it. Errors of other libraries are translated where these are called (`raise ... from`), so
that callers of a package know only this tree. A module may derive an error that only its own callers catch, such as
`ScanStopped`. `FramingError` is not in the tree: it is internal to the connections to child processes.

    MagicFSError
    |-- UsageError            a wrong argument: exit code 2
    |-- ConfigError           a setting is missing, unknown or malformed
    |-- RootError             a directory cannot be a root, or is none
    |   `-- RootMissing           a root is absent, or something else is in its place
    |-- MountError            a directory cannot be mounted on, or FUSE is not available
    |-- ServerError           an embedded server or the supervisor does not start, stop or answer
    |-- DatabaseError         Postgres refused a statement
    |   |-- DatabaseUnavailable   Postgres does not answer, or the connection broke: try again later
    |   |   `-- DatabaseStarting      Postgres starts, or recovers from a crash: wait
    |   |-- DatabaseConflict      a concurrent transaction conflicts with this one: try again immediately
    |   |-- DatabaseDamaged       what Postgres has stored is damaged: a person has to replace it
    |   `-- SchemaError           the schema is not the one that this version needs
    |-- BrokerUnavailable     Redis does not answer
    |-- HostTaken             the agent of another machine has the host name
    |-- HostUnknown           the index has no host of a name
    |-- HostAtWork            an agent works a host that shall be retired
    |-- PeerUnavailable       another host does not serve, cannot be reached, or refuses this one
    |-- ModelError            the embedding model cannot be used
    |   |-- ModelMissing          the model is not in the model store of this machine
    |   |-- ModelCorrupt          the model is in the store, but damaged
    |   |-- ModelMismatch         the model is not the one that the index was built with
    |   `-- LanguageUnread        the model does not read the language of a text, so that it gives no vector
    |-- EmbedderUnavailable   the query embedder does not answer in time: a search uses words alone
    |-- NotComparable         a file has no vectors by which it could be compared with others
    |-- MalformedRequest      a process of ours does not know a request: one of them is of another version
    |-- CheckFailed           a check of this machine found something that must be fixed
    `-- DeadlineExceeded      an operation took longer than its deadline
"""

from __future__ import annotations


class MagicFSError(Exception):
    """Base of all errors that are reported in one line, without a traceback."""


class UsageError(MagicFSError):
    """An argument of a command is wrong."""


class ConfigError(MagicFSError):
    """A setting is missing, unknown or malformed."""


class RootError(MagicFSError):
    """A directory cannot be a root, or is not one."""


class RootMissing(RootError):
    """A root is absent, or something else is in its place."""


class MountError(MagicFSError):
    """A directory cannot be mounted on, or FUSE is not available."""


class ServerError(MagicFSError):
    """An embedded server or the supervisor does not start, stop or answer."""


class DatabaseError(MagicFSError):
    """Postgres refused a statement."""


class DatabaseUnavailable(DatabaseError):
    """Postgres does not answer, or the connection broke. A later retry may succeed."""


class DatabaseStarting(DatabaseUnavailable):
    """Postgres has started and takes no connections yet. After a crash it recovers first, which may take minutes."""


class DatabaseConflict(DatabaseError):
    """A concurrent transaction conflicts with this one. An immediate retry may succeed."""


class DatabaseDamaged(DatabaseError):
    """What Postgres has stored is damaged: pages, files or rows."""


class SchemaError(DatabaseError):
    """The schema is not the one that this version needs."""


class BrokerUnavailable(MagicFSError):
    """Redis does not answer."""


class HostTaken(MagicFSError):
    """The agent of another machine, or another one here, has the host name."""


class HostUnknown(MagicFSError):
    """The index has no host of this name."""


class HostAtWork(MagicFSError):
    """An agent works the host."""


class PeerUnavailable(MagicFSError):
    """Another host does not serve, cannot be reached, or refuses this one."""


class ModelError(MagicFSError):
    """The embedding model cannot be used."""


class ModelMissing(ModelError):
    """The model is not in the model store of this machine."""


class ModelCorrupt(ModelError):
    """The model is in the store, but damaged."""


class ModelMismatch(ModelError):
    """The model is not the one that the index was built with."""


class LanguageUnread(ModelError):
    """The model does not read the language of a text."""


class EmbedderUnavailable(MagicFSError):
    """The query embedder does not answer in time."""


class NotComparable(MagicFSError):
    """A file has no vectors by which it could be compared with others: it has no text, or waits for them."""


class MalformedRequest(MagicFSError):
    """A process does not know the request of another one, which is of another version."""


class CheckFailed(MagicFSError):
    """A check of this machine found something that must be fixed."""


class DeadlineExceeded(MagicFSError):
    """An operation took longer than its deadline."""
