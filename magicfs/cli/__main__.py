"""`python -m magicfs.cli`: the command line in an interpreter of the caller's choice. The supervisor uses `part`."""

from __future__ import annotations

from magicfs.cli.main import main

if __name__ == "__main__":
    main()
