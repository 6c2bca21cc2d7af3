from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.tree.names import MAX_NAME_BYTES, numbered_names, result_names

file_names = st.binary(min_size=1, max_size=255).map(lambda name: name.replace(b"/", b"-").replace(b"\0", b"-"))
texts = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=80).map(
    str.encode
)
scored_names = st.lists(st.tuples(st.floats(0, 1), file_names | texts), max_size=30)


@given(scored_names)
def test_result_names_are_valid_and_unique(results: list[tuple[float, bytes]]) -> None:
    names = result_names(results)
    assert len(set(names)) == len(names) == len(results)
    for (score, file_name), name in zip(results, names, strict=True):
        assert len(name) <= MAX_NAME_BYTES
        assert name.startswith(f"{score:.2f}_".encode())
        assert not any(byte < 0x20 or byte in b"/\x7f" for byte in name)
        if _is_utf8(file_name):
            assert _is_utf8(name)


@given(st.lists(file_names, max_size=30))
def test_numbered_names_are_valid_and_unique(files: list[bytes]) -> None:
    names = numbered_names(files)
    assert len(set(names)) == len(names) == len(files)
    assert all(0 < len(name) <= MAX_NAME_BYTES and name not in (b".", b"..") for name in names)


@given(st.lists(st.tuples(st.floats(0, 1), st.just(b"same.txt")), max_size=300))
def test_many_files_with_the_same_name(results: list[tuple[float, bytes]]) -> None:
    names = result_names(results)
    assert len(set(names)) == len(names)
    assert all(name.endswith(b".txt") for name in names)


@pytest.mark.parametrize(
    ("results", "names"),
    [
        ([(0.874, b"report.pdf")], [b"0.87_report.pdf"]),
        ([(1, b"a"), (0, b"b")], [b"1.00_a", b"0.00_b"]),
        ([(0.5, b"a.txt"), (0.5, b"a.txt"), (0.5, b"a.txt")], [b"0.50_a.txt", b"0.50_a (2).txt", b"0.50_a (3).txt"]),
        (
            [(0.5, b"a (2).txt"), (0.5, b"a.txt"), (0.5, b"a.txt")],
            [b"0.50_a (2).txt", b"0.50_a.txt", b"0.50_a (3).txt"],
        ),
        ([(0.5, b"a.txt"), (0.4, b"a.txt")], [b"0.50_a.txt", b"0.40_a.txt"]),
        ([(0.5, b"a.tar.gz"), (0.5, b"a.tar.gz")], [b"0.50_a.tar.gz", b"0.50_a (2).tar.gz"]),
        ([(0.5, b".bashrc"), (0.5, b".bashrc")], [b"0.50_.bashrc", b"0.50_.bashrc (2)"]),
        ([(0.5, b"line\nbreak\x7f.txt")], [b"0.50_line_break_.txt"]),
        ([(0.5, "c1\u0085.txt".encode())], [b"0.50_c1_.txt"]),
        ([(0.5, b"latin-\xe9.txt")], [b"0.50_latin-\xe9.txt"]),
        ([(0.5, b"a" * 255)], [b"0.50_" + b"a" * 250]),
        ([(0.5, b"a" * 251 + b".txt")], [b"0.50_" + b"a" * 246 + b".txt"]),
        ([(0.5, "\u20ac".encode() * 85)], [b"0.50_" + "\u20ac".encode() * 83]),
        ([(0.5, b"a." + b"x" * 253)], [b"0.50_a." + b"x" * 248]),
        ([(float("nan"), b"a"), (7, b"b")], [b"0.00_a", b"1.00_b"]),
    ],
)
def test_examples(results: list[tuple[float, bytes]], names: list[bytes]) -> None:
    assert result_names(results) == names


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
