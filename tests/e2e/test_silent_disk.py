"""Commands that are given a path on a disk that hangs say that they wait for it, and Ctrl-C ends them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from magicfs.cli.main import INTERRUPTED
from tests.plugins.commands import Commands
from tests.plugins.fuse import hanging_disk, needs_fuse
from tests.plugins.waiting import eventually

pytestmark = needs_fuse


def test_commands_say_that_they_wait_for_a_disk(commands: Commands, tmp_path: Path) -> None:
    with hanging_disk(tmp_path / "share") as share:
        share.send_signal(signal.SIGSTOP)
        path = tmp_path / "share/notes.txt"
        given: dict[str, list[str | Path]] = {"doctor": [path], "similar": [path], "grep": ["words", path]}
        waiting = {name: commands.start(name, *arguments) for name, arguments in given.items()}
        said = dict.fromkeys(waiting, "")

        def all_have_said_it() -> bool:
            for name, process in waiting.items():
                assert process.poll() is None, f"{name} has ended"
                assert process.stderr is not None
                with suppress(BlockingIOError):
                    said[name] += os.read(process.stderr.fileno(), 1000).decode()
            return all(text.endswith("\n") for text in said.values())

        for process in waiting.values():
            assert process.stderr is not None
            os.set_blocking(process.stderr.fileno(), False)
        try:
            eventually(all_have_said_it, "what each command waits for")
        finally:
            for process in waiting.values():
                process.send_signal(signal.SIGINT)
            for process in waiting.values():
                process.communicate(timeout=60)
        assert [process.returncode for process in waiting.values()] == [INTERRUPTED] * 3
        for name, text in said.items():
            assert text.startswith(f"magicfs: the disk of {path} does not answer"), name
            assert text.count("\n") == 1, name
