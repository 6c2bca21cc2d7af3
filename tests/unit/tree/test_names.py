from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.tree.names import MAX_NAME_BYTES, is_result_name, numbered_names, result_names

file_names = st.binary(min_size=1, max_size=255).map(lambda name: name.replace(b"/", b"-").replace(b"\0", b"-"))
texts = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=80).map(
    str.encode
)
scored_names = st.lists(st.tuples(st.floats(0, 1), file_names | texts), max_size=30)


@given(scored_names)
def test_result_names_are_valid_and_unique(results: list[tuple[float, bytes]]) -> None:
    names = result_names(results)
    assert len(set(names)) == len(names) == len(results)
    assert sorted(names) == names
    for rank, ((score, file_name), name) in enumerate(zip(results, names, strict=True), 1):
        assert len(name) <= MAX_NAME_BYTES
        assert name.startswith(f"{rank:02}_{score:.2f}_".encode())
        assert is_result_name(name)
        assert not any(byte < 0x20 or byte in b"/\x7f" for byte in name)
        if _is_utf8(file_name):
            assert _is_utf8(name)


@given(st.lists(file_names, max_size=30))
def test_numbered_names_are_valid_and_unique(files: list[bytes]) -> None:
    names = numbered_names(files)
    assert len(set(names)) == len(names) == len(files)
    assert all(0 < len(name) <= MAX_NAME_BYTES and name not in (b".", b"..") for name in names)


@pytest.mark.parametrize(
    ("count", "first", "last"), [(9, b"01_", b"09_"), (100, b"001_", b"100_"), (1000, b"0001_", b"1000_")]
)
def test_ranks_have_one_width_so_that_programs_that_sort_by_name_show_the_best_first(
    count: int, first: bytes, last: bytes
) -> None:
    names = result_names([(0.5, b"same.txt")] * count)
    assert (names[0], names[-1]) == (first + b"0.50_same.txt", last + b"0.50_same.txt")
    assert sorted(set(names)) == names


@pytest.mark.parametrize("name", [b"1_0.50_a", b"0.50_a.txt", b"01_0.50_", b"01_2.50_a", b"roses", b"01_0.5_a"])
def test_other_names_are_no_result_names(name: bytes) -> None:
    assert not is_result_name(name)


@pytest.mark.parametrize(
    ("results", "names"),
    [
        ([(0.874, b"report.pdf")], [b"01_0.87_report.pdf"]),
        ([(1, b"a"), (0, b"b")], [b"01_1.00_a", b"02_0.00_b"]),
        ([(0.5, b"a.txt"), (0.5, b"a.txt")], [b"01_0.50_a.txt", b"02_0.50_a.txt"]),
        ([(0.5, b".bashrc")], [b"01_0.50_.bashrc"]),
        ([(0.5, b"line\nbreak\x7f.txt")], [b"01_0.50_line_break_.txt"]),
        ([(0.5, "c1\u0085.txt".encode())], [b"01_0.50_c1_.txt"]),
        ([(0.5, b"latin-\xe9.txt")], [b"01_0.50_latin-\xe9.txt"]),
        ([(0.5, b"a" * 255)], [b"01_0.50_" + b"a" * 247]),
        ([(0.5, b"a" * 251 + b".tar.gz")], [b"01_0.50_" + b"a" * 240 + b".tar.gz"]),
        ([(0.5, "\u20ac".encode() * 85)], [b"01_0.50_" + "\u20ac".encode() * 82]),
        ([(0.5, b"a." + b"x" * 253)], [b"01_0.50_a." + b"x" * 245]),
        ([(float("nan"), b"a"), (7, b"b")], [b"01_0.00_a", b"02_1.00_b"]),
    ],
)
def test_examples(results: list[tuple[float, bytes]], names: list[bytes]) -> None:
    assert result_names(results) == names


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ([b"a.txt", b"a.txt", b"a.txt"], [b"a.txt", b"a (2).txt", b"a (3).txt"]),
        ([b"a (2).txt", b"a.txt", b"a.txt"], [b"a (2).txt", b"a.txt", b"a (3).txt"]),
        ([b"a.tar.gz", b"a.tar.gz"], [b"a.tar.gz", b"a (2).tar.gz"]),
        ([b".bashrc", b".bashrc"], [b".bashrc", b".bashrc (2)"]),
        ([b"a" * 255, b"a" * 255], [b"a" * 255, b"a" * 251 + b" (2)"]),
    ],
)
def test_equal_names_of_files_are_numbered(files: list[bytes], names: list[bytes]) -> None:
    assert numbered_names(files) == names


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
