"""Adds and removes roots.

Used by the CLI. It scans nothing: the agent does that. A root must be a readable directory that overlaps with no other
root on its disk, with no mount of MagicFS, and not with the state directory. Any thread.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

from magicfs.config import Settings
from magicfs.db.cluster import roots as roots_db
from magicfs.db.cluster.heartbeats import live_mounts
from magicfs.db.pool import Connection, Database
from magicfs.domain.files import display_path
from magicfs.domain.roots import Root, encloses
from magicfs.errors import RootError
from magicfs.linux.mounts import kernel_file_system, mount_point_of, read_mounts
from magicfs.state_directory.allowed_roots import AllowedRoots


def add_roots(
    settings: Settings, database: Database, paths: Sequence[Path], *, mount: Path | None = None
) -> list[Root]:
    """Add directories of this host as roots and return them. Checks all of them before it adds the first one.

    `mount` is a mount point that need not be in use yet. Raises `RootError` as `add_root` does.
    """
    with database.transaction() as connection:
        mounts = [each.path for each in live_mounts(connection) if each.host == settings.host]
    if mount is not None:
        mounts.append(os.fsencode(mount))
    for path in paths:
        check_root(path, home=settings.home, mounts=mounts)
    return [add_root(database, host=settings.host, path=path, home=settings.home, mounts=mounts) for path in paths]


def add_root(database: Database, *, host: str, path: Path, home: Path, mounts: Collection[bytes] = ()) -> Root:
    """Add a directory of this host as a root and return it. Does nothing when it is a root already.

    Raises `RootError` as `check_root` does, and when it overlaps with another root on its disk.
    """
    absolute = check_root(path, home=home, mounts=mounts)
    device, mount_point = os.stat(absolute).st_dev, mount_point_of(absolute)
    with database.transaction() as connection:
        host_id = roots_db.ensure_host(connection, name=host)
        others = [registered.root for registered in roots_db.list_roots(connection, host=host)]
        for other in others:
            if other.path == absolute:
                AllowedRoots(home).add(absolute)
                return other
        # A walk does not enter another disk, so that what is mounted in a root is not indexed with it.
        for other in [root for root in others if root.device == device]:
            if encloses(other.path, absolute):
                raise RootError(f"{path} is indexed already: it lies inside the root {display_path(other.path)}")
            if encloses(absolute, other.path):
                raise RootError(
                    f"{path} contains the root {display_path(other.path)}: "
                    f"run 'magicfs roots remove {shlex.quote(other.name)}' first"
                )
        # Commands wait for what they import, and most of them name roots that are there.
        from magicfs.text.names import fold_path

        # Before the agent hears of the root.
        AllowedRoots(home).add(absolute)
        name = _free_name(connection, absolute, host=host)
        root_id = roots_db.insert_root(
            connection,
            host=host_id,
            path=absolute,
            name=name,
            folded=fold_path(name),
            device=device,
            mount_point=mount_point,
        )
    return Root(id=root_id, host=host, path=absolute, name=name, device=device, mount_point=mount_point)


def limit_roots(settings: Settings, database: Database) -> None:
    """Let this machine read the roots alone that it has now, if other hosts can reach its index or it uses theirs.

    Does nothing when it lets certain roots be read already.
    """
    if settings.listen is None and settings.hub is None:
        return
    with database.transaction() as connection:
        roots = roots_db.list_roots(connection, host=settings.host)
    AllowedRoots(settings.home).limit(registered.root.path for registered in roots)


def check_root(path: Path, *, home: Path, mounts: Collection[bytes] = ()) -> bytes:
    """The absolute path of a directory that can be a root, with links resolved.

    `home` is the state directory, `mounts` are mount points besides those that the kernel knows. Raises `RootError`
    when the path is no readable directory, shows the kernel, or overlaps with the state directory or a mount.
    """
    try:
        resolved = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise RootError(f"{path} does not exist: name a directory") from error
    if not resolved.is_dir():
        raise RootError(f"{path} is not a directory: name the directory that holds it")
    if not os.access(resolved, os.R_OK | os.X_OK):
        raise RootError(f"{path} cannot be read: change its permissions, or run as its owner")
    absolute = os.fsencode(resolved)
    if (kernel := kernel_file_system(absolute)) is not None:
        raise RootError(f"{path} is a {kernel} file system, which holds no files: name another directory")
    state = os.fsencode(home.resolve())
    if encloses(absolute, state) or encloses(state, absolute):
        raise RootError(f"{path} and the state directory {home} lie one inside the other: set MAGICFS_HOME elsewhere")
    for mount in {*mounts, *(entry.mount_point for entry in read_mounts() if entry.is_magicfs)}:
        if encloses(absolute, mount) or encloses(mount, absolute):
            raise RootError(f"{path} and the mount {display_path(mount)} lie one inside the other: mount elsewhere")
    return absolute


def remove_root(database: Database, *, host: str, name_or_path: str) -> Root:
    """Remove a root of `host`, by its name or its path, and return it. Does not touch its files on disk.

    Raises `RootError` when there is no such root, and for one of another host: two hosts that have a directory of a
    name have roots of different names, and whoever types the one may mean the other.
    """

    def remove(connection: Connection) -> Root:
        roots = [registered.root for registered in roots_db.list_roots(connection)]
        root = find_root(roots, host=host, name_or_path=name_or_path)
        if root.host != host:
            raise _of_another_host(root, host, roots)
        delete_root(connection, root)
        return root

    return database.run_in_transaction(remove)


def find_root(roots: Sequence[Root], *, host: str, name_or_path: str) -> Root:
    """The root that a name means, or a path on `host`: one of that host if there is any. Raises `RootError`."""
    path = os.path.expanduser(name_or_path)
    # Of a root that is gone, and a link is in its place, the path is as it is written.
    paths = {os.fsencode(os.path.abspath(path)), os.fsencode(os.path.realpath(path))}
    matching = [root for root in roots if root.name == name_or_path or (root.host == host and root.path in paths)]
    if not matching:
        names = ", ".join(root.name for root in roots) or "none"
        raise RootError(f"there is no root {name_or_path}: there is {names}")
    return next((root for root in matching if root.host == host), matching[0])


def _of_another_host(root: Root, host: str, roots: Sequence[Root]) -> RootError:
    """The refusal to remove a root of another host, with what may be meant instead."""
    alike = [
        other.name
        for other in roots
        if other.host == host and other.path.rpartition(b"/")[2] == root.path.rpartition(b"/")[2]
    ]
    meant = f"that of {host} is {shlex.quote(alike[0])}; " if alike else ""
    return RootError(
        f"{root.name} is a root of {root.host}: {meant}run 'magicfs roots remove {shlex.quote(root.name)}' there, or "
        f"'magicfs hosts retire {shlex.quote(root.host)}' if that host is gone for good"
    )


def delete_root(connection: Connection, root: Root) -> None:
    """Delete a root and its files from the index. Contents that no other file has become orphans."""
    from magicfs.db.corpus import contents as contents_db

    contents = contents_db.contents_of_root(connection, root.id)
    roots_db.delete_root(connection, root.id)
    contents_db.orphan_contents_without_grace(connection, contents)


def _free_name(connection: Connection, path: bytes, *, host: str) -> str:
    """The directory's own name, made unique in the cluster by the host's name, then by a number."""
    taken = roots_db.root_names(connection)
    own = display_path(path.rpartition(b"/")[2]) or "root"
    own = "".join(character if character.isprintable() else "_" for character in own)
    candidates = [own, f"{own}@{host}", *(f"{own}@{host}-{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)
