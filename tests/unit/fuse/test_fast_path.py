"""Loading the library of the fast path."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import xxhash

from magicfs.fuse import fast_path
from magicfs.fuse.library_interface import INTERFACE, SIZES

OTHER_SIZES = [tuple(size + (at == other) for at, size in enumerate(SIZES)) for other in range(len(SIZES))]
SOURCES = Path(fast_path.LIBRARY).parent / "fastpath"


@pytest.fixture(autouse=True)
def before_pyfuse3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pyfuse3", raising=False)


@pytest.mark.parametrize("name", ["missing.so", "libc.so.6"])
def test_a_library_that_is_missing_or_was_built_of_an_older_version_is_done_without(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(fast_path, "LIBRARY", name)
    assert fast_path.load_library.__wrapped__() is None


def test_the_library_that_was_built_fits() -> None:
    assert fast_path.load_library.__wrapped__() is not None


@pytest.mark.parametrize(
    ("setting", "value"), [("INTERFACE", INTERFACE + 1), *(("SIZES", sizes) for sizes in OTHER_SIZES)]
)
def test_a_library_with_another_interface_is_done_without_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, setting: str, value: object
) -> None:
    monkeypatch.setattr(fast_path, setting, value)
    monkeypatch.setattr(fast_path, "load_library", fast_path.load_library.__wrapped__)
    with caplog.at_level(logging.WARNING):
        fast_path.FastPath().enable()
    (record,) = caplog.records
    assert "is of another version" in record.getMessage()


def test_a_change_of_the_interface_has_another_version() -> None:
    """Where this fails, count `INTERFACE` up in both places, and record the new pair here."""
    declared = xxhash.xxh3_64_hexdigest("\n".join(_declarations()).encode())
    assert (INTERFACE, declared) == (4, "17c8cab01e2f0abd")


def _declarations() -> Iterator[str]:
    header = (SOURCES / "fastpath.h").read_text()
    shared = header.partition("#define INTERFACE")[2].partition("#define SEED_BITS")[0].partition("\n")[2]
    yield from _code(shared)
    for source in sorted(SOURCES.glob("*.c")):
        for function in re.findall(r"^EXPORTED ([^{]*)\{", source.read_text(), flags=re.MULTILINE):
            yield " ".join(_code(function))


def _code(text: str) -> list[str]:
    """The words of a text in C without its comments."""
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL).split()
