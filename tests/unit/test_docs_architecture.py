"""docs/architecture.md names modules, functions and packages that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SOURCES = [path for folder in ("magicfs", "tasks") for path in (ROOT / folder).rglob("*") if path.is_file()]


def test_every_file_that_the_page_names_exists() -> None:
    names = set(re.findall(r"`([\w/]+\.(?:py|sql))`", PAGE))
    assert len(names) > 40
    missing = [name for name in names if not any(str(path).endswith(f"/{name}") for path in SOURCES)]
    assert missing == []


def test_every_package_is_on_the_map() -> None:
    the_map = PAGE[PAGE.index("## Map") : PAGE.index("## Processes")]
    packages = [path.parent for path in (ROOT / "magicfs").glob("*/__init__.py")]
    modules = list((ROOT / "magicfs").glob("[a-z]*.py"))
    unmapped = [path.name for path in (*packages, *modules) if not re.search(rf"[`/, ]{path.name}`", the_map)]
    assert unmapped == []


def test_every_function_that_the_page_names_exists() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES if path.suffix in {".py", ".sql"})
    steps = PAGE[PAGE.index("## The life of a file") : PAGE.index("## What dies")]
    names = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", steps))
    assert len(names) > 10
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []


def test_every_function_is_in_the_file_that_the_page_names() -> None:
    pairs = re.findall(r"`(?:\w+\.)?(\w+)`\s+in\s+`([\w/]+\.(?:py|sql))`", PAGE)
    assert len(pairs) > 10
    misplaced = [
        (name, file)
        for name, file in pairs
        if not any(
            re.search(rf"(?:def|class|name:) {name}\b", path.read_text(encoding="utf-8"))
            for path in SOURCES
            if str(path).endswith(f"/{file}")
        )
    ]
    assert misplaced == []


def test_the_glossary_is_in_order() -> None:
    glossary = PAGE[PAGE.index("## Glossary") :]
    terms = re.findall(r"^\| ([^|]+) \|", glossary, re.MULTILINE)[2:]
    assert len(terms) > 30
    assert terms == sorted(terms, key=str.lower)
