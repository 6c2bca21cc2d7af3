"""What a mount needs of the database: to say that it is up, whether anything has changed, and what failed."""

from __future__ import annotations

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.files import FailedFile, FileStat

_SQL = load_queries("mounts")


def record_mount(connection: Connection, *, host: str, path: bytes, pid: int) -> None:
    """Note that a mount is up."""
    connection.execute(_SQL["record"], {"host": host, "path": path, "pid": pid})


def remove_mount(connection: Connection, *, host: str, path: bytes) -> None:
    """Note that a mount is no more."""
    connection.execute(_SQL["remove"], {"host": host, "path": path})


def index_version(connection: Connection) -> str:
    """A text that is another one after anything was committed that a search could see."""
    return str(fetch_one(connection.execute(_SQL["index_version"]))[0])


def failure_reasons(connection: Connection) -> list[str]:
    """The reasons for which files could not be indexed."""
    return [row[0] for row in connection.execute(_SQL["failure_reasons"])]


def failed_files(connection: Connection, *, reason: str, limit: int) -> list[FailedFile]:
    """The files that could not be indexed for a reason, by path."""
    return [
        FailedFile(
            host=host,
            root_path=root_path,
            path=path,
            stat=FileStat(
                size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns, ino=ino, dev=device, mode=mode, uid=uid, gid=gid
            ),
            reason=reason,
            detail=detail,
        )
        for host, root_path, device, path, size, mtime_ns, ctime_ns, ino, mode, uid, gid, detail in connection.execute(
            _SQL["failed_files"], {"reason": reason, "limit": limit}
        )
    ]
