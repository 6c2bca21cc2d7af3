"""What the shell offers for arguments of commands: the names of roots, which only the index knows.

Used by the commands that take such a name. Nothing is said of an index that cannot be read: a shell shows what is
printed between the words that a person types. Main thread.
"""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stderr, suppress

_SPECIAL = re.compile(r"[^\w@%+=:,./-]")
"""A character that may mean something to bash."""


class _Escaped(str):
    """A name with backslashes. Typer leaves out what does not begin with the typed part, which has lost them."""

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        """Whether it is offered."""
        return True


def root_names(incomplete: str) -> list[str]:
    """The names of roots that begin so; none where there is no index, or it does not answer in a moment."""
    from magicfs.cli import environment
    from magicfs.db.cluster.roots import list_roots
    from magicfs.errors import MagicFSError

    with suppress(MagicFSError, OSError), redirect_stderr(io.StringIO()):
        settings = environment.settings_for_command()
        with environment.database_for_command(settings) as database, database.transaction() as connection:
            names = [entry.root.name for entry in list_roots(connection)]
        return _as_typed(sorted(name for name in set(names) if name.startswith(incomplete)))
    return []


def _as_typed(names: list[str]) -> list[str]:
    r"""Names that complete a typed part, as bash inserts them: `My\ Documents` unless a quote is open. Others quote."""
    # The words as they are typed, a line each, and which of them is completed. Other shells say neither.
    words, position = os.environ.get("COMP_WORDS", "").split("\n"), os.environ.get("COMP_CWORD", "")
    if not position.isdecimal() or "".join(words[int(position) :])[:1] in {"'", '"'}:
        return names
    return [_Escaped(_SPECIAL.sub(r"\\\g<0>", name)) for name in names]
