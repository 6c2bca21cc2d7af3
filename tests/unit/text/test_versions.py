"""Each kind of file has the version of its reader."""

import pytest

from magicfs.domain.contents import EXTRACTOR_VERSION
from magicfs.text.extract import newest_version, reader_version, versions


def test_a_kind_without_a_version_of_its_own_has_that_of_all() -> None:
    assert reader_version("text/x-go decode") == EXTRACTOR_VERSION
    assert reader_version("") == EXTRACTOR_VERSION


def test_versions_go_by_type_or_main_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "READER_VERSIONS", {"image/*": 7, "image/png": 9, "text/x-c": 8})
    assert reader_version("image/png image") == 9
    assert reader_version("image/jpeg image") == 7
    assert reader_version("text/x-c++ decode") == EXTRACTOR_VERSION
    assert newest_version() == 9


def test_no_version_is_below_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "READER_VERSIONS", {"image/*": 1})
    assert reader_version("image/png image") == newest_version() == EXTRACTOR_VERSION
