"""Read compose files the way Docker Compose does, as far as ours need it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[3]
FILES = ("docker-compose.yml", "infra/compose.hub.yml", "infra/compose.node.yml")

SAMPLE = {
    "MAGICFS_DB_PASSWORD": "db5e1f",
    "MAGICFS_REDIS_PASSWORD": "rd77aa",
    "MAGICFS_FLOWER_PASSWORD": "fl90cd",
    "MAGICFS_HOST": "moon",
    "MAGICFS_ROOT": "/home/ada",
    "MAGICFS_MOUNT_PARENT": "/srv/mounts",
    "MAGICFS_HUB_ADDRESS": "10.8.0.1",
}
"""What a user has written into .env: the variables without a default."""

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<operator>:?[-?])(?P<argument>[^}]*))?\})")


@dataclass(frozen=True)
class Variable:
    """One use of `${NAME}`, `${NAME:-default}` or `${NAME:?message}`."""

    name: str
    operator: str | None
    argument: str | None


class _Loader(yaml.SafeLoader):
    """YAML as Compose reads it: a repeated key is an error; `!reset` and `!override` are the value they mark."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [key.value for key, _ in node.value if key.value != "<<"]
    repeated = {key for key in keys if keys.count(key) > 1}
    assert not repeated, f"repeated keys: {repeated}"
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


def _marked(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node)
    assert isinstance(node, yaml.SequenceNode)
    return loader.construct_sequence(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_constructor("!reset", _marked)
_Loader.add_constructor("!override", _marked)


def load(name: str) -> dict[str, Any]:
    """The file as it is written, variables untouched."""
    found = yaml.load((REPOSITORY / name).read_text(encoding="utf-8"), _Loader)
    assert isinstance(found, dict)
    return found


def strings(value: object) -> Iterator[str]:
    """All strings in a tree of values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def variables(value: object) -> list[Variable]:
    """All uses of variables in a tree of values."""
    return [
        Variable(match["name"], match["operator"], match["argument"])
        for text in strings(value)
        for match in _VARIABLE.finditer(text)
        if match["name"]
    ]


def interpolate(value: Any, environment: dict[str, str]) -> Any:
    """Replace the variables in a tree of values; a missing required one is a `KeyError`, as Compose refuses it."""

    def replace(match: re.Match[str]) -> str:
        if not match["name"]:
            return "$"
        found = environment.get(match["name"], "")
        if found:
            return found
        if match["operator"] == ":-":
            return match["argument"]
        raise KeyError(match["name"])

    if isinstance(value, str):
        return _VARIABLE.sub(replace, value)
    if isinstance(value, dict):
        return {key: interpolate(part, environment) for key, part in value.items()}
    if isinstance(value, list):
        return [interpolate(part, environment) for part in value]
    return value


def documented_variables() -> set[str]:
    """The names in infra/example.env, whether set or commented out."""
    lines = (REPOSITORY / "infra" / "example.env").read_text(encoding="utf-8").splitlines()
    return {match[1] for line in lines if (match := re.match(r"#?([A-Z_]+)=", line))}
