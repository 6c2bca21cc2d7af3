"""What the shell offers for arguments of commands: the names of roots, which only the index knows.

Used by the commands that take such a name. Nothing is said of an index that cannot be read: a shell shows what is
printed between the words that a person types. Main thread.
"""

from __future__ import annotations

from contextlib import suppress


def root_names(incomplete: str) -> list[str]:
    """The names of roots that begin so; none where there is no index, or it does not answer in a moment."""
    from magicfs.cli import environment
    from magicfs.db.cluster.roots import list_roots
    from magicfs.errors import MagicFSError

    with suppress(MagicFSError, OSError):
        settings = environment.settings_for_command()
        with environment.database_for_command(settings) as database, database.transaction() as connection:
            names = [entry.root.name for entry in list_roots(connection)]
        return sorted(name for name in set(names) if name.startswith(incomplete))
    return []
