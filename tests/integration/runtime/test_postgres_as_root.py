"""The embedded Postgres of root, as in a container: few rights, no user namespaces, and accounts of a fresh machine."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from magicfs.errors import ServerError
from magicfs.runtime.ordinary_user import require_ordinary_user
from magicfs.runtime.postgres import admin_dsn, answers
from magicfs.runtime.postgres_cluster import data_dir, server_pid
from tests.plugins.waiting import eventually

ACCOUNTS = "root:x:0:0:root:/root:/bin/sh\nbin:x:1:1:bin:/bin:/usr/sbin/nologin\n"
RIGHTS = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+sys_chroot,+mknod"
"""What Docker leaves to root."""

IN_CONTAINER = """
set -e
mount --rbind / "$1/root"
mount --bind "$1/passwd" "$1/root/etc/passwd"
rights=$2
root=$1/root
shift 2
exec setpriv --bounding-set="$rights" chroot "$root" "$@"
"""
"""Runs a command with another root, which refuses it user namespaces, with these accounts and rights."""

SECONDS = 60.0

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has a server of another account")


@pytest.fixture
def container(tmp_path: Path) -> list[str]:
    """The prefix of a command that runs in a container."""
    folder = tmp_path / "container"
    (folder / "root").mkdir(parents=True)
    (folder / "passwd").write_text(ACCOUNTS, encoding="ascii")
    return ["unshare", "--mount", "sh", "-c", IN_CONTAINER, "sh", str(folder), RIGHTS]


@contextmanager
def server(home: Path, *, container: list[str]) -> Iterator[psutil.Process]:
    """A server in a container, on the cluster of `home`, which it makes."""
    command = [*container, sys.executable, "-m", "magicfs.runtime.postgres", str(home)]
    with subprocess.Popen(command) as started:
        try:
            eventually(
                lambda: started.poll() is not None or answers(home / "run"), "the server answers", seconds=SECONDS
            )
            assert started.poll() is None
            yield psutil.Process(started.pid)
        finally:
            started.terminate()


def test_a_container_without_user_namespaces_refuses_them(container: list[str]) -> None:
    done = subprocess.run([*container, "unshare", "--user", "true"], capture_output=True, text=True, check=False)
    assert "not permitted" in done.stderr


def test_it_runs_in_a_container_as_an_account_that_has_a_name(home: Path, container: list[str]) -> None:
    with server(home, container=container) as process:
        assert process.uids().effective == 1
        assert server_pid(home) == process.pid
        with psycopg.connect(admin_dsn(home / "run")) as connection:
            connection.execute("CREATE TABLE kept (number integer)")
    assert home.stat().st_uid == 0


def test_root_without_rights_to_files_connects(home: Path, container: list[str]) -> None:
    script = f"import psycopg; psycopg.connect({admin_dsn(home / 'run')!r})"
    with server(home, container=container):
        subprocess.run(["setpriv", "--bounding-set=-all", sys.executable, "-c", script], check=True, timeout=SECONDS)


def test_an_ordinary_user_has_a_server_of_its_own_account(home: Path) -> None:
    """One that may search any folder: the interpreter of root may be in a closed one."""
    account = pwd.getpwnam("nobody")
    for folder in (home, *home.iterdir()):
        os.chown(folder, account.pw_uid, account.pw_gid)
    rights = "-all,+dac_read_search"
    user = [
        *("setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"),
        *("--securebits=+no_setuid_fixup", f"--inh-caps={rights}", f"--ambient-caps={rights}"),
    ]
    with server(home, container=user) as process:
        assert process.uids().effective == account.pw_uid
        assert data_dir(home).stat().st_uid == account.pw_uid


def test_a_user_without_a_name_learns_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(ServerError, match=r"54321 has no account.*: start magicfs as"):
        require_ordinary_user()


def test_it_takes_a_cluster_over_that_belongs_to_root(home: Path, container: list[str]) -> None:
    with server(home, container=container), psycopg.connect(admin_dsn(home / "run"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number integer)")
    for path in (data_dir(home), *data_dir(home).rglob("*")):
        os.chown(path, 0, 0)
    with server(home, container=container), psycopg.connect(admin_dsn(home / "run"), autocommit=True) as connection:
        connection.execute("INSERT INTO kept VALUES (1)")
        connection.execute("DROP TABLE kept")


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "made before"])
@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("setuid", "root may not run Postgres as another account here: start magicfs as an ordinary user"),
        ("kill", "root may not run Postgres as another account here: start magicfs as an ordinary user"),
        ("chown", " to bin, as Postgres demands (Operation not permitted): set MAGICFS_HOME to a disk of this machine"),
    ],
)
def test_what_root_may_not_do_here_is_said_with_a_remedy(
    home: Path, container: list[str], refused: str, said: str, *, is_new: bool
) -> None:
    if not is_new:
        with server(home, container=container):
            pass
        eventually(lambda: server_pid(home) is None, "the end of the server")
        os.chown(data_dir(home), 0, 0)
    command = [*container, "setpriv", f"--bounding-set=-{refused}", sys.executable, "-m", "magicfs.runtime.postgres"]
    done = subprocess.run([*command, str(home)], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("magicfs: root may not ")
    assert said in line


KILL_AND_START = """
import subprocess, sys
from pathlib import Path
import psutil
from magicfs.runtime.postgres import answers
from magicfs.runtime.processes import has_ended, wait_until
home = Path(sys.argv[1])
def started():
    process = psutil.Popen([sys.executable, "-m", "magicfs.runtime.postgres", str(home)], stderr=subprocess.DEVNULL)
    wait_until(lambda: process.poll() is not None or answers(home / "run"), seconds=60, failed="it does not start")
    return process
first = started()
child = first.children()[0]
child.suspend()
first.kill()
first.wait()
second = started()
print(second.poll(), has_ended(child))
for process in (child, second):
    if process.is_running():
        process.kill()
"""
"""Kills a server of which a process is stopped, and starts another one on the same cluster."""


def test_what_a_killed_server_has_left_in_a_container_keeps_no_other_one_from_starting(
    home: Path, container: list[str]
) -> None:
    command = [*container, sys.executable, "-c", KILL_AND_START, str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3 * SECONDS, check=True)
    assert done.stdout == "None True\n"
