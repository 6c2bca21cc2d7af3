"""`magicfs up` gives the mount every setting that its process reads."""

from __future__ import annotations

import os
from pathlib import Path

from magicfs.cli import wiring
from magicfs.cli.part_settings import MOUNT_SETTINGS
from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.fuse.mountpoint import mounted_at
from tests.fuse.mount_main import HOST
from tests.plugins.forks import FORKS
from tests.plugins.waiting import eventually


class RecordedSettings(Settings):
    """Settings that remember which of them were read."""

    def __getattribute__(self, name: str) -> object:
        if name in Settings.table():
            self.__dict__.setdefault("_read", set()).add(name)
        return super().__getattribute__(name)


def serve(home: Path, database_url: str, path: Path, record: Path) -> None:
    """Serve a mount until a signal, then write the names of the settings that it has read."""
    settings = RecordedSettings(home=home, host=HOST, database_url=database_url)
    settings.make_home()
    settings.__dict__["_read"].clear()
    wiring.run_mount(settings, path)
    record.write_text("\n".join(settings.__dict__["_read"]))


def test_up_gives_the_mount_all_settings_that_it_reads(
    database: Database, database_url: str, short_path: Path, tmp_path: Path
) -> None:
    mount, record = tmp_path / "mount", tmp_path / "read"
    mount.mkdir()
    process = FORKS.Process(target=serve, args=(short_path / "home", database_url, mount, record), daemon=True)
    process.start()
    try:
        eventually(lambda: mounted_at(mount) is not None, "the mount")
        assert "search" in os.listdir(mount)
    finally:
        process.terminate()
        process.join()
    read = set(record.read_text().split())
    assert "allow_other" in read
    assert read - {"home"} <= MOUNT_SETTINGS
