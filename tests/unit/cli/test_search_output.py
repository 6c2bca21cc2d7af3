"""What `magicfs search` prints: lines of the text, with what matched in bold on a terminal."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from magicfs.cli import terminal
from magicfs.cli.search_output import answer_of, show
from magicfs.domain.results import Coverage, SearchResult
from tests.unit.cli.right_to_left import END as ISOLATE_END
from tests.unit.cli.right_to_left import SHALOM, START, hit

BOLD, DIM, END = "\x1b[1m", "\x1b[2m", "\x1b[0m"


@pytest.fixture(params=["xterm-256color"])
def on_terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.setenv("TERM", request.param)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)


def printed(capsys: pytest.CaptureFixture[str], snippet: str, *matched: tuple[int, int]) -> list[str]:
    found = hit(1, "a.txt", snippet, matched=matched)
    show(answer_of(SearchResult(query="x", took_ms=1.0, coverage=Coverage(2, 2, 2, 0), hits=(found,)), host="here"))
    return capsys.readouterr().out.splitlines()


def test_a_program_gets_the_lines_without_styles(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "def tax():\n    return 0.19", (4, 7)) == [
        "1  0.90  /home/ada/a.txt:3-9",
        "         def tax():",
        "             return 0.19",
    ]


def test_a_file_of_another_host_is_named_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    """This host may have another file at its path."""
    found = (hit(1, "a.txt", ""), hit(2, "a.txt", "")._replace(host="nas"))
    show(answer_of(SearchResult(query="x", took_ms=1.0, coverage=Coverage(2, 2, 2, 0), hits=found), host="here"))
    assert capsys.readouterr().out.splitlines() == [
        "1  0.90  /home/ada/a.txt:3-9",
        "2  0.90  /home/ada/a.txt:3-9  on nas",
    ]


@pytest.mark.usefixtures("on_terminal")
def test_what_matched_is_bold(capsys: pytest.CaptureFixture[str]) -> None:
    first, *lines = printed(capsys, "def tax():\n    tax rate", (4, 7), (15, 18))
    assert f"{BOLD}  /home/ada/a.txt{END}" in first
    assert lines == [
        f"         {DIM}def {END}{BOLD}tax{END}{DIM}():{END}",
        f"         {DIM}    {END}{BOLD}tax{END}{DIM} rate{END}",
    ]


@pytest.mark.usefixtures("on_terminal")
def test_right_to_left_text_is_isolated_and_marked(capsys: pytest.CaptureFixture[str]) -> None:
    _, line = printed(capsys, f"{SHALOM} tax", (len(SHALOM) + 1, len(SHALOM) + 4))
    assert f"{BOLD}tax{END}" in line
    assert START in line


@pytest.mark.usefixtures("on_terminal")
def test_each_line_of_a_long_right_to_left_one_is_isolated_behind_its_indentation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A terminal orders each line alone: the second one began at the right."""
    _, *lines = printed(capsys, f"{SHALOM} {SHALOM} tax " * 8, (0, len(SHALOM)))
    plain = [re.sub(r"\x1b\[\d+m", "", line) for line in lines]
    assert len(plain) > 2
    for line in plain:
        assert line.startswith(f"{' ' * 9}{START}")
        assert (line.count(START), line.count(ISOLATE_END), line[-1]) == (1, 1, ISOLATE_END)


@pytest.mark.usefixtures("on_terminal")
def test_long_lines_are_wrapped_below_their_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    _, *lines = printed(capsys, "many words of one long line that goes on and on 中文字中文字中文字", (5, 10))
    plain = [re.sub(r"\x1b\[\d+m", "", line) for line in lines]
    assert len(plain) > 1
    assert all(line.startswith(" " * 9) and cell_len(line) <= 40 for line in plain)
    assert f"{BOLD}words{END}" in lines[0]


@pytest.mark.parametrize("on_terminal", ["dumb"], indirect=True)
@pytest.mark.usefixtures("on_terminal")
def test_a_terminal_without_styles_gets_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in "".join(printed(capsys, "tax", (0, 3)))


@pytest.mark.usefixtures("on_terminal")
def test_no_color_leaves_bold(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = "".join(printed(capsys, "tax", (0, 3)))
    assert BOLD in out
    assert "\x1b[3" not in out


def test_what_was_typed_in_no_utf_8_is_not_shown_by_its_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    found = SearchResult(query="caf\udce9", took_ms=1.0, coverage=Coverage(2, 2, 2, 2), hits=())
    show(answer_of(found, host="here"))
    assert capsys.readouterr().err == "nothing found for: caf\ufffd\n"


def test_a_pasted_document_for_which_nothing_is_found_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    show(
        answer_of(SearchResult(query="word " * 9999, took_ms=1.0, coverage=Coverage(2, 2, 2, 2), hits=()), host="here")
    )
    said = capsys.readouterr().err
    assert said.startswith("nothing found for: word word")
    assert len(said) < 300
