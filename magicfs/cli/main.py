"""The entry point of the script `magicfs` and of `python -m magicfs.cli`.

It imports nothing before it can be interrupted: whoever presses Ctrl-C while `execution` is loaded sees no traceback.
While Python itself starts, Ctrl-C waits, if `infra/setup.sh` has made the script.
"""

import sys

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def main() -> None:
    """Run the command in `sys.argv` and exit."""
    try:
        import signal

        # One that waits is raised here.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        from magicfs.cli import execution

        code = execution.run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
