"""docs/settings.md lists every setting, with its default and its help, and no other."""

from __future__ import annotations

import re
from dataclasses import MISSING
from pathlib import Path

import pytest

from magicfs.config import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROW = re.compile(r"^\| `MAGICFS_(?P<name>\w+)` \| (?P<default>.+?) \| (?P<help>.+) \|$", re.MULTILINE)
ROWS = {row["name"].lower(): row for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))}


def test_the_table_has_the_settings_in_their_order() -> None:
    assert list(ROWS) == list(Settings.table()), "docs/settings.md and magicfs/config/settings.py differ"


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_row_says_what_the_code_says(name: str) -> None:
    field = Settings.table()[name]
    assert ROWS[name]["help"] == field.metadata["description"]
    if field.default_factory is MISSING:
        assert ROWS[name]["default"] == ("unset" if field.default is None else f"`{field.default}`")
    else:
        assert not ROWS[name]["default"].startswith("`"), "a default that depends on the machine is described in words"


def test_settings_named_elsewhere_in_the_page_exist() -> None:
    named = {match.lower() for match in re.findall(r"MAGICFS_(\w+)", PAGE.read_text(encoding="utf-8"))}
    assert named <= set(Settings.table())
