"""`magicfs flower`: a window on workers and tasks."""

from __future__ import annotations


def flower() -> None:
    """Serve Flower, with a password, until it is stopped. See MAGICFS_FLOWER_PASSWORD and its neighbours."""
    from magicfs.cli import wiring

    wiring.run_flower(wiring.settings_for_service("flower"))
