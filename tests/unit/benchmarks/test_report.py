"""What benchmarks report of the machine."""

import pytest

from tests.unit.benchmarks.scripts import load_script


@pytest.mark.parametrize(
    ("flags", "architecture", "sums"),
    [
        ("fma avx2 avx512f", "x86_64", "saturated"),
        ("avx2 avx_vnni", "x86_64", "exact"),
        ("avx2 avx512_vnni avx512_bitalg", "x86_64", "exact"),
        ("asimd", "aarch64", "exact"),
    ],
)
def test_processors_without_vnni_saturate_sums(
    monkeypatch: pytest.MonkeyPatch, flags: str, architecture: str, sums: str
) -> None:
    module = load_script("_report", monkeypatch)
    assert module.int8_sums(f"model name\t: X\nflags\t\t: fpu {flags}\n", architecture=architecture) == sums
