"""Right-to-left text keeps its place in a line of a terminal, and does not reach other programs."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from magicfs.cli import terminal
from magicfs.cli.bidi import isolate, isolate_runs, pasted
from magicfs.cli.file_report import Fact
from magicfs.cli.search_output import answer_of, show
from magicfs.cli.status_output import rendered
from magicfs.domain.results import Coverage, SearchResult
from magicfs.domain.status import FileCounts, RootStatus
from tests.unit.cli.right_to_left import END, OLAM, SHALOM, START, hit
from tests.unit.cli.summary import summary


@pytest.mark.parametrize("text", ["", "report.pdf", "café 文档", "/home/ada/x", "a\u2019b"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert isolate(text) == isolate_runs(text) == text


@pytest.mark.parametrize(
    "text", [SHALOM, "תקציב.xlsx", f"/home/ada/{SHALOM}/{OLAM}", "تقرير 2026", "ދިވެހި", "\U0001e922x"]
)
def test_right_to_left_text_is_isolated_as_a_whole(text: str) -> None:
    assert isolate(text) == f"{START}{text}{END}"
    assert cell_len(isolate(text)) == cell_len(text)


def test_a_text_cannot_end_its_isolation_or_steer_a_terminal() -> None:
    assert isolate(f"{SHALOM}{END}\u202egpj.exe") == f"{START}{SHALOM}gpj.exe{END}"
    assert isolate_runs(f"no \x1b[31m{SHALOM}\u202e") == f"no ?[31m{START}{SHALOM}{END}"
    assert isolate("gpj\u202eexe.\x1b[31m\ntwo\x9b") == "gpjexe.?[31m?two?"


def test_parts_of_a_line_are_isolated_each() -> None:
    assert isolate_runs(f"no root {SHALOM} {OLAM}: see docs") == f"no root {START}{SHALOM} {OLAM}{END}: see docs"
    assert isolate_runs(f"{SHALOM}  /{OLAM}.txt") == f"{START}{SHALOM}{END}  /{START}{OLAM}{END}.txt"
    assert isolate_runs(f"{isolate(SHALOM + ' x')}: {OLAM}") == f"{START}{SHALOM} x{END}: {START}{OLAM}{END}"
    assert isolate_runs(f"{SHALOM}\n{OLAM}") == f"{START}{SHALOM}{END}\n{START}{OLAM}{END}"


def test_a_long_line_takes_no_long_time() -> None:
    line = f"{SHALOM}{' -' * 20_000}{SHALOM * 5_000}"
    assert isolate_runs(line) == f"{START}{line}{END}"


def test_a_path_that_is_copied_from_a_terminal_is_the_file(tmp_path: Path) -> None:
    path, marked = tmp_path / f"{SHALOM}.txt", tmp_path / f"a{START}b"
    path.touch()
    marked.touch()
    assert pasted(Path(isolate(str(path)))) == path
    assert pasted(path) == path
    assert pasted(marked) == marked


PROGRAM = """
from rich.text import Text
from magicfs.cli import terminal
name = "\\u05e9\\u05dc\\u05d5\\u05dd\\u202e"
terminal.say(terminal.shown(name) + ":1")
terminal.say("root " + name[:4] + ": gone")
terminal.print_json({"name": name})
terminal.print_json_list("names", [{"name": name}], lambda: {"more": 0})
terminal.remark("no " + name[:4])
"""


def printed(*, on_terminal: bool) -> str:
    command = [sys.executable, "-c", PROGRAM]
    if not on_terminal:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True).stdout.decode()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs)
    os.close(theirs)
    read = b""
    try:
        while part := os.read(ours, 4096):
            read += part
    except OSError:
        pass  # the other end is closed
    os.close(ours)
    assert process.wait() == 0
    return read.decode()


def test_only_a_terminal_gets_the_marks() -> None:
    in_pipe, on_terminal = printed(on_terminal=False), printed(on_terminal=True)
    assert START not in in_pipe
    assert f"{SHALOM}\u202e:1\n" in in_pipe
    assert f"{START}{SHALOM}{END}:1\r\n" in on_terminal
    assert f"root {START}{SHALOM}{END}: gone\r\n" in on_terminal
    assert f"no {START}{SHALOM}{END}\r\n" in on_terminal
    assert on_terminal.count(f'"name": "{SHALOM}\u202e"') == in_pipe.count(f'"name": "{SHALOM}\u202e"') == 2


@pytest.mark.parametrize("on_terminal", [True, False])
def test_paths_and_snippets_of_results_are_isolated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], on_terminal: bool
) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: on_terminal)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "100")
    hits = (hit(1, f"{SHALOM}/{OLAM}.txt", f"{SHALOM} MacBook {OLAM}"), hit(2, "plain.txt", "plain"))
    show(answer_of(SearchResult(query="x", took_ms=1.0, coverage=Coverage(2, 2, 2, 0), hits=hits), host="here"))
    start, end = (START, END) if on_terminal else ("", "")
    assert capsys.readouterr().out == (
        f"1  0.90  {start}/home/ada/{SHALOM}/{OLAM}.txt{end}:3-9\n         {start}{SHALOM} MacBook {OLAM}{end}\n"
        "2  0.90  /home/ada/plain.txt:3-9\n         plain\n"
    )


def test_paths_of_failures_and_texts_of_files_are_isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    title = Fact("title", f"{SHALOM} x", is_of_file=True)
    assert title.shown() == f"title     {START}{SHALOM} x{END}"
    assert str(title) == f"title     {SHALOM} x", "as programs get it"
    assert Fact("state", "indexed").shown() == "state     indexed"
    assert terminal.shown_line(Fact("copies", f"1: /a/{OLAM}").shown()) == f"copies    1: /a/{START}{OLAM}{END}"


def root(name: str, path: str) -> RootStatus:
    files = FileCounts(total=12, pending=0, indexed=12, skipped=0, failed=0)
    return RootStatus(name, path.encode(), "box", files=files, state="present", detail=None, scanned_at=1.0)


@pytest.mark.parametrize("width", [100, 60, 44])
def test_the_columns_of_the_roots_are_aligned_in_every_script(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    roots = [
        root(SHALOM, f"/home/ada/{SHALOM} {OLAM}/תקציב ישן"),
        root("文档资料", "/home/ada/文档资料/很长的文件夹名称"),
        root("สวัสดี", "/home/ada/สวัสดี"),
        root("docs", "/home/ada/docs"),
    ]
    shown = lines_of(roots, width)
    places = {cell_len(line[: line.index(" box ")]) for line in shown if " box " in line}
    assert len(places) == 1
    assert all(line.count(START) == line.count(END) for line in shown)
    text = re.sub(r"\s", "", "".join(shown).replace(START, "").replace(END, ""))
    assert all(part in text for part in (SHALOM, OLAM, "文档资料", "สวัสดี"))
    assert not any("…" in line for line in shown)


def lines_of(roots: Sequence[RootStatus], width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), soft_wrap=True)
    console.print(rendered(summary(roots=roots)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()
