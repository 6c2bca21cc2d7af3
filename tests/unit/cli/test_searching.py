"""A plain search is understood without typer, exactly as typer understands it."""

from __future__ import annotations

import itertools

import pytest
from typer.main import get_command

from magicfs.cli import execution, searching
from magicfs.cli.application import app
from magicfs.cli.searching import SearchOptions, plain_options


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[SearchOptions]:
    """The searches that are run, which find nothing out."""
    options: list[SearchOptions] = []
    monkeypatch.setattr(searching, "run", options.append)
    return options


PIECES = ("tax", "two words", "", "ext:md", "--json", "--passages", "-n", "7", "--number", "1000", "--")


def test_both_ways_understand_the_same(searched: list[SearchOptions]) -> None:
    plain = 0
    # Called itself, `app` would build the whole tree of commands each time.
    command = get_command(app)
    for count in range(1, 4):
        for arguments in itertools.product(PIECES, repeat=count):
            options = plain_options(["search", *arguments])
            if options is not None:
                plain += 1
                command(["search", *arguments], prog_name="magicfs", standalone_mode=False)
                assert searched.pop() == options, arguments
    assert plain > 300


def test_what_follows_two_dashes_is_no_option(searched: list[SearchOptions]) -> None:
    arguments = ["search", "--json", "--", "java", "-script", "--json", "--"]
    app(arguments, prog_name="magicfs", standalone_mode=False)
    assert plain_options(arguments) == searched.pop() == SearchOptions("java -script --json --", as_json=True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["search"],
        ["search", "--help"],
        ["search", "-h"],
        ["search", "tax", "--jso"],
        ["search", "tax", "-java"],
        ["search", "--"],
        ["search", "tax", "-n"],
        ["search", "tax", "-n", "0"],
        ["search", "tax", "-n", "1001"],
        ["search", "tax", "-n", "many"],
        ["search", "tax", "-n", "７"],
        ["search", "tax", "-n7"],
        ["status"],
        ["--version"],
        [],
    ],
)
def test_typer_sees_everything_else(arguments: list[str]) -> None:
    assert plain_options(arguments) is None


def test_completion_is_left_to_typer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_MAGICFS_COMPLETE", "complete_bash")
    assert plain_options(["search", "tax"]) is None


def test_a_plain_search_does_not_make_the_application(
    searched: list[SearchOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magicfs.cli.application.app", None)
    assert execution.run(["search", "tax", "invoice", "--json"]) == 0
    assert searched == [SearchOptions("tax invoice", as_json=True)]
