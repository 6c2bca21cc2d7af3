"""`python -m magicfs.cli.part`: starts an agent, a worker or a mount for the supervisor of `magicfs up`.

It takes the arguments of the commands of these names and calls what they call. The command line of people is left out,
because a part would keep its libraries in 15 MB for as long as it runs. Ends as `execution` does: one line on standard
error, and an exit code.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from magicfs.cli import environment, wiring
from magicfs.errors import MagicFSError, UsageError
from magicfs.linux.process import share_one_heap

FAILED, WRONG_USAGE = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run a part until a signal ends it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m magicfs.cli.part", description="Runs a part of `magicfs up`.")
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("hub-link", help="stands in the place of the servers, which are those of the hub")
    parts.add_parser("agent", help="scans and watches the roots of this host")
    worker = parts.add_parser("worker", help="extracts files, or embeds chunks")
    worker.add_argument("--queue", choices=("extract", "embed"), required=True, help="the kind of work")
    worker.add_argument("--name", required=True, help="unique in the cluster")
    parts.add_parser("mount", help="serves the mount").add_argument("path", type=Path, help="an empty directory")
    parts.add_parser("serve", help="lets other hosts read the files of this one")
    options = parser.parse_args(arguments)
    share_one_heap()
    try:
        _run(options)
    except MagicFSError as error:
        sys.stderr.write(f"magicfs: {' '.join(str(error).split())}\n")
        return WRONG_USAGE if isinstance(error, UsageError) else FAILED
    return 0


def _run(options: argparse.Namespace) -> None:
    match options.part:
        case "hub-link":
            wiring.run_hub_link(environment.settings_for_service("hub-link"))
        case "agent":
            wiring.run_agent(environment.settings_for_service("agent"), [])
        case "worker":
            settings = environment.settings_for_service(options.name)
            wiring.run_worker(settings, kind=options.queue, name=options.name)
        case "mount":
            wiring.run_mount(environment.settings_for_service("mount"), options.path)
        case "serve":
            # With TLS and an event loop, which no other part needs.
            from magicfs.cli import serving

            serving.run_serve(environment.settings_for_service("serve"))


if __name__ == "__main__":
    sys.exit(main())
