"""Loading the library of the fast path."""

from __future__ import annotations

import sys

import pytest

from magicfs.fuse import fast_path


@pytest.mark.parametrize("name", ["missing.so", "libc.so.6"])
def test_a_library_that_is_missing_or_was_built_of_an_older_version_is_done_without(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delitem(sys.modules, "pyfuse3", raising=False)
    monkeypatch.setattr(fast_path, "LIBRARY", name)
    assert fast_path.load_library.__wrapped__() is None
