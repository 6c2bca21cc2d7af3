"""Starts one part: `python -m magicfs.runtime.launch FINGERPRINT`, run by supervisord in the state directory.

The part's command and environment come from `run/parts.json`, because the syntax of supervisord's own configuration
cannot hold every path and every password. The fingerprint is not read: it is there so that supervisord sees a changed
command when the part has changed. Imports next to nothing, because it runs before parts start. Most parts are forked
instead, by `forked_part`, which uses the functions here.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import NamedTuple

PARTS_FILE = Path("run", "parts.json")
STARTS_FOLDER = Path("run", "starts")
"""Holds a file for each part, which grows by one byte with every start."""


class Launch(NamedTuple):
    """How a part is started now."""

    command: list[str]
    environment: dict[str, str]
    """All variables of the process."""


def count_start(environment: dict[str, str]) -> Launch:
    """How the part is started that supervisord names in an environment. It counts as started once more."""
    name = environment["SUPERVISOR_PROCESS_NAME"]
    part = json.loads(PARTS_FILE.read_text(encoding="utf-8", errors="surrogateescape"))[name]
    try:
        with (STARTS_FOLDER / name).open("ab") as starts:
            starts.write(b".")
    except OSError as error:
        # On a full disk a part starts all the same.
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
    return Launch(part["command"], environment | part["environment"])


def main() -> None:
    """Replace this process by the part that supervisord starts."""
    command, environment = count_start(dict(os.environ))
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main()
