"""Every error that MagicFS raises on purpose.

The message is one line for a person: what is wrong, and what to do about it. The command line prints it
without a traceback; services log it. Errors of other libraries are translated where they are called
(`raise ... from`), so callers of a package need to know this tree alone.

    MagicFSError
    |-- UsageError            what was asked for makes no sense: exit code 2
    |-- ConfigError           a setting is missing, unknown or malformed
    |-- RootError             a directory cannot be a root
    |-- MountError            the mount point or FUSE does not allow it
    |-- ServerError           an embedded server or the supervisor does not start, stop or answer
    |-- DatabaseError         Postgres refused a statement
    |   |-- DatabaseUnavailable   nothing answers, or the connection broke: worth another try
    |   |-- DatabaseConflict      two transactions were in each other's way: worth another try
    |   `-- SchemaError           the schema is not the one that this version needs
    |-- BrokerUnavailable     Redis does not answer
    |-- ModelError            the embedding model cannot be used
    |   |-- ModelMissing          not in the model store of this machine
    |   |-- ModelCorrupt          in the store, but damaged
    |   `-- ModelMismatch         another model than the one the index was built with
    |-- EmbedderUnavailable   the query embedder did not answer in time: search goes on with words alone
    `-- DeadlineExceeded      an operation took longer than it may
"""

from __future__ import annotations


class MagicFSError(Exception):
    """Base of all errors that are reported in one line."""


class UsageError(MagicFSError):
    """What was asked for makes no sense."""


class ConfigError(MagicFSError):
    """A setting is missing, unknown or malformed."""


class RootError(MagicFSError):
    """A directory cannot be a root."""


class MountError(MagicFSError):
    """The mount point or FUSE does not allow it."""


class ServerError(MagicFSError):
    """An embedded server or the supervisor does not start, stop or answer."""


class DatabaseError(MagicFSError):
    """Postgres refused a statement."""


class DatabaseUnavailable(DatabaseError):
    """Nothing answers at the database's address, or the connection broke."""


class DatabaseConflict(DatabaseError):
    """Two transactions were in each other's way."""


class SchemaError(DatabaseError):
    """The schema is not the one that this version needs."""


class BrokerUnavailable(MagicFSError):
    """Redis does not answer."""


class ModelError(MagicFSError):
    """The embedding model cannot be used."""


class ModelMissing(ModelError):
    """The model is not in the model store of this machine."""


class ModelCorrupt(ModelError):
    """The model is in the store, but damaged."""


class ModelMismatch(ModelError):
    """Another model than the one the index was built with."""


class EmbedderUnavailable(MagicFSError):
    """The query embedder did not answer in time."""


class DeadlineExceeded(MagicFSError):
    """An operation took longer than it may."""
