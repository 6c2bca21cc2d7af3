"""A machine without `/dev/shm`, as a bare root directory is: no worker starts there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from magicfs.linux.process import CAP_SYS_ADMIN, capabilities

HIDDEN = 'mount -t tmpfs -o ro none /dev/shm && exec "$@"'
ASK = """
import sys
from pathlib import Path
from magicfs.cli.checks import run_checks
from magicfs.config import Settings
results = run_checks(Settings(home=Path(sys.argv[1])))
print(next(f"{result.ok} {result.text}" for result in results if result.name == "shm"))
"""


@pytest.mark.skipif(not capabilities() & CAP_SYS_ADMIN or not shutil.which("unshare"), reason="takes root")
@pytest.mark.parametrize(
    ("before", "said"),
    [
        ([], "True semaphores can be made in /dev/shm"),
        (["unshare", "--mount", "sh", "-c", HIDDEN, "sh"], "False no worker starts here, because no semaphore"),
    ],
    ids=["with", "without"],
)
def test_the_doctor_names_what_workers_lack(short_path: Path, before: list[str], said: str) -> None:
    done = subprocess.run(
        [*before, sys.executable, "-c", ASK, str(short_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(said)
