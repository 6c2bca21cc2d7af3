"""`python -m magicfs.cli`: how the supervisor starts its parts, with the interpreter that it runs in."""

from __future__ import annotations

from magicfs.cli.outcome import main

if __name__ == "__main__":
    main()
