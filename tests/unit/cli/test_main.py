"""Ctrl-C while a command is loaded: an exit code, and no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

INTERRUPTED_WHILE_LOADING = """
import sys

class Interrupt:
    def find_spec(self, name, *rest):
        if name.startswith("magicfs.cli.") and name != "magicfs.cli.main":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
from magicfs.cli.main import main
print("loaded", flush=True)
main()
"""


def test_ctrl_c_while_a_command_is_loaded_shows_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_LOADING], check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "loaded\n", "")


def test_ctrl_c_while_python_starts_waits_and_shows_nothing(tmp_path: Path) -> None:
    """As the script does that `infra/setup.sh` makes: the signal is blocked when the interpreter begins."""

    def press() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        os.kill(os.getpid(), signal.SIGINT)

    ended = subprocess.run(
        [sys.executable, "-m", "magicfs.cli", "status"],
        env=os.environ | {"MAGICFS_HOME": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=press,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
