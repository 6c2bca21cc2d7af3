"""Start one part: `python -m magicfs.runtime.launch FINGERPRINT`, run by supervisord in the state directory.

Commands and settings are read from `run/parts.json` rather than from supervisord's own configuration, whose
syntax cannot hold every path and every password. The fingerprint is there so that supervisord sees a change.
Imports next to nothing: it runs before every start of every part.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

PARTS_FILE = Path("run", "parts.json")
STARTS_FOLDER = Path("run", "starts")
"""A file for each part, one byte longer after every start."""


def main() -> None:
    """Become the part that supervisord asks for."""
    name = os.environ["SUPERVISOR_PROCESS_NAME"]
    part = json.loads(PARTS_FILE.read_text(encoding="utf-8", errors="surrogateescape"))[name]
    with (STARTS_FOLDER / name).open("ab") as starts:
        starts.write(b".")
    command = part["command"]
    os.execvpe(command[0], command, os.environ | part["environment"])


if __name__ == "__main__":
    main()
