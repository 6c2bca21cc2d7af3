"""An outage of the database is one line of the agent's log at its start and one at its end."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.errors import MagicFSError
from magicfs.runtime.processes import wait_until
from tests.integration.ingest.agents import make_agent
from tests.plugins.index import HOST, Index
from tests.plugins.servers import Servers

OUTAGE_SECONDS = 4.0
"""Several rounds of each thread of the agent."""

SHORT_SECONDS = 0.5
"""How long a thread waits for a connection during the outage."""


def test_an_outage_is_one_line_and_its_end_another(
    index: Index, servers: Servers, database_url: str, short_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(home=short_path / "home", host=HOST, scan_seconds=1)
    settings.make_home()
    stop = threading.Event()

    def lines(level: str) -> list[str]:
        ours = [record for record in caplog.records if record.name.startswith("magicfs.ingest")]
        return [record.getMessage() for record in ours if record.levelname == level]

    def is_indexed(name: str) -> bool:
        try:
            return name in index.states()
        except MagicFSError:
            return False

    with Database(database_url, application="agent", size=7, connect_seconds=60) as database, caplog.at_level("INFO"):
        thread = threading.Thread(target=make_agent(settings, database).run, args=(stop,))
        thread.start()
        try:
            (index.folder / "before.txt").write_text("words")
            wait_until(lambda: is_indexed("before.txt"), seconds=60, failed="the agent does not work")
            with servers.without_database(database_url):
                database.pool.connect_seconds = SHORT_SECONDS
                for number in range(int(OUTAGE_SECONDS)):
                    (index.folder / f"during-{number}.txt").write_text("words")
                    time.sleep(1.0)
                wait_until(lambda: bool(lines("WARNING")), seconds=60, failed="the outage is not logged")
                # A server that is there again, and slow, is no second outage.
                database.pool.connect_seconds = 60
                time.sleep(3 * SHORT_SECONDS)
            wait_until(lambda: is_indexed("during-3.txt"), seconds=60, failed="the agent does not go on")
            wait_until(lambda: "work goes on" in lines("INFO"), seconds=60, failed="the end is not logged")
        finally:
            stop.set()
            thread.join()
    assert len(lines("WARNING")) == 1
    assert lines("WARNING")[0].startswith("no work is done for now, and none is lost: ")
    assert lines("INFO").count("work goes on") == 1
