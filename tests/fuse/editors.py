"""The system calls with which editors save a file."""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path

CREATE = os.O_CREAT | os.O_EXCL


def write(path: Path, content: bytes, flags: int, *, mode: int = 0o644, flush: bool = False) -> None:
    """Open, write and close as C programs do."""
    descriptor = os.open(path, os.O_WRONLY | flags, mode)
    try:
        os.write(descriptor, content)
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def beside(path: Path, name: str) -> Path:
    return path.parent / name


def vim_with_backupcopy_no(path: Path, content: bytes) -> None:
    """Vim renames the old file to the backup and writes a new one."""
    write(beside(path, f".{path.name}.swp"), b"swap", CREATE, mode=0o600)
    probe = beside(path, "4913")
    write(probe, b"", CREATE)
    os.chown(probe, os.getuid(), os.getgid())
    probe.unlink()
    status = path.stat()
    backup = beside(path, path.name + "~")
    path.rename(backup)
    write(path, content, CREATE, flush=True)
    path.chmod(status.st_mode)
    backup.unlink()
    beside(path, f".{path.name}.swp").unlink()


def vim_with_backupcopy_yes(path: Path, content: bytes) -> None:
    """Vim copies the old file to the backup and writes to the old one."""
    backup = beside(path, path.name + "~")
    write(backup, path.read_bytes(), CREATE)
    write(path, content, os.O_CREAT | os.O_TRUNC, flush=True)
    backup.unlink()


def vs_code(path: Path, content: bytes) -> None:
    """VS Code with `files.experimental.atomicSave`: a temporary file beside the old one."""
    temporary = beside(path, f"{path.name}.vsctmp")
    write(temporary, content, os.O_CREAT | os.O_TRUNC, flush=True)
    temporary.chmod(path.stat().st_mode)
    temporary.rename(path)


def vs_code_in_place(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, content)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def gedit(path: Path, content: bytes) -> None:
    """GLib's `g_file_replace` with a backup: a link if possible, else a rename."""
    temporary = beside(path, ".goutputstream-A1B2C3")
    descriptor = os.open(temporary, os.O_RDWR | CREATE, 0o600)
    status = path.stat()
    os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, status.st_mode)
    os.write(descriptor, content)
    os.fsync(descriptor)
    backup = beside(path, path.name + "~")
    try:
        os.link(path, backup)
    except OSError:
        path.rename(backup)
    temporary.rename(path)
    os.close(descriptor)
    assert backup.read_bytes() == b"old roses"


def libreoffice(path: Path, content: bytes) -> None:
    """LibreOffice locks the document, writes a temporary one and moves it over the old one."""
    lock = beside(path, f".~lock.{path.name}#")
    write(lock, b"me,here;", CREATE)
    temporary = beside(path, "lu1234abcd.tmp")
    write(temporary, content, CREATE, mode=0o600, flush=True)
    aside = beside(path, "lu1234abce.tmp")
    path.rename(aside)
    temporary.rename(path)
    aside.unlink()
    lock.unlink()


def nano(path: Path, content: bytes) -> None:
    """Nano with a backup: it copies the old file, keeps its times, and writes to the old one."""
    lock = beside(path, f".{path.name}.swp")
    write(lock, b"b0nano", CREATE)
    status = path.stat()
    backup = beside(path, path.name + "~")
    write(backup, path.read_bytes(), CREATE, mode=0o600)
    os.utime(backup, ns=(status.st_atime_ns, status.st_mtime_ns))
    backup.chmod(status.st_mode)
    write(path, content, os.O_CREAT | os.O_TRUNC)
    backup.unlink()
    lock.unlink()


def emacs(path: Path, content: bytes) -> None:
    """Emacs locks the file by a dangling link, renames the old one to the backup, and writes a new one."""
    lock = beside(path, f".#{path.name}")
    lock.symlink_to("me@here.1234:1700000000")
    status = path.stat()
    backup = beside(path, path.name + "~")
    path.rename(backup)
    write(path, content, CREATE, mode=0o666)
    path.chmod(status.st_mode)
    assert os.readlink(lock) == "me@here.1234:1700000000"
    lock.unlink()


def sed(path: Path, content: bytes) -> None:
    """`sed -i` writes a temporary file with the mode and the owner of the old one, and renames it over that."""
    status = path.stat()
    temporary = beside(path, "sedAbC123")
    descriptor = os.open(temporary, os.O_RDWR | CREATE, 0o600)
    os.fchmod(descriptor, status.st_mode)
    os.fchown(descriptor, status.st_uid, status.st_gid)
    os.write(descriptor, content)
    os.close(descriptor)
    temporary.rename(path)


def perl(path: Path, content: bytes) -> None:
    """`perl -i.bak` reads the old file on while it writes the new one."""
    with path.open("rb") as old:
        backup = beside(path, path.name + ".bak")
        path.rename(backup)
        write(path, content, CREATE)
        assert old.read() == backup.read_bytes()


def git(path: Path, content: bytes) -> None:
    """Git writes `.lock` files, which it renames."""
    lock = beside(path, path.name + ".lock")
    write(lock, content, CREATE, mode=0o666, flush=True)
    lock.rename(path)


def python(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
        os.replace(file.name, path)


def python_that_flushes(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        os.replace(file.name, path)
        assert path.read_bytes() == content


def kde(path: Path, content: bytes) -> None:
    """`QSaveFile`."""
    temporary = beside(path, path.name + ".AbCdEf")
    write(temporary, content, CREATE, mode=0o600, flush=True)
    temporary.chmod(path.stat().st_mode)
    temporary.rename(path)


def jetbrains(path: Path, content: bytes) -> None:
    """ "Safe write": the old file is renamed aside, and the new one to its name."""
    temporary, aside = beside(path, path.name + "___jb_tmp___"), beside(path, path.name + "___jb_old___")
    write(temporary, content, CREATE, flush=True)
    path.rename(aside)
    temporary.rename(path)
    aside.unlink()


def office(path: Path, content: bytes) -> None:
    """Microsoft's way: an owner file, a temporary document, and the old one renamed and deleted."""
    owner = beside(path, "~$" + path.name[2:])
    write(owner, b"me", CREATE)
    temporary, aside = beside(path, "~WRD0000.tmp"), beside(path, "~WRL0001.tmp")
    write(temporary, content, CREATE, flush=True)
    path.rename(aside)
    temporary.rename(path)
    assert aside.read_bytes() != content
    aside.unlink()
    owner.unlink()


def rsync(path: Path, content: bytes) -> None:
    """Rsync writes a hidden temporary file, which gets its times and its mode last."""
    status = path.stat()
    temporary = beside(path, f".{path.name}.AbCdEf")
    write(temporary, content, CREATE, mode=0o600)
    os.utime(temporary, ns=(status.st_atime_ns, 1_000_000_007_000_000_009))
    temporary.chmod(status.st_mode)
    temporary.rename(path)
    assert path.stat().st_mtime_ns == 1_000_000_007_000_000_009


def rsync_in_place(path: Path, content: bytes) -> None:
    """`rsync --inplace` writes what differs, and cuts the rest."""
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, content)
    os.ftruncate(descriptor, len(content))
    os.close(descriptor)
    os.utime(path, ns=(1, 2))


def patch(path: Path, content: bytes) -> None:
    """GNU patch with a backup: the old file is renamed before the new one is."""
    status = path.stat()
    temporary = beside(path, path.name + ".oABCDE")
    write(temporary, content, CREATE, mode=0o600)
    temporary.chmod(status.st_mode)
    backup = beside(path, path.name + ".orig")
    path.rename(backup)
    temporary.rename(path)
    assert backup.read_bytes() == b"old roses"


def kakoune(path: Path, content: bytes) -> None:
    """A temporary file that is open until it has the name of the old one."""
    descriptor = os.open(beside(path, f".{path.name}.kak.abc123"), os.O_RDWR | CREATE, 0o600)
    os.write(descriptor, content[:4])
    os.fchmod(descriptor, path.stat().st_mode)
    os.write(descriptor, content[4:])
    os.fsync(descriptor)
    beside(path, f".{path.name}.kak.abc123").rename(path)
    os.close(descriptor)


def mapped(path: Path, content: bytes) -> None:
    """Hex editors map the file into memory."""
    with path.open("r+b") as file:
        file.truncate(len(content))
        with mmap.mmap(file.fileno(), len(content)) as mapping:
            mapping[:] = content


def copied(path: Path, content: bytes) -> None:
    """`copy_file_range` from a scratch file, as `cp` does."""
    source = beside(path, "source")
    write(source, content, CREATE)
    with source.open("rb") as old, path.open("r+b") as new:
        new.truncate(0)
        assert os.copy_file_range(old.fileno(), new.fileno(), len(content)) == len(content)
    source.unlink()


EDITORS = [
    vim_with_backupcopy_no,
    vim_with_backupcopy_yes,
    vs_code,
    vs_code_in_place,
    gedit,
    libreoffice,
    nano,
    emacs,
    sed,
    perl,
    git,
    python,
    python_that_flushes,
    kde,
    jetbrains,
    office,
    rsync,
    rsync_in_place,
    patch,
    kakoune,
    mapped,
    copied,
]
