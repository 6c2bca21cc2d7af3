"""Which settings each part of `magicfs up` reads, and the environment that hands them over.

Used by `starting`. A part is started again when its environment changes, so it gets no settings that it does not read.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from magicfs.config import Settings, environment_values

_UP_SETTINGS = frozenset({"workers", "mount"})
"""Settings that only `up` itself reads; no part gets them."""

LINK_SETTINGS = frozenset({"hub", "host", "log_level", "log_format"})
"""Settings that the link to the hub reads."""

MOUNT_SETTINGS = frozenset(
    {
        *("database_url", "hub", "host", "allow_other", "search_seconds", "search_limit"),
        *("idle_seconds", "log_level", "log_format"),
    }
)
"""Settings that the mount reads; the last ones also for the query embedder, which it may start."""

SEARCH_SETTINGS = frozenset(
    {"database_url", "hub", "host", "search_seconds", "search_limit", "idle_seconds", "log_level", "log_format"}
)
"""Settings that the search server reads."""

SERVE_SETTINGS = frozenset(
    {"database_url", "broker_url", "hub", "host", "listen", "advertise", "log_level", "log_format"}
)
"""Settings that `serve` reads."""

_OF_SERVE_ALONE = frozenset({"listen", "advertise"})


def environment_of(settings: Settings, *, only: frozenset[str] | None = None) -> dict[str, str]:
    """The environment of a part: the settings that are set, restricted to `only` if that is given.

    A part restarts when its environment changes. So it does not get the settings of `up` itself and of Flower.
    """
    names = settings.given - _UP_SETTINGS - {"home"}
    names &= only if only is not None else names - _OF_SERVE_ALONE
    values = {name: getattr(settings, name) for name in sorted(names) if not name.startswith("flower_")}
    environment = {f"MAGICFS_{name.upper()}": str(value) for name, value in values.items() if value is not None}
    return {"MAGICFS_HOME": str(settings.home), **environment}


def search_environment_of(settings: Settings, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of the search server: those of its settings that the `variables` of the command decide.

    It reads `config.toml` itself, and ends when that changes.
    """
    values = environment_values(variables)
    names = sorted(SEARCH_SETTINGS & values.keys())
    return {"MAGICFS_HOME": str(settings.home), **{f"MAGICFS_{name.upper()}": str(values[name]) for name in names}}
