"""Files of another host, over real TLS: as they are there, and nothing but files below its roots."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from magicfs.domain.attributes import Attributes
from magicfs.domain.deadline import Deadline
from magicfs.domain.host_certificates import HostCertificate
from magicfs.gateway import files_service, peer_connection, peers, remote_files, serve
from magicfs.gateway.file_protocol import (
    FILES_SERVICE,
    MAX_PATH_BYTES,
    REQUEST,
    Kind,
    Operation,
    encoded_status,
    frame,
)
from magicfs.gateway.files_service import FilesService
from magicfs.gateway.identity import Identity, host_identity
from magicfs.gateway.peers import PeerAddress
from magicfs.gateway.remote_files import PeerFiles
from magicfs.gateway.serve import Server, Service
from magicfs.runtime.processes import wait_until
from magicfs.tree.remote_files import RemoteStatus


class Host:
    """A host that serves its files, in a thread."""

    def __init__(self, folder: Path, identity: Identity | None = None) -> None:
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        home = folder / "hub"
        home.mkdir()
        self.identity = identity or host_identity(home)
        self.known: list[HostCertificate] = []
        self.files = FilesService()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.address = PeerAddress("127.0.0.1", probe.getsockname()[1])

    @contextmanager
    def serving(self) -> Iterator[None]:
        ready = threading.Event()

        async def main() -> None:
            self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
            self.files.set_roots([os.fsencode(self.root)])
            server = Server(self.identity, {FILES_SERVICE: Service(self.files.handle)}, load=lambda: self.known)
            await server.run(self.address, self.stop, ready=ready.set)

        thread = threading.Thread(target=lambda: asyncio.run(main()))
        thread.start()
        try:
            assert ready.wait(30)
            yield
        finally:
            self.loop.call_soon_threadsafe(self.stop.set)
            thread.join()

    def in_loop(self, work: Callable[[], None]) -> None:
        """Call something in the thread of the server."""
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (work(), done.set()))
        assert done.wait(30)

    def certificate(self, address: PeerAddress | None = None) -> HostCertificate:
        own = self.identity
        return HostCertificate("hub", own.fingerprint, own.certificate, str(address or self.address), admitted=True)


class Mount:
    """The client of a host that is admitted."""

    def __init__(self, folder: Path, host: Host) -> None:
        home = folder / "laptop"
        home.mkdir()
        self.identity = host_identity(home)
        self.files = PeerFiles(lambda: self.identity, host="laptop")
        self.root = os.fsencode(host.root)
        own = self.identity
        host.known = [HostCertificate("laptop", own.fingerprint, own.certificate, None, admitted=True)]
        self.files.set_hosts([host.certificate(), *host.known])

    def connections(self) -> set[peer_connection.PeerConnection]:
        return self.files._peers["hub"]._all


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(serve, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(remote_files, "UNREACHABLE_SECONDS", 0.2)
    return Host(tmp_path)


@pytest.fixture
def mount(tmp_path: Path, host: Host) -> Iterator[Mount]:
    known = Mount(tmp_path, host)
    with host.serving():
        yield known
        known.files.set_hosts([])


def refused(call: Callable[[], object]) -> int | None:
    with pytest.raises(OSError) as caught:
        call()
    return caught.value.errno


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
    assert 1 <= len(mount.connections()) <= remote_files.MAX_CONNECTIONS
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
        assert refused(lambda path=path: mount.files.open("hub", mount.root, path)) in (
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
        for call in (mount.files.status, mount.files.list, mount.files.target, mount.files.open):
            assert refused(lambda call=call, path=path: call("hub", mount.root, path)) == errno.EINVAL
    for root in (b"/", b"/etc", os.fsencode(tmp_path), mount.root + b"/deep", mount.root + b"/", b""):
        for call in (mount.files.status, mount.files.list, mount.files.target, mount.files.open):
            assert refused(lambda call=call, root=root: call("hub", root, b"")) == errno.ENOENT
    long = b"a/" * MAX_PATH_BYTES + b"a"
    assert refused(lambda: mount.files.open("hub", mount.root, long)) == errno.ENAMETOOLONG


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
            assert refused(lambda name=name: mount.files.open("hub", mount.root, name)) == errno.EINVAL


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
    mount.files.status("hub", mount.root, b"file")
    assert open_files(host.root / "file") == 0
    file = mount.files.open("hub", mount.root, b"file")
    assert open_files(host.root / "file") == 1
    mount.files.set_hosts([])
    deadline = Deadline(20)
    while open_files(host.root / "file"):
        assert not deadline.is_over(), "a connection that ends closes its files"
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


def test_one_that_is_not_admitted_does_not_reach_the_host(host: Host, mount: Mount) -> None:
    (host.root / "file").touch()
    mount.files.status("hub", mount.root, b"file")
    host.known = []
    deadline = Deadline(20)
    with pytest.raises(OSError, match="hub is not reached"):
        while not deadline.is_over():
            mount.files.status("hub", mount.root, b"file")
    assert refused(lambda: mount.files.open("hub", mount.root, b"file")) == errno.EHOSTUNREACH


def test_a_host_that_does_not_serve_is_not_asked(host: Host, mount: Mount) -> None:
    assert set(mount.files.hosts()) == {"hub"}
    assert refused(lambda: mount.files.status("other", mount.root, b"")) == errno.EHOSTUNREACH
    assert refused(lambda: mount.files.status("laptop", mount.root, b"")) == errno.EHOSTUNREACH
    mount.files.set_hosts([])
    assert not mount.files.hosts()
    assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.EHOSTUNREACH


def test_a_host_that_does_not_speak_is_unreachable_and_then_fails_at_once(
    host: Host, mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_files, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(remote_files, "UNREACHABLE_SECONDS", 60)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mount.files.set_hosts([host.certificate(PeerAddress("127.0.0.1", silent.getsockname()[1]))])
        begin = time.monotonic()
        assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.EHOSTUNREACH
        assert 0.4 < time.monotonic() - begin < 5
        begin = time.monotonic()
        assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.EHOSTUNREACH
        assert time.monotonic() - begin < 0.2


def test_a_disk_that_hangs_costs_its_root_alone(
    host: Host, mount: Mount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    host.in_loop(lambda: host.files.set_roots([mount.root, os.fsencode(other)]))
    hung, real = threading.Event(), files_service._status

    def status(request: files_service.Request) -> bytes:
        if request.root == mount.root:
            hung.wait(60)
        return real(request)

    monkeypatch.setattr(files_service, "_status", status)
    monkeypatch.setattr(files_service, "ANSWER_SECONDS", 0.5)
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(refused, lambda: mount.files.status("hub", mount.root, b"")) for _ in range(16)]
        assert {call.result(60) for call in calls} == {errno.ETIMEDOUT}
    assert stat.S_ISDIR(mount.files.status("hub", os.fsencode(other), b"").attributes.mode)
    hung.set()


def test_a_host_that_answers_late_is_timed_out(host: Host, mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    mount.files.status("hub", mount.root, b"")
    hung, real = threading.Event(), files_service._status
    monkeypatch.setattr(files_service, "_status", lambda request: hung.wait(60) and real(request))
    monkeypatch.setattr(remote_files, "WAIT_SECONDS", 0.5)
    monkeypatch.setattr(remote_files, "UNREACHABLE_SECONDS", 60)
    assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.ETIMEDOUT
    monkeypatch.setattr(remote_files, "WAIT_SECONDS", 60)
    assert refused(lambda: mount.files.status("hub", mount.root, b"")) == errno.EHOSTUNREACH, "at once"
    mount.files._peers["hub"]._unreachable_until = 0
    hung.set()
    mount.files.status("hub", mount.root, b"")


@pytest.mark.parametrize(
    "sent",
    [
        REQUEST.pack(99, 0, 0, 0, 0, 0),
        REQUEST.pack(Operation.STATUS, 0, 0, 0, 0xFFFFFFFF, 0),
        REQUEST.pack(Operation.READ, 1, -5, 10, 0, 0),
        b"\xff" * 100,
        b"GET / HTTP/1.1\r\n\r\n" * 20,
    ],
)
def test_what_is_no_request_ends_the_connection(host: Host, mount: Mount, sent: bytes) -> None:
    with peers.connect(
        host.address,
        fingerprint=host.identity.fingerprint,
        service=FILES_SERVICE,
        identity=mount.identity,
        deadline=Deadline(20),
    ) as connection:
        connection.sendall(sent)
        connection.settimeout(20)
        assert connection.recv(100) == b""
    mount.files.status("hub", mount.root, b"")


NO_FILE = RemoteStatus(Attributes(0o070644, 1, 0, 0, 0, 0, 0), 1, 1, None, 0)
"""A status whose type no file has."""


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff\xff\xff\xff",
        b"\x00\x00\x00\x00\x03abc",
        b"\x02\x00\x00\x00\x05hello",
        b"\x07\x00\x00\x00\x00",
        b"",
        frame(Kind.DONE, encoded_status(NO_FILE)),
        frame(Kind.PART, b"x" * 1000) * 1000,
    ],
)
def test_a_host_that_answers_nonsense_is_an_error_and_no_more(
    host: Host, mount: Mount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    async def lie(_: FilesService, __: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readexactly(REQUEST.size):
            await reader.readexactly(len(mount.root))
            writer.write(answer)
            await writer.drain()
            if not answer:
                return

    monkeypatch.setattr(FilesService, "handle", lie)
    mount.files.set_hosts([])
    other = Host(tmp_path / "other", identity=host.identity)
    other.known = host.known
    with other.serving():
        mount.files.set_hosts([other.certificate()])
        for call in (mount.files.status, mount.files.open):
            assert refused(lambda call=call: call("hub", mount.root, b"")) in (errno.EIO, errno.EHOSTUNREACH)
            mount.files._peers["hub"]._unreachable_until = 0
        mount.files.set_hosts([])
