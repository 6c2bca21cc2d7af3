"""The command line. Only this package talks to a person; only its `wiring` puts the parts together.

Nothing heavy is imported before a command runs, so that `magicfs --help` and shell completion are quick.
"""

from __future__ import annotations

from magicfs.cli.application import app
from magicfs.cli.outcome import main

__all__ = ["app", "main"]
