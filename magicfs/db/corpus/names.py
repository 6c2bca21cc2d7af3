"""The words of stored names: computed anew when the analysis of words has changed, from the paths that are stored.

Maintenance uses it; `words` does the same for chunks, and `files.write_names` writes names that were never written.
Runs in the caller's transaction. A pass goes through the files by their ids; `meta` has how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from magicfs.db.pool import Connection, fetch_one
from magicfs.db.queries import load_queries
from magicfs.domain.files import FileName

_SQL = load_queries("names")

NAMES_LOCK = 0x6D616769_63667309
"""The advisory lock that lets one transaction in the cluster write names anew."""


def rewrite_names(connection: Connection, *, analysis: int, name_of: Callable[[bytes], FileName], limit: int) -> int:
    """Bring the names of up to `limit` files in line with this version of the analysis. Returns their number.

    It is 0 when the pass is over, while another transaction does this work, and when one has locked some of the files:
    the pass waits for nobody, and comes back to them. Names that are as they should be are not written. When a pass
    begins, the folded names of roots are forgotten, so that `write_folded_names` writes them.
    """
    if not fetch_one(connection.execute(_SQL["take_lock"], {"lock": NAMES_LOCK}))[0]:
        return 0
    version, done, end = connection.execute(_SQL["read_pass"]).fetchone() or (0, 0, 0)
    if version > analysis or (version == analysis and done >= end):
        return 0
    if version < analysis:
        # Files that come later have the words of this version.
        done, end = 0, int(fetch_one(connection.execute(_SQL["last_file"]))[0])
        connection.execute(_SQL["forget_root_names"])
    rows = connection.execute(_SQL["next_files"], {"done": done, "end": end, "limit": limit}).fetchall()
    ids = [file_id for file_id, _ in rows]
    # A file that was moved meanwhile counts as locked: its words may be those of an older version too.
    free = set(connection.execute(_SQL["lock_files"], {"ids": ids}).fetchall()).intersection(rows)
    _write_names(connection, [(file_id, path, name_of(path)) for file_id, path in rows if (file_id, path) in free])
    locked = [file_id for file_id, path in rows if (file_id, path) not in free]
    done = locked[0] - 1 if locked else ids[-1] if len(rows) == limit else end
    connection.execute(_SQL["write_pass"], {"analysis": analysis, "done": done, "end": end})
    return 0 if locked else len(rows)


def _write_names(connection: Connection, files: Sequence[tuple[int, bytes, FileName]]) -> None:
    values = {
        "ids": [file_id for file_id, _, _ in files],
        "paths": [path for _, path, _ in files],
        "extensions": [name.extension for _, _, name in files],
        "words": [name.words for _, _, name in files],
        "folded": [name.folded for _, _, name in files],
    }
    connection.execute(_SQL["write_names"], values)
