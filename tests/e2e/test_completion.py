"""What a shell offers where the name of a root is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.db.pool import Database
from magicfs.ingest.roots import add_root
from tests.plugins.commands import Commands


@pytest.fixture
def with_roots(commands: Commands, database_url: str, tmp_path: Path) -> Commands:
    """Commands of an index with three roots."""
    commands.environment |= {"MAGICFS_DATABASE_URL": database_url, "MAGICFS_HOST": "here"}
    with Database(database_url, application="test", size=1) as database:
        for name in ("Documents", "Docs of Ada", "Music"):
            (tmp_path / name).mkdir()
            add_root(database, host="here", path=tmp_path / name, home=commands.home)
    return commands


def offered(commands: Commands, *words: str) -> list[str]:
    done = commands.run(
        _MAGICFS_COMPLETE="complete_bash", COMP_WORDS="\n".join(("magicfs", *words)), COMP_CWORD=str(len(words))
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("command", [("scan",), ("roots", "remove")], ids=" ".join)
def test_names_of_roots_are_offered(with_roots: Commands, command: tuple[str, ...]) -> None:
    assert offered(with_roots, *command, "Doc") == [r"Docs\ of\ Ada", "Documents"]
    assert offered(with_roots, *command, "Mu") == ["Music"]


def test_a_name_in_quotes_is_offered_as_it_is(with_roots: Commands) -> None:
    assert offered(with_roots, "scan", '"Docs of') == ["Docs of Ada"]


def test_a_name_is_offered_whose_blanks_are_typed_with_backslashes(with_roots: Commands) -> None:
    assert offered(with_roots, "scan", r"Docs\ o") == [r"Docs\ of\ Ada"]
    assert offered(with_roots, "scan", r"Docs\ ") == [r"Docs\ of\ Ada"]


def test_other_shells_quote_names_themselves(with_roots: Commands) -> None:
    done = with_roots.run(_MAGICFS_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="magicfs scan Docs")
    assert '"Docs of Ada"' in done.stdout


def test_a_setting_with_a_spelling_error_is_not_complained_of(with_roots: Commands) -> None:
    with_roots.environment |= {"MAGICFS_WORKER": "1"}
    assert offered(with_roots, "scan", "Mu") == ["Music"]


def test_nothing_is_said_of_an_index_that_cannot_be_read(commands: Commands) -> None:
    assert [name for name in offered(commands, "scan", "Doc") if name] == []
