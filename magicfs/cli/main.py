"""The entry point of the script `magicfs` and of `python -m magicfs.cli`.

It imports nothing before it can be interrupted: whoever presses Ctrl-C while `execution` is loaded sees no traceback.
"""

import sys

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def main() -> None:
    """Run the command in `sys.argv` and exit."""
    try:
        from magicfs.cli import execution

        code = execution.run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
