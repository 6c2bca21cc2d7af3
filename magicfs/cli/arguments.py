"""Kinds of arguments that several commands take."""

from __future__ import annotations

from pathlib import Path

import typer


def directory(text: str) -> Path:
    """A path as it was typed. An empty one, as an unset variable leaves it, is not the working directory."""
    if not text.strip():
        raise typer.BadParameter("an empty name is no directory")
    return Path(text)
