"""Editors and other programs save results in `search/<query>/`, by themselves and by their system calls."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuse.editors import EDITORS, beside
from tests.fuse.indexed_root import IndexedRoot
from tests.plugins.programs import needs
from tests.plugins.waiting import eventually


@pytest.mark.parametrize("save", EDITORS, ids=lambda save: save.__name__)
def test_editors_save_results(
    entry: Path, original: Path, root: IndexedRoot, save: Callable[[Path, bytes], None]
) -> None:
    before = original.stat()
    save(entry, b"new roses and more")
    assert entry.read_bytes() == b"new roses and more"
    eventually(lambda: original.read_bytes() == b"new roses and more")
    after = original.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.getxattr(original, "user.note") == b"kept"
    assert os.listdir(root.path) == ["a.txt"], "nothing is left beside the file"
    for left in set(os.listdir(entry.parent)) - {entry.name}:
        beside(entry, left).unlink()
    original.write_bytes(b"old roses")
    save(entry, b"once more")
    eventually(lambda: original.read_bytes() == b"once more")


@needs("vim")
@pytest.mark.parametrize("backupcopy", ["yes", "no", "auto"])
def test_vim_itself_saves_results(entry: Path, original: Path, backupcopy: str) -> None:
    options = f"set backupcopy={backupcopy} backup backupskip="
    command = ["vim", "-es", "-u", "NONE", "-c", options, "-c", "%s/old/new/", "-c", "wq", entry.name]
    subprocess.run(command, cwd=entry.parent, check=True, timeout=180)
    assert entry.read_text() == "new roses\n"
    eventually(lambda: original.read_text() == "new roses\n")
    assert (entry.parent / (entry.name + "~")).read_text() == "old roses"


PATCH = "--- a\\n+++ b\\n@@ -1 +1 @@\\n-old roses\\n\\\\ No newline at end of file\\n+new roses\\n"
PROGRAMS = {
    # By the name of the program.
    "sed": ["sed", "-i", "s/old roses/new roses\\n/"],
    "sed with a backup": ["sed", "-i.bak", "s/old roses/new roses\\n/"],
    "perl": ["perl", "-i", "-pe", "s/old roses/new roses\\n/"],
    "perl with a backup": ["perl", "-i.orig", "-pe", "s/old roses/new roses\\n/"],
    "gio": ["gio", "save"],
    "gio with a backup": ["gio", "save", "--backup"],
    "ex": ["ex", "-s", "-u", "NONE", "-c", "%s/old/new/", "-c", "wq"],
    "cp": ["cp", "/dev/stdin"],
    "tee": ["tee"],
    "dd": ["sh", "-c", "dd of=$0 status=none"],
    "rsync": ["sh", "-c", "cat > new && rsync --checksum new $0 && rm new"],
    "rsync in place": ["sh", "-c", "cat > new && rsync --checksum --inplace new $0 && rm new"],
    "patch": ["sh", "-c", f"printf %b '{PATCH}' | patch $0"],
    "patch with a backup": ["sh", "-c", f"printf %b '{PATCH}' | patch -b $0"],
    "ed": ["sh", "-c", "printf '1s/old/new/\nw\nq\n' | ed -s $0"],
    "sh": ["sh", "-c", "mv $0 $0.old && tr o n < /dev/null > $0 && cat > $0"],
}


@pytest.mark.parametrize(
    "programs",
    [pytest.param(command, id=name, marks=needs(name.split()[0])) for name, command in PROGRAMS.items()],
)
def test_programs_themselves_save_results(entry: Path, original: Path, programs: list[str]) -> None:
    before = original.stat()
    subprocess.run([*programs, entry.name], cwd=entry.parent, check=True, timeout=180, input=b"new roses\n")
    eventually(lambda: original.read_text() == "new roses\n")
    assert entry.read_text() == "new roses\n"
    after = original.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.listdir(original.parent) == ["a.txt"]
