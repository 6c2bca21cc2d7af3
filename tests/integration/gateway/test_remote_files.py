"""Files of another host, over real TLS: as they are there, and nothing but files below its roots."""

from __future__ import annotations

import errno
import os
import random
import socket
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from magicfs.gateway import connection_pool, files_service
from magicfs.gateway.file_protocol import (
    MAX_PATH_BYTES,
)
from magicfs.gateway.remote_files import PeerFiles
from magicfs.runtime.processes import wait_until
from tests.integration.gateway.hosts import Host, Mount, refused
from tests.plugins.waiting import eventually


def calls_of(files: PeerFiles) -> list[Callable[[str, bytes, bytes], object]]:
    """What is asked about a path: each takes a host, a root and a path."""
    return [files.status, files.list, files.target, files.open]


def test_a_file_is_read_byte_for_byte(host: Host, mount: Mount) -> None:
    content = random.Random(1).randbytes(5_000_003)
    (host.root / "deep").mkdir()
    (host.root / "deep/big.bin").write_bytes(content)
    file = mount.files.open("hub", mount.root, b"deep/big.bin")
    step = 1 << 20
    assert b"".join(file.read(offset, step) for offset in range(0, len(content), step)) == content
    assert file.read(len(content), 10) == b""
    assert file.read(4_999_999, 100) == content[4_999_999:]
    assert file.status.attributes.size == len(content)
    file.close()
    file.close()


def test_several_threads_read_one_file(host: Host, mount: Mount) -> None:
    content = random.Random(2).randbytes(3_000_000)
    (host.root / "big.bin").write_bytes(content)
    file = mount.files.open("hub", mount.root, b"big.bin")

    def piece(number: int) -> bool:
        offset = number * 7_919 % 2_900_000
        return file.read(offset, 50_000) == content[offset : offset + 50_000]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(piece, range(400)))
    assert 1 <= len(mount.connections()) <= connection_pool.MAX_CONNECTIONS
    file.close()


def test_a_status_is_that_of_lstat(host: Host, mount: Mount) -> None:
    (host.root / "file").write_text("twelve bytes")
    (host.root / "file").chmod(0o640)
    os.utime(host.root / "file", ns=(1, 2_000_000_003))
    (host.root / "link").symlink_to("/etc/passwd")
    os.mkfifo(host.root / "pipe")
    for name in ("file", "link", "pipe", ""):
        real, seen = os.lstat(host.root / name), mount.files.status("hub", mount.root, os.fsencode(name))
        shown = seen.attributes
        assert (shown.mode, shown.size, shown.uid, shown.gid) == (real.st_mode, real.st_size, real.st_uid, real.st_gid)
        assert (shown.mtime_ns, shown.ctime_ns) == (real.st_mtime_ns, real.st_ctime_ns)
        assert (seen.device, seen.number) == (real.st_dev, real.st_ino)
        assert seen.seen_ns <= time.time_ns()
    assert refused(lambda: mount.files.status("hub", mount.root, b"missing")) == errno.ENOENT
    assert refused(lambda: mount.files.status("hub", mount.root, b"file/below")) == errno.ENOTDIR


def test_a_directory_of_several_parts_is_listed(host: Host, mount: Mount) -> None:
    names = [f"file {number} \udcff".encode("utf-8", "surrogateescape") for number in range(2_345)]
    for name in names:
        (host.root / os.fsdecode(name)).touch()
    found = mount.files.list("hub", mount.root, b"")
    assert sorted(name for name, _ in found) == sorted(names)
    assert all(stat.S_ISREG(status.attributes.mode) for _, status in found)
    (host.root / "empty").mkdir()
    assert mount.files.list("hub", mount.root, b"empty") == []
    assert refused(lambda: mount.files.list("hub", mount.root, names[0])) == errno.ENOTDIR


def test_no_link_is_followed(host: Host, mount: Mount, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_text("secret")
    (host.root / "way").symlink_to(tmp_path / "secret")
    (host.root / "key").symlink_to(tmp_path / "secret/key")
    assert mount.files.target("hub", mount.root, b"key") == os.fsencode(tmp_path / "secret/key")
    for path in (b"key", b"way", b"way/key"):
        assert refused(mount.files.open, "hub", mount.root, path) in (
            errno.ELOOP,
            errno.ENOTDIR,
            errno.EINVAL,
        )
    assert refused(lambda: mount.files.list("hub", mount.root, b"way")) in (errno.ELOOP, errno.ENOTDIR)
    assert refused(lambda: mount.files.status("hub", mount.root, b"way/key")) in (errno.ELOOP, errno.ENOTDIR)
    (host.root / "file").touch()
    assert refused(lambda: mount.files.target("hub", mount.root, b"file")) == errno.EINVAL


def test_nothing_outside_of_a_root_is_reached(host: Host, mount: Mount, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (host.root / "file").touch()
    (host.root / "deep").mkdir()
    outside = (
        b"../secret",
        b"deep/../../secret",
        b"/etc/passwd",
        b"..",
        b".",
        b"deep/..",
        b"deep//x",
        b"file\0x",
        b"./file",
    )
    for path in outside:
        for call in calls_of(mount.files):
            assert refused(call, "hub", mount.root, path) == errno.EINVAL
    for root in (b"/", b"/etc", os.fsencode(tmp_path), mount.root + b"/deep", mount.root + b"/", b""):
        for call in calls_of(mount.files):
            assert refused(call, "hub", root, b"") == errno.ENOENT
    long = b"a/" * MAX_PATH_BYTES + b"a"
    assert refused(mount.files.open, "hub", mount.root, long) == errno.ENAMETOOLONG


def test_only_regular_files_are_opened_and_a_pipe_does_not_block(host: Host, mount: Mount) -> None:
    os.mkfifo(host.root / "pipe")
    (host.root / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(host.root / "socket"))
        names = [b"pipe", b"folder", b"socket", b""]
        if os.geteuid() == 0:
            os.mknod(host.root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
            names.append(b"null")
        for name in names:
            assert refused(mount.files.open, "hub", mount.root, name) == errno.EINVAL


def test_a_root_that_is_served_no_more_is_no_root(host: Host, mount: Mount) -> None:
    (host.root / "file").write_text("text")
    file = mount.files.open("hub", mount.root, b"file")
    assert file.read(0, 10) == b"text"
    host.in_loop(lambda: host.files.set_roots([]))
    assert refused(lambda: file.read(0, 10)) == errno.ENOENT
    assert refused(lambda: mount.files.status("hub", mount.root, b"file")) == errno.ENOENT


def test_an_open_file_stays_the_one_that_was_opened(host: Host, mount: Mount) -> None:
    (host.root / "file").write_text("the first")
    file = mount.files.open("hub", mount.root, b"file")
    (host.root / "new").write_text("another one")
    (host.root / "new").replace(host.root / "file")
    assert file.read(0, 100) == b"the first"
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: file.read(0, 100), range(50))) == {b"the first"}
    for connection in list(mount.connections()):
        connection._connection.close()
    assert refused(lambda: [file.read(0, 100) for _ in range(10)]) in (errno.ESTALE, errno.EHOSTUNREACH)


def test_an_open_file_survives_a_restart_of_the_host(tmp_path: Path, host: Host) -> None:
    (host.root / "file").write_text("still here")
    mount = Mount(tmp_path, host)
    with host.serving():
        file = mount.files.open("hub", mount.root, b"file")
        assert file.read(0, 100) == b"still here"
    assert refused(lambda: file.read(0, 100)) == errno.EHOSTUNREACH
    assert refused(lambda: mount.files.status("hub", mount.root, b"file")) == errno.EHOSTUNREACH
    time.sleep(0.3)
    with host.serving():
        assert file.read(0, 100) == b"still here"
        file.close()
        mount.files.set_hosts([])


def test_an_open_file_is_read_on_when_its_host_serves_again(host: Host, mount: Mount) -> None:
    (host.root / "file").write_text("still here")
    file = mount.files.open("hub", mount.root, b"file")
    mount.files.set_hosts([])
    assert refused(lambda: file.read(0, 100)) == errno.EHOSTUNREACH
    mount.files.set_hosts([host.certificate()])
    assert file.read(0, 100) == b"still here"
    (host.root / "other").write_text("another file")
    (host.root / "other").replace(host.root / "file")
    assert file.read(0, 100) == b"still here"
    mount.files.set_hosts([])
    mount.files.set_hosts([host.certificate()])
    assert refused(lambda: file.read(0, 100)) == errno.ESTALE
    file.close()
    # The host notices that the connections of before have ended.
    wait_until(lambda: open_files(host.root / "file") == 0, seconds=60, failed="the host keeps the file open")


def test_an_identity_that_cannot_be_used_is_an_unreachable_host(host: Host, mount: Mount) -> None:
    mount.identity.key_path.write_text("no key")
    assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.EHOSTUNREACH


def test_closed_files_are_closed_on_the_host_too(host: Host, mount: Mount) -> None:
    (host.root / "file").write_text("text")
    for _ in range(3):
        files = [mount.files.open("hub", mount.root, b"file") for _ in range(20)]
        for file in files:
            file.close()
    # The host closes them when it comes to it.
    eventually(lambda: open_files(host.root / "file") == 0, "no file is open")
    file = mount.files.open("hub", mount.root, b"file")
    assert open_files(host.root / "file") == 1
    mount.files.set_hosts([])
    eventually(lambda: open_files(host.root / "file") == 0, "a connection that ends has closed its files")
    file.close()


def open_files(path: Path) -> int:
    """How often a file is open in this process."""
    count = 0
    for entry in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{entry}") == str(path)
        except FileNotFoundError:
            continue
    return count


def test_a_host_has_so_many_files_open_and_no_more(host: Host, mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_service, "MAX_OPEN_FILES", 3)
    (host.root / "file").touch()
    files = [mount.files.open("hub", mount.root, b"file") for _ in range(3)]
    assert refused(lambda: mount.files.open("hub", mount.root, b"file")) == errno.EMFILE
    files[0].close()
    mount.files.open("hub", mount.root, b"file").close()
