"""The query embedder: a process of its own with the models, so that a crash of native code never reaches the mount.

    python -m magicfs.embedding.query_server --socket PATH [--idle-exit SECONDS] [--free-after SECONDS] [--detach]

Started by the supervisor, or by `query_client.QueryEmbedder` when no server answers. `ipc/local_server.py` has the
socket and its lock: a second process waits for the lock without loading anything, or exits at once if it was started
with `--idle-exit`. The libraries that run models are imported with the first text.

Protocol: `query_service` has the requests and the answers. Server and client are of one installation, so the protocol
has no versions: a client replaces a server that is left of an older one, which takes its request for malformed.

Threads: those of `ipc/local_server.py`, and one more thread uses the model.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
from pathlib import Path

from magicfs import logs
from magicfs.embedding.query_service import QueryService
from magicfs.ipc.local_server import serve
from magicfs.linux.process import share_one_heap

FREE_AFTER_SECONDS = 60.0
"""The time without a request after which models leave the memory: they are most of what the process holds."""


def main(arguments: list[str] | None = None) -> int:
    """Run a query embedder; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m magicfs.embedding.query_server", description="Embeds search queries."
    )
    parser.add_argument("--socket", type=Path, required=True, help="where to listen; one server serves it")
    parser.add_argument("--idle-exit", type=float, help="exit after this many seconds without a request")
    parser.add_argument("--detach", action="store_true", help="return at once and serve in the background")
    parser.add_argument(
        "--free-after",
        type=float,
        default=FREE_AFTER_SECONDS,
        help="free the models after this many seconds without one",
    )
    parser.add_argument("--log-format", default="text", help="text or json")
    parser.add_argument("--log-level", default="INFO", help="detail of the log")
    options = parser.parse_args(arguments)
    logs.setup(role="query-embedder", level=options.log_level, log_format=options.log_format)
    faulthandler.enable()
    share_one_heap()
    return serve(
        options.socket, QueryService, idle_exit=options.idle_exit, free_after=options.free_after, detach=options.detach
    )


if __name__ == "__main__":
    sys.exit(main())
