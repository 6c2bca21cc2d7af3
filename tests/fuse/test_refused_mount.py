"""A mount that the system refuses says why: the library's own words, or which right is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pyfuse3
import pytest

from magicfs.errors import MountError
from magicfs.fuse import mount
from magicfs.fuse.operations import TreeOperations
from magicfs.linux.process import CAP_SYS_ADMIN, capabilities
from tests.plugins.fuse import needs_fuse

ASK = "from magicfs.fuse.mountpoint import require_fuse; require_fuse()"


def test_the_words_of_the_library_are_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any) -> None:
        os.write(2, b"fuse: first\nfusermount3: mount failed: Operation not permitted\n")
        raise RuntimeError("fuse_session_mount failed")

    monkeypatch.setattr(pyfuse3, "init", refuse)
    with (
        pytest.raises(MountError, match=r"\(fusermount3: mount failed: Operation not permitted\)"),
        mount.mounted(cast("TreeOperations", None), tmp_path),  # none is asked for
    ):
        pass
    assert "fuse: first" in capfd.readouterr().err


@needs_fuse
@pytest.mark.skipif(not capabilities() & CAP_SYS_ADMIN, reason="takes what this user has not")
def test_root_without_the_right_to_mount_is_told_what_is_missing() -> None:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "MountError: root may not mount here: start the container with" in done.stderr


@needs_fuse
@pytest.mark.skipif(not capabilities() & CAP_SYS_ADMIN or not shutil.which("unshare"), reason="takes root")
def test_a_user_whose_programs_gain_no_rights_is_told_so() -> None:
    user = ["setpriv", "--reuid=65534", "--clear-groups", "--no-new-privs"]
    # The device of this machine may be root's alone: who may open it is another matter.
    ask = (
        f"from magicfs.fuse import mountpoint; mountpoint.FUSE_DEVICE = __import__('pathlib').Path('/dev/null'); {ASK}"
    )
    done = subprocess.run([*user, sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("another user cannot read the program")
    assert "MountError: fusermount3 can gain no rights here" in done.stderr
