"""`magicfs down`: stops the parts that `up` started."""

from __future__ import annotations


def down() -> None:
    """Stop everything on this machine and unmount. Nothing is lost; a second call is harmless."""
    from magicfs.cli import environment, terminal
    from magicfs.cli.stopping import take_down

    settings = environment.settings_for_command()
    terminal.say("stopped" if take_down(settings) else "nothing is running")
