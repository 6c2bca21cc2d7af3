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
from magicfs.fuse import mount, mountpoint
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


@pytest.mark.parametrize("kind", ["directory", "file", "another device"])
def test_what_has_the_name_of_the_device_and_is_none_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    device = Path("/dev/null") if kind == "another device" else tmp_path / "fuse"
    if kind == "directory":
        device.mkdir()
    elif kind == "file":
        device.touch()
    monkeypatch.setattr(mountpoint, "FUSE_DEVICE", device)
    with pytest.raises(MountError, match="/dev/fuse is not the device of FUSE: start the container"):
        mountpoint.require_fuse()


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
        "import os, pathlib; from magicfs.fuse import mountpoint; mountpoint.FUSE_DEVICE = pathlib.Path('/dev/null'); "
        f"mountpoint.FUSE_DEVICE_NUMBER = os.stat('/dev/null').st_rdev; {ASK}"
    )
    done = subprocess.run([*user, sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("another user cannot read the program")
    assert "MountError: fusermount3 can gain no rights here" in done.stderr
