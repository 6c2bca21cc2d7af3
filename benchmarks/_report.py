"""What every benchmark begins and ends with: its options, and a table for people or one JSON object."""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any


def parser(description: str) -> argparse.ArgumentParser:
    """The options that all benchmarks share. Settings in the environment are removed: no benchmark depends on them."""
    for name in [name for name in os.environ if name.upper().startswith(("MAGICFS_", "PG"))]:
        del os.environ[name]
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    return options


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    cpu = next(
        (line.partition(":")[2].strip() for line in cpuinfo.splitlines() if "model name" in line),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "int8_sums": int8_sums(cpuinfo, architecture=platform.machine()),
        "memory_gib": round(memory / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def int8_sums(cpuinfo: str, *, architecture: str) -> str:
    """How a processor adds up products of int8: `exact`, or `saturated` on x86 without VNNI.

    A model at int8 has other vectors where sums saturate, and so the figures of ranking differ
    (docs/ranking-figures.md). `cpuinfo` is the text of `/proc/cpuinfo`.
    """
    return "saturated" if architecture == "x86_64" and "_vnni" not in cpuinfo else "exact"


def report(name: str, figures: dict[str, Any], *, sizes: dict[str, Any], as_json: bool) -> None:
    """Print the figures of one benchmark."""
    if as_json:
        print(json.dumps({"figures": figures, "machine": machine(), "sizes": sizes}))
        return
    width = max(map(len, figures))
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in sizes.items()))
    for key, value in figures.items():
        print(f"  {key:<{width}}  {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {_shown(part):>8}" for name, part in value.items())
    return f"{value:.3f}" if isinstance(value, float) else str(value)
