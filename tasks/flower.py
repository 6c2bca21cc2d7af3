"""Flower, Celery's web page about workers and tasks, with a password."""

from __future__ import annotations

import importlib.util
import os
import socket

from magicfs.config import Settings
from magicfs.errors import ConfigError, ServerError
from tasks.app import make_app


def run(settings: Settings) -> None:
    """Serve Flower until a signal stops it.

    Raises `ConfigError` when it is not installed or has no password that it can use, `ServerError` when its port is
    in use.
    """
    if not settings.flower_password:
        raise ConfigError("Flower needs a password: set MAGICFS_FLOWER_PASSWORD")
    if set(settings.flower_user + settings.flower_password) & set(",\n") or ":" in settings.flower_user:
        raise ConfigError("Flower cannot use a password with a comma or a user with a colon: choose others")
    if importlib.util.find_spec("flower") is None:
        raise ConfigError("Flower is not installed: pip install 'magicfs[flower]'")
    _require_free_port(settings)
    # Flower would run a `flowerconfig.py` of the working directory.
    os.chdir(settings.home)
    make_app(settings).start(
        [
            "flower",
            f"--address={settings.flower_address}",
            f"--port={settings.flower_port}",
            f"--basic-auth={settings.flower_user}:{settings.flower_password}",
            "--persistent=false",
            # Workers send events anyway. Flower would tell them again and again, and print a traceback without Redis.
            "--enable-events=false",
        ]
    )


def _require_free_port(settings: Settings) -> None:
    """Raises `ServerError` when Flower cannot listen; Flower itself would print a traceback."""
    family = socket.AF_INET6 if ":" in settings.flower_address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.flower_address, settings.flower_port))
        except OSError as error:
            raise ServerError(
                f"Flower cannot listen on {settings.flower_address}:{settings.flower_port} ({error.strerror}): "
                "set MAGICFS_FLOWER_ADDRESS and MAGICFS_FLOWER_PORT to what is free"
            ) from error
