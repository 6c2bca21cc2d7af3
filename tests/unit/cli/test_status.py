"""What `magicfs status` shows of models and their backlogs."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from magicfs.cli.commands.status import _parts, _rendered, pace_of
from magicfs.cli.waiting import ProgressMeter
from tests.unit.cli.summary import summary


def found(*, embedded: int = 0, failed: int = 0) -> dict[str, Any]:
    """A summary while another model is built."""
    chunks = {"total": 100, "embedded": embedded, "failed": failed}
    building = {**chunks, "name": "other", "precision": "fp32", "role": "building", "unread": 0}
    return summary(building="other (fp32)", building_chunks=chunks, models=[building])


def lines(status: dict[str, Any], paces: dict[str, str] | None = None) -> list[str]:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(_rendered(status, paces))
    return console.export_text().splitlines()


def test_it_stands_beside_the_one_in_use() -> None:
    shown = lines(found(embedded=40, failed=1))
    assert "model    one (int8)" in shown
    assert "chunks   100 of 100 found by meaning" in shown
    assert "building 40 of 100 chunks, 1 failed: other (fp32)" in shown


def test_without_one_there_is_no_line() -> None:
    assert not any(line.startswith("building") for line in lines(summary()))


def test_chunks_with_the_words_of_an_older_version_are_shown() -> None:
    progress = {"done": 40, "total": 100, "percent": 40}
    shown = lines({**found(), "words": progress})
    assert "words    40 % of the chunks have the words of this version, the others get them" in shown


def test_the_build_of_the_vector_index_has_a_line_while_it_runs() -> None:
    build = {"phase": "building index: loading tuples", "done": 25, "total": 100}
    assert "index    25 % of the vector index built: 25 of 100 chunks" in lines(
        {**found(), "vector_index_build": build}
    )
    assert not any(line.startswith("index") for line in lines(found()))


def test_watching_tells_the_time_left() -> None:
    meter = ProgressMeter()
    assert pace_of(found(embedded=0)["models"][0], meter, now=0) == ""
    pace = pace_of(found(embedded=20)["models"][0], meter, now=2)
    assert pace == "10 chunks/s, 8 s left"
    assert f"building 20 of 100 chunks, {pace}: other (fp32)" in lines(found(embedded=20), {"building": pace})
    done = found(embedded=100)["models"][0]
    assert pace_of(done, meter, now=4) == ""


def test_two_models_have_a_backlog_each() -> None:
    active = {"name": "one", "precision": "int8", "role": "active", "total": 100, "embedded": 97, "failed": 0}
    other = {**active, "name": "all", "role": "multilingual", "embedded": 39, "failed": 1, "unread": 0}
    models = [
        {**active, "pending": 0, "second_vectors": 0, "unread": 3},
        {**other, "pending": 20, "second_vectors": 40},
    ]
    shown = lines({**found(), "models": models}, {"multilingual": "2 chunks/s, 30 s left"})
    assert "model    nothing waits, 3 in languages that it does not read: one (int8)" in shown
    backlog = "20 chunks wait, 40 second vectors to come, 1 failed, 2 chunks/s, 30 s left"
    assert f"second   {backlog}: all (int8)" in shown
    better = {**other, "role": "renewing", "failed": 0, "pending": 0, "second_vectors": 61}
    shown = lines({**found(), "models": [*models, better]})
    assert "renewing 61 second vectors to come: all (int8)" in shown


def test_a_broker_in_trouble_has_a_line_in_place_of_the_queue() -> None:
    assert "queue    0 messages waiting" in lines(found())
    shown = lines({**found(), "broker": {"ok": False, "detail": "Redis is full"}})
    assert "broker   Redis is full" in shown
    assert not any(line.startswith("queue") for line in shown)


def test_the_names_of_parts_are_whole_in_a_narrow_terminal() -> None:
    detail = "exited with 1: [Errno 2] No such file or directory"
    part = {"name": "postgres", "state": "running", "pid": 12345, "uptime_s": 99, "restarts": 0, "detail": detail}
    console = Console(width=40, record=True, file=io.StringIO())
    for renderable in _parts([part]):
        console.print(renderable)
    shown = console.export_text()
    assert "postgres" in shown
    assert "running" in shown
    assert "\u2026" not in shown
    assert f"postgres: {detail}" in " ".join(shown.split())
