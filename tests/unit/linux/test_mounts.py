"""The table of mounts, and the file systems that others change."""

import os

import pytest

from magicfs.linux import mounts
from magicfs.linux.files import mount_of_descriptor
from magicfs.linux.mounts import MountEntry, device_of_path, is_shared_file_system, parse_mount, read_mounts


def test_the_mount_of_a_descriptor_is_in_the_table_of_mounts() -> None:
    descriptor = os.open("/proc", os.O_PATH)
    try:
        mount_id, device = mount_of_descriptor(descriptor)
    finally:
        os.close(descriptor)
    [mount] = [mount for mount in read_mounts() if mount.mount_id == mount_id]
    assert mount == MountEntry(mount_id, f"{os.major(device)}:{os.minor(device)}", b"/proc", "proc")


class TestMountTable:
    """Lines as proc(5) describes them."""

    def test_a_line_is_a_mount(self) -> None:
        mount = parse_mount(b"36 35 98:0 /mnt1 /mnt2 rw,noatime - ext3 /dev/root rw,errors=continue\n")
        assert mount == MountEntry(mount_id=36, device="98:0", mount_point=b"/mnt2", file_system="ext3")
        assert not mount.is_magicfs

    @pytest.mark.parametrize("optional", [b"", b"shared:5 ", b"shared:5 master:1 propagate_from:2 ", b"unbindable "])
    def test_any_number_of_optional_fields_may_precede_the_dash(self, optional: bytes) -> None:
        mount = parse_mount(b"7 1 0:42 / /home/me/mnt rw %s- fuse.magicfs magicfs rw,user_id=0\n" % optional)
        assert mount == MountEntry(mount_id=7, device="0:42", mount_point=b"/home/me/mnt", file_system="fuse.magicfs")
        assert mount.is_magicfs

    @pytest.mark.parametrize(
        ("written", "path"),
        [
            (rb"/a\040b", b"/a b"),
            (rb"/a\011b\012c", b"/a\tb\nc"),
            (rb"/a\134040b", rb"/a\040b"),
            (rb"/a\043b", b"/a#b"),
            (b"/caf\xe9", b"/caf\xe9"),
            (b"/a-b", b"/a-b"),
        ],
    )
    def test_escapes_in_a_mount_point_are_decoded(self, written: bytes, path: bytes) -> None:
        assert parse_mount(b"7 1 0:42 / %s rw - tmpfs tmpfs rw\n" % written).mount_point == path

    def test_the_table_of_this_process_has_its_root(self) -> None:
        assert b"/" in {mount.mount_point for mount in read_mounts()}


def test_the_device_of_a_path_is_that_of_its_mount() -> None:
    def device(path: str) -> str:
        status = os.stat(path)
        return f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"

    assert device_of_path(b"/proc/self/no/such/file") == device_of_path(b"/proc") == device("/proc")
    assert device_of_path(b"/proceed") == device_of_path(b"/no such directory") == device_of_path(b"/")


@pytest.mark.parametrize(
    ("file_system", "is_shared"),
    [
        ("nfs4", True),
        ("cifs", True),
        ("fuse.sshfs", True),
        ("fuse", True),
        ("ext4", False),
        ("fuseblk", False),
        ("overlay", False),
    ],
)
def test_file_systems_that_others_change_are_known(
    monkeypatch: pytest.MonkeyPatch, file_system: str, is_shared: bool
) -> None:
    table = [MountEntry(1, "0:1", b"/", "ext4"), MountEntry(2, "0:2", b"/mnt", file_system)]
    monkeypatch.setattr(mounts, "read_mounts", lambda: table)
    mounts.devices_by_mount_point.cache_clear()
    assert is_shared_file_system(b"/mnt/no such directory") == is_shared
    assert not is_shared_file_system(b"/home")
    mounts.devices_by_mount_point.cache_clear()
