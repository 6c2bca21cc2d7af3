"""`magicfs flower`: a web page about workers and tasks."""

from __future__ import annotations


def flower() -> None:
    """Serve Flower, with a password, until it is stopped. The MAGICFS_FLOWER_* settings configure it."""
    from magicfs.cli import environment, wiring

    wiring.run_flower(environment.settings_for_service("flower"))
