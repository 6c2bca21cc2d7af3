"""How many workers `magicfs up` runs, and how gently: what was asked for, what is set, and what the last call had."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.cli.up_request import Former, UpRequest, embed_workers, with_gentle
from magicfs.config import Settings
from magicfs.domain.parts import Part, UpOptions

PARTS = [Part("agent", ("true",), 1)]
SET: dict[str, object] = {"workers": 3}


def options(workers: int, *, gentle: bool = False) -> UpOptions:
    return UpOptions(embed_workers=workers, gentle=gentle, mount=None)


NONE, RUNS = Former([], None), Former(PARTS, options(5))
REBOOTED, RUNS_GENTLY = Former([], options(5)), Former(PARTS, options(1, gentle=True))


@pytest.mark.parametrize(
    ("asked", "is_set", "former", "expected"),
    [
        ({"workers": 2, "gentle": True}, SET, RUNS, (2, True)),
        ({"gentle": True}, {}, RUNS, (1, True)),
        ({"gentle": True}, SET, NONE, (3, True)),
        ({}, {}, RUNS, (5, False)),
        ({}, SET, RUNS, (5, False)),
        ({}, SET, REBOOTED, (3, False)),
        ({}, {}, REBOOTED, (5, False)),
        ({}, {"gentle": True}, NONE, (1, True)),
        ({}, {}, RUNS_GENTLY, (1, True)),
        ({"gentle": False}, SET, RUNS_GENTLY, (3, False)),
    ],
)
def test_options_are_those_asked_for_else_set_else_of_the_last_call(
    tmp_path: Path, asked: dict[str, bool | int], is_set: dict[str, object], former: Former, expected: tuple[int, bool]
) -> None:
    gentle, workers = asked.get("gentle"), asked.get("workers")
    request = UpRequest([], None, workers, None if gentle is None else bool(gentle), tied=False, variables={})
    settings = with_gentle(Settings(home=tmp_path, **is_set), request, former)
    assert (embed_workers(settings, request, former), settings.gentle) == expected
