"""What `magicfs status` and `magicfs doctor` say of a root that is gone, or cannot be watched as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.cli import index_checks
from magicfs.cli.index_checks import MIN_WATCHES, IndexChecks
from magicfs.config import Settings
from magicfs.db.as_of import record_watch
from magicfs.db.cluster.roots import set_root_state
from magicfs.db.status import read_status
from magicfs.domain.roots import RootState, Watch
from magicfs.errors import CheckFailed
from tests.plugins.index import HOST, Index


@pytest.fixture
def checks(database_url: str, short_path: Path, monkeypatch: pytest.MonkeyPatch) -> IndexChecks:
    settings = Settings(home=short_path / "home", database_url=database_url, host=HOST)
    settings.make_home()
    monkeypatch.setattr(index_checks, "max_user_watches", lambda: MIN_WATCHES)
    monkeypatch.setattr(index_checks, "is_shared_file_system", lambda _: False)
    return IndexChecks(settings)


def record(index: Index, watch: Watch) -> bool | None:
    """Record how the root is watched. Returns what the status says of it."""
    with index.database.transaction() as connection:
        record_watch(connection, index.root.id, watch)
        [root] = read_status(connection).roots
    return root.watched


def test_a_root_that_is_watched_is_well(index: Index, checks: IndexChecks) -> None:
    with index.database.transaction() as connection:
        assert [root.watched for root in read_status(connection).roots] == [None]
    assert checks.watches() == "49152 directories can be watched"
    assert record(index, Watch.BEGINS) is True
    assert record(index, Watch.MISSED) is True
    assert checks.watches() == "49152 directories can be watched"


def test_a_root_that_cannot_be_watched_is_named_with_what_to_do(
    index: Index, checks: IndexChecks, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record(index, Watch.NONE) is False
    assert record(index, Watch.MISSED) is False
    remedy = f"not every directory of {index.root.name} can be watched: run 'sysctl fs.inotify.max_user_watches=524288'"
    with pytest.raises(CheckFailed, match=remedy):
        checks.watches()
    monkeypatch.setattr(index_checks, "can_watch", lambda: False)
    with pytest.raises(CheckFailed, match=r"run 'sysctl fs.inotify.max_user_instances=1024'"):
        checks.watches()
    monkeypatch.setattr(index_checks, "is_shared_file_system", lambda _: True)
    assert "can be watched" in checks.watches()
    assert record(index, Watch.BEGINS) is True


@pytest.mark.parametrize("state", [RootState.MISSING, RootState.SUSPECT])
def test_a_root_that_is_not_there_is_named(index: Index, checks: IndexChecks, state: RootState) -> None:
    assert checks.roots() == "1 present"
    with index.database.transaction() as connection:
        set_root_state(connection, index.root.id, state=state, detail="its files stay in the index")
    with pytest.raises(CheckFailed, match=f"^{index.root.name} is {state}: its files stay in the index$"):
        checks.roots()


def test_the_roots_of_an_index_that_cannot_be_read_are_not_known(short_path: Path) -> None:
    settings = Settings(home=short_path / "home")
    settings.make_home()
    assert IndexChecks(settings).roots() == "not known: the index cannot be read"
