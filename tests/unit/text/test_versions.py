"""Each kind of file has the version of its reader."""

import pytest

from magicfs.domain.contents import EXTRACTOR_VERSION
from magicfs.text.extract import versions
from magicfs.text.extract.file_types import MARKUP_BY_EXTENSION, TEXT_BY_EXTENSION
from magicfs.text.extract.versions import newest_version, reader_version


def test_a_kind_without_a_version_of_its_own_has_that_of_all() -> None:
    assert reader_version("application/wasm binary") == EXTRACTOR_VERSION
    assert reader_version("") == EXTRACTOR_VERSION


def test_versions_go_by_type_or_main_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "READER_VERSIONS", {"image/*": 7, "image/png": 9, "text/x-c": 8})
    assert reader_version("image/png image") == 9
    assert reader_version("image/jpeg image") == 7
    assert reader_version("text/x-c++ decode") == EXTRACTOR_VERSION
    monkeypatch.setattr(versions, "VERSION_OF_UNREAD", 8)
    assert newest_version() == 9
    monkeypatch.setattr(versions, "VERSION_OF_UNREAD", 10)
    assert newest_version() == 10


@pytest.mark.parametrize("route", ["decode", "markup"])
def test_all_texts_have_the_version_of_their_decoder(monkeypatch: pytest.MonkeyPatch, route: str) -> None:
    assert reader_version(f"text/x-go {route}") == reader_version(f"application/toml {route}") > EXTRACTOR_VERSION
    monkeypatch.setattr(versions, "READER_VERSIONS", {"* decode": 7, "* markup": 7, "text/x-c": 8})
    assert reader_version(f"text/x-go {route}") == 7
    assert reader_version(f"text/x-c {route}") == 8
    assert reader_version("application/zip parse") == EXTRACTOR_VERSION


def test_a_version_of_a_text_is_above_that_of_all_texts() -> None:
    decoded = {
        *TEXT_BY_EXTENSION.values(),
        *(kind for route, kind in MARKUP_BY_EXTENSION.values() if route == "markup"),
    }
    of_texts = min(versions.READER_VERSIONS[name] for name in ("* decode", "* markup"))
    assert all(versions.READER_VERSIONS.get(kind, of_texts + 1) > of_texts for kind in decoded)


def test_no_version_is_below_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "READER_VERSIONS", {"image/*": 1})
    monkeypatch.setattr(versions, "VERSION_OF_UNREAD", 1)
    assert reader_version("image/png image") == newest_version() == EXTRACTOR_VERSION
