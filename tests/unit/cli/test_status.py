"""What `magicfs status` shows of models and their backlogs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from magicfs.cli import terminal
from magicfs.cli.commands.status import watch_status
from magicfs.cli.progress import RateMeter
from magicfs.cli.status_output import pace_of, parts_table, rendered, roots_table
from magicfs.cli.status_summary import Summary, collect, refused_by_disk
from magicfs.config import Settings
from magicfs.domain.models import ModelState, Precision
from magicfs.domain.status import (
    BrokerStatus,
    ChunkCounts,
    FileCounts,
    HostStatus,
    IndexStatus,
    ModelStatus,
    PartStatus,
    RootStatus,
    VectorIndexBuild,
    WordsProgress,
)
from tests.unit.cli.summary import summary


def model_status(name: str, role: ModelState, precision: Precision = Precision.INT8, **counts: int) -> ModelStatus:
    none = {"total": 100, "pending": 0, "second_vectors": 0, "failed": 0, "unread": 0}
    return ModelStatus(name, precision, role, **{**none, **counts})


def building_model(*, embedded: int, failed: int = 0) -> ModelStatus:
    return model_status("other", ModelState.BUILDING, Precision.FP32, pending=100 - embedded - failed, failed=failed)


def found(*, embedded: int = 0, failed: int = 0, **fields: Any) -> Summary:
    """A summary while another model is built."""
    chunks = ChunkCounts(total=100, embedded=embedded, failed=failed)
    models = (building_model(embedded=embedded, failed=failed),)
    return summary(**{"building": "other (fp32)", "building_chunks": chunks, "models": models, **fields})


def lines(status: Summary, paces: dict[str, str] | None = None) -> list[str]:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(rendered(status, paces))
    return console.export_text().splitlines()


def test_it_stands_beside_the_one_in_use() -> None:
    shown = lines(found(embedded=40, failed=1))
    assert "model    one (int8)" in shown
    assert "chunks   100 of 100 found by meaning" in shown
    assert "building 40 of 100 chunks, 1 failed: other (fp32)" in shown


def test_without_one_there_is_no_line() -> None:
    assert not any(line.startswith("building") for line in lines(summary()))


def test_chunks_with_the_words_of_an_older_version_are_shown() -> None:
    shown = lines(found(words=WordsProgress(done=40, total=100)))
    assert "words    40 % of the chunks have the words of this version, the others get them" in shown


def test_the_build_of_the_vector_index_has_a_line_while_it_runs() -> None:
    build = VectorIndexBuild("building index: loading tuples", done=25, total=100)
    assert "index    25 % of the vector index built: 25 of 100 chunks" in lines(found(vector_index_build=build))
    assert not any(line.startswith("index") for line in lines(found()))


def test_hosts_that_nobody_watches_are_named() -> None:
    roots = tuple(
        RootStatus(host, b"/docs", host, FileCounts(9, 0, 9, 0, 0), "present", None, 1.0) for host in ("box", "far")
    )
    hosts = (HostStatus("box", "one", 1.0, has_agent=True), HostStatus("far", "two", 1.0, has_agent=False))
    silent = summary(roots=roots, hosts=hosts)
    assert "agents   nobody sees what changes on far: 'magicfs doctor' says why there" in lines(silent)
    assert silent.as_json()["silent_hosts"] == ["far"]
    assert not any(line.startswith("agents") for line in lines(summary(roots=roots[:1], hosts=hosts)))


def test_a_program_gets_each_row_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    files, path = FileCounts(2, 0, 2, 0, 0), b"/home/ada/" + b"long/" * 100
    detail = "No such file or directory: its files stay in the index until it is back"
    root = RootStatus("docs", path, "box", files, "missing", detail, scanned_at=1.0)
    terminal.results().print(*roots_table([root]))
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("docs "))
    assert path.decode() in row
    assert detail in row


def test_a_root_of_which_not_each_change_is_seen_is_told() -> None:
    def state(*, state: str = "present", watched: bool | None, scanned_at: float | None = 1.0) -> str:
        counts = FileCounts(9, 0, 9, 0, 0)
        roots = (RootStatus("docs", b"/docs", "box", counts, state, None, scanned_at, watched=watched),)
        return "\n".join(lines(summary(roots=roots)))

    assert "scans alone find some changes" in state(watched=False)
    assert "scans alone" not in state(watched=True) + state(watched=None)
    assert "scans alone" not in state(watched=False, state="missing") + state(watched=False, scanned_at=None)


def test_watching_tells_the_time_left() -> None:
    meter = RateMeter()
    assert pace_of(building_model(embedded=0), meter, now=0) == ""
    pace = pace_of(building_model(embedded=20), meter, now=2)
    assert pace == "10 chunks/s, 8 s left"
    assert f"building 20 of 100 chunks, {pace}: other (fp32)" in lines(found(embedded=20), {"building": pace})
    assert pace_of(building_model(embedded=100), meter, now=4) == ""


def test_two_models_have_a_backlog_each() -> None:
    models = [
        model_status("one", ModelState.ACTIVE, unread=3),
        model_status("all", ModelState.MULTILINGUAL, pending=20, second_vectors=40, failed=1),
    ]
    shown = lines(found(models=models), {"multilingual": "2 chunks/s, 30 s left"})
    assert "model    nothing waits, 3 chunks in languages that it does not read: one (int8)" in shown
    backlog = "20 chunks waiting, 40 second vectors to come, 1 failed, 2 chunks/s, 30 s left"
    assert f"second   {backlog}: all (int8)" in shown
    better = model_status("all", ModelState.RENEWING, second_vectors=61)
    shown = lines(found(models=[*models, better]))
    assert "renewing 61 second vectors to come: all (int8)" in shown


def test_a_broker_in_trouble_has_a_line_in_place_of_the_queue() -> None:
    assert "queue    0 messages waiting" in lines(found())
    shown = lines(summary(BrokerStatus(ok=False, detail="Redis is full", queues={})))
    assert "broker   Redis is full" in shown
    assert not any(line.startswith("queue") for line in shown)


def test_the_names_of_parts_are_whole_in_a_narrow_terminal() -> None:
    detail = "exited with 1: [Errno 2] No such file or directory"
    part = PartStatus("postgres", "running", pid=12345, uptime_s=99, restarts=0, detail=detail)
    console = Console(width=40, record=True, file=io.StringIO())
    for renderable in parts_table([part]):
        console.print(renderable)
    shown = console.export_text()
    assert "postgres" in shown
    assert "running" in shown
    assert "\u2026" not in shown
    assert f"postgres: {detail}" in " ".join(shown.split())


@pytest.mark.parametrize("width", [20, 30, 40])
def test_roots_and_parts_are_blocks_of_lines_in_a_narrow_terminal(width: int) -> None:
    part = PartStatus("extract-1", "running", pid=None, uptime_s=0, restarts=12, detail="")
    files = FileCounts(total=9, pending=0, indexed=9, skipped=0, failed=0)
    root = RootStatus("documents", b"/home/u", "here", files, "present", detail=None, scanned_at=None)
    console = Console(width=width, record=True, file=io.StringIO(), soft_wrap=True)
    for renderable in (*roots_table([root]), *parts_table([part])):
        console.print(renderable)
    shown = console.export_text().splitlines()
    assert "root documents" in shown
    assert "  path  /home/u" in shown
    assert "  state present, first scan runs" in shown
    assert "part extract-1" in shown
    assert "  restarts 12" in shown
    assert not any("pid" in line for line in shown)


def test_a_quota_that_is_used_up_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magicfs.cli.status_summary.why_no_writes", lambda *_, **__: "the quota is used up: make room")
    here, elsewhere = Settings(home=tmp_path), Settings(home=tmp_path, database_url="postgresql://elsewhere/magicfs")
    assert refused_by_disk(here, summary().index) == ["the quota is used up: make room, and the work goes on"]
    assert refused_by_disk(here, summary(free_bytes=0).index) == [], "the index says it"
    assert refused_by_disk(elsewhere, summary().index) == []


def test_a_report_that_a_full_disk_does_not_take_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = PartStatus("agent", "running", pid=7, uptime_s=600.0, restarts=0, detail="")
    settings = Settings(home=tmp_path, host="here")
    root = RootStatus("docs", b"/docs", "here", summary().index.files, "present", None, None)
    index = summary(roots=(root,)).index
    reads: list[str] = []

    def read(_: Settings) -> IndexStatus:
        reads.append(index.silent_hosts[0])
        return index

    monkeypatch.setattr("magicfs.cli.status_summary.parts_and_stuck", lambda _: ([agent], []))
    monkeypatch.setattr("magicfs.cli.status_summary.read_index", read)
    monkeypatch.setattr("magicfs.cli.wiring.probe_broker", lambda _: BrokerStatus(ok=False, detail="", queues={}))
    monkeypatch.setattr("magicfs.cli.status_summary.why_no_writes", lambda *_, **__: "the disk is full: make room")
    assert collect(settings).stuck == ["the disk is full: make room, and the work goes on"]
    assert reads == ["here"]


def test_a_program_that_watches_gets_each_state_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    def pause(_: float) -> None:
        shown.append(capsys.readouterr().out)
        if len(shown) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("magicfs.cli.status_summary.collect", lambda *_, **__: summary())
    monkeypatch.setattr("time.sleep", pause)
    with pytest.raises(KeyboardInterrupt):
        watch_status(Settings())
    assert shown[0] == shown[1]
    assert "files    9 of 9 indexed\n" in shown[0]
