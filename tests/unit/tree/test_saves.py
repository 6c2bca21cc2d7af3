"""Saving scratch files, without a mount: what reaches the real file, and that nothing is lost where it cannot."""

from __future__ import annotations

import contextlib
import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from magicfs.domain.attributes import AttributeChange
from magicfs.tree.locations import FileLocation
from magicfs.tree.pending_saves import MAX_PREPARATIONS, PendingSave, ResultPlace
from magicfs.tree.saving import Replacement
from magicfs.tree.scratch.directories import ScratchDirectory
from magicfs.tree.scratch.files import ScratchFile
from magicfs.tree.scratch.handles import ScratchHandle
from magicfs.tree.scratch.scratch import Scratch
from magicfs.tree.steps import Steps
from tests.unit.tree.conftest import RESULT

MEGABYTE = 1 << 20


@pytest.fixture(params=["unnamed", "named"])
def new_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the file system has files without a name: elsewhere new files have one until they are saved."""
    if request.param == "named":
        monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY | os.O_CREAT)


@pytest.fixture
def saved(directory: ScratchDirectory, result: ResultPlace) -> tuple[ScratchFile, ScratchHandle]:
    """A file with the new content of a result, and a handle of it."""
    file, handle = directory.create_content(result, mode=0o644, flags=os.O_RDWR)
    handle.write(0, b"new")
    return file, handle


def prepare(directory: ScratchDirectory, file: ScratchFile) -> None:
    """What happens when a program closes a file that another one still has open."""
    Steps(None, directory.preparing(file)).finish()


def save(directory: ScratchDirectory, file: ScratchFile) -> None:
    Steps(None, directory.saving(file)).finish()


def refuse_for_want_of_space(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def assert_nothing_is_left(real: Path, scratch: Scratch) -> None:
    assert os.listdir(real.parent) == (["a.txt"] if real.exists() else [])
    assert os.listdir(scratch.records) == []


@pytest.mark.parametrize(
    ("change", "content"),
    [
        pytest.param(lambda file, handle: handle.write(3, b" and more"), b"new and more", id="written"),
        pytest.param(lambda file, handle: file.set_attributes(AttributeChange(size=1), None), b"n", id="cut"),
        pytest.param(lambda file, handle: file.set_attributes(AttributeChange(mtime_ns=1), None), b"new", id="dated"),
    ],
)
@pytest.mark.usefixtures("new_files")
def test_a_file_that_changes_after_its_save_was_prepared_is_saved_as_it_is(
    directory: ScratchDirectory,
    scratch: Scratch,
    saved: tuple[ScratchFile, ScratchHandle],
    real: Path,
    change: Callable[[ScratchFile, ScratchHandle], object],
    content: bytes,
) -> None:
    file, handle = saved
    prepare(directory, file)
    assert real.read_bytes() == b"old"
    change(file, handle)
    modified_at = file.attributes().mtime_ns
    save(directory, file)
    assert real.read_bytes() == content
    assert real.stat().st_mtime_ns == modified_at
    assert_nothing_is_left(real, scratch)


@pytest.mark.usefixtures("new_files")
def test_what_changes_the_real_file_after_a_save_was_prepared_is_kept(
    directory: ScratchDirectory, scratch: Scratch, saved: tuple[ScratchFile, ScratchHandle], real: Path
) -> None:
    file, _ = saved
    before = real.stat().st_ctime_ns
    prepare(directory, file)
    while real.stat().st_ctime_ns == before:
        real.chmod(0o600)
    save(directory, file)
    assert (real.read_bytes(), real.stat().st_mode & 0o777) == (b"new", 0o600)
    assert_nothing_is_left(real, scratch)


@pytest.mark.usefixtures("new_files")
def test_what_was_prepared_is_not_written_again(
    scratch: Scratch, saved: tuple[ScratchFile, ScratchHandle], result: ResultPlace, real: Path
) -> None:
    file, _ = saved
    pending = PendingSave(result, records=scratch.records)
    descriptors = os.listdir("/proc/self/fd")
    assert list(pending.preparing(file)) == [None], "one step for each megabyte"
    replacing = pending.replacing(file)
    with pytest.raises(StopIteration) as done:
        next(replacing)
    replacement = done.value.value
    replacement.commit()
    replacement.close()
    assert real.read_bytes() == b"new"
    assert_nothing_is_left(real, scratch)
    assert os.listdir("/proc/self/fd") == descriptors


def test_a_file_that_is_closed_very_often_is_not_always_prepared(
    scratch: Scratch, saved: tuple[ScratchFile, ScratchHandle], result: ResultPlace
) -> None:
    file, handle = saved
    pending = PendingSave(result, records=scratch.records)
    steps = []
    for number in range(MAX_PREPARATIONS + 2):
        handle.write(number, b"x")
        steps.append(len(list(pending.preparing(file))))
    assert steps == [1] * MAX_PREPARATIONS + [0, 0]
    pending.drop()


@pytest.mark.usefixtures("new_files")
@pytest.mark.parametrize("when", ["after it was prepared", "while it is prepared"])
def test_a_save_that_is_not_to_come_any_more_leaves_nothing(
    scratch: Scratch, saved: tuple[ScratchFile, ScratchHandle], result: ResultPlace, real: Path, when: str
) -> None:
    file, _ = saved
    pending = PendingSave(result, records=scratch.records)
    preparing = pending.preparing(file)
    if when == "while it is prepared":
        next(preparing)
        pending.drop()
    for _ in preparing:
        pass
    if when == "after it was prepared":
        pending.drop()
    assert real.read_bytes() == b"old"
    assert_nothing_is_left(real, scratch)


@pytest.mark.usefixtures("new_files")
def test_a_save_that_fails_leaves_nothing_and_loses_nothing(
    directory: ScratchDirectory,
    scratch: Scratch,
    saved: tuple[ScratchFile, ScratchHandle],
    real: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, _ = saved
    with monkeypatch.context() as patched, pytest.raises(OSError, match="space"):
        patched.setattr(os, "fsync", refuse_for_want_of_space)
        save(directory, file)
    assert (real.read_bytes(), file.path.read_bytes()) == (b"old", b"new")
    assert_nothing_is_left(real, scratch)
    save(directory, file)
    assert real.read_bytes() == b"new"


def test_a_file_for_one_result_that_is_renamed_to_another_is_saved_there(
    directory: ScratchDirectory, saved: tuple[ScratchFile, ScratchHandle], real: Path
) -> None:
    other = real.with_name("b.txt")
    other.write_bytes(b"other")
    place = ResultPlace(b"02_0.80_b.txt", FileLocation(host="here", root=os.fsencode(real.parent), path=b"b.txt"))
    Steps(None, directory.saving_as(RESULT, place)).finish()
    assert (real.read_bytes(), other.read_bytes()) == (b"old", b"new")


def test_content_that_was_renamed_away_does_not_replace_what_was_saved_since(
    directory: ScratchDirectory,
    scratch: Scratch,
    saved: tuple[ScratchFile, ScratchHandle],
    result: ResultPlace,
    real: Path,
) -> None:
    file, handle = saved
    directory.rename(RESULT, b"elsewhere")
    directory.create(b"temporary", mode=0o644, flags=os.O_RDWR)[1].write(0, b"later")
    Steps(None, directory.saving_as(b"temporary", result)).finish()
    handle.close()
    scratch.wait()
    assert (real.read_bytes(), file.path.read_bytes()) == (b"later", b"new")


def test_a_file_that_was_saved_while_a_program_opened_it_is_opened_anew(
    directory: ScratchDirectory, saved: tuple[ScratchFile, ScratchHandle], real: Path
) -> None:
    """What the program writes would be lost with the scratch file."""
    file, _ = saved
    descriptor = os.open(file.path, os.O_RDWR)
    save(directory, file)
    with pytest.raises(OSError) as error:
        file.add_handle(descriptor, os.O_RDWR)
    os.close(descriptor)
    assert error.value.errno == errno.ESTALE
    assert real.read_bytes() == b"new"


def test_a_result_is_shown_again_when_its_new_content_cannot_be_saved(
    directory: ScratchDirectory, scratch: Scratch, result: ResultPlace, real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with real.open("rb") as source:
        Steps(None, directory.copying(result, source.fileno(), b"backup")).finish()
    _, handle = directory.create_content(result, mode=0o644, flags=os.O_RDWR)
    handle.write(0, b"new")
    monkeypatch.setattr(os, "fsync", refuse_for_want_of_space)
    handle.close()
    scratch.wait()
    assert real.read_bytes() == b"old"
    assert directory.find(RESULT) is None
    assert not directory.has_moved(RESULT)
    assert [entry.name for entry in directory.entries()] == [RESULT + b".unsaved", b"backup"]


def test_an_empty_file_to_which_nobody_writes_is_saved_at_once(
    directory: ScratchDirectory, result: ResultPlace, real: Path
) -> None:
    directory.create(b"temporary", mode=0o644, flags=os.O_RDWR)[1].close()
    Steps(None, directory.saving_as(b"temporary", result)).finish()
    assert real.read_bytes() == b""
    assert directory.find(RESULT) is None


def test_a_file_is_saved_whole_where_the_disk_takes_a_part_at_a_time(
    real: Path, result: ResultPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that is interrupted, or meets the end of the free space, writes less than it was given."""
    content = os.urandom(MEGABYTE + 5000)
    (tmp_path / "source").write_bytes(content)
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, offset: write(descriptor, data[:300_000], offset))
    replacement = Replacement(result.location, records=tmp_path)
    with (tmp_path / "source").open("rb") as source:
        Steps(None, replacement.prepare(source.fileno())).finish()
    replacement.commit()
    replacement.close()
    assert real.read_bytes() == content


@pytest.mark.usefixtures("new_files")
@pytest.mark.parametrize("takes_the_place", ["a link", "nothing"])
def test_no_file_is_replaced_that_has_gone_since_the_save_began(
    real: Path, result: ResultPlace, scratch: Scratch, tmp_path: Path, takes_the_place: str
) -> None:
    (tmp_path / "source").write_bytes(b"new")
    (tmp_path / "outside").write_bytes(b"outside")
    replacement = Replacement(result.location, records=scratch.records)
    with (tmp_path / "source").open("rb") as source:
        Steps(None, replacement.prepare(source.fileno())).finish()
    real.unlink()
    if takes_the_place == "a link":
        real.symlink_to(tmp_path / "outside")
    with pytest.raises(OSError) as error:
        replacement.commit()
    replacement.close()
    assert error.value.errno == (errno.ELOOP if takes_the_place == "a link" else errno.ENOENT)
    assert real.is_symlink() is (takes_the_place == "a link")
    assert (tmp_path / "outside").read_bytes() == b"outside"
    assert_nothing_is_left(real, scratch)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may set these bits for others, and capabilities")
@pytest.mark.usefixtures("new_files")
def test_a_program_that_is_saved_by_root_keeps_what_a_write_of_root_keeps(
    directory: ScratchDirectory, saved: tuple[ScratchFile, ScratchHandle], real: Path
) -> None:
    real.chmod(0o4755)
    with contextlib.suppress(OSError):
        os.setxattr(real, "security.capability", struct.pack("<5I", 0x02000001, 0x400, 0, 0, 0))
    save(directory, saved[0])
    assert real.stat().st_mode & 0o7777 == 0o4755
    assert "security.capability" not in os.listxattr(real)


@pytest.mark.usefixtures("new_files")
def test_a_saved_file_gets_no_access_list_of_new_files(
    directory: ScratchDirectory, saved: tuple[ScratchFile, ScratchHandle], real: Path
) -> None:
    """Others could read it then, to whom its directory gives what is made there."""
    entries = [(1, 6, 2**32 - 1), (2, 4, 4321), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, 2**32 - 1)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    with contextlib.suppress(OSError):
        os.setxattr(real.parent, "system.posix_acl_default", acl)
    before = os.listxattr(real), real.stat().st_mode
    save(directory, saved[0])
    assert (os.listxattr(real), real.stat().st_mode) == before


def test_each_content_that_cannot_be_saved_is_kept(
    directory: ScratchDirectory, scratch: Scratch, result: ResultPlace, real: Path
) -> None:
    real.unlink()
    for content in (b"first", b"second"):
        _, handle = directory.create_content(result, mode=0o644, flags=os.O_RDWR)
        handle.write(0, content)
        handle.close()
        scratch.wait()
        assert directory.find(RESULT) is None
    kept = [entry.node for entry in directory.entries()]
    assert sorted(node.path.read_bytes() for node in kept if isinstance(node, ScratchFile)) == [b"first", b"second"]


def test_a_copy_that_is_given_up_takes_no_space(
    directory: ScratchDirectory, scratch: Scratch, result: ResultPlace, real: Path
) -> None:
    real.write_bytes(b"x" * 60)
    for _ in range(4):
        with real.open("rb") as source:
            copying = directory.copying(result, source.fileno(), b"backup")
            next(copying)
            copying.close()
    assert os.listdir(scratch.drafts) == []
    assert not directory.has_moved(RESULT)
    directory.create(b"a", mode=0o644, flags=os.O_RDWR)[1].write(0, b"x" * 100)


def test_a_copy_has_the_mode_and_the_times_of_its_result(
    directory: ScratchDirectory, result: ResultPlace, real: Path
) -> None:
    os.utime(real, ns=(1_000_000_007, 2_000_000_009))
    with real.open("rb") as source:
        Steps(None, directory.copying(result, source.fileno(), b"backup")).finish()
    backup = directory.find(b"backup")
    assert isinstance(backup, ScratchFile)
    attributes = backup.attributes()
    assert (attributes.mode & 0o777, attributes.mtime_ns) == (0o640, 2_000_000_009)
