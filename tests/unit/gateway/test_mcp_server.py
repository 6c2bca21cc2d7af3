"""The server of tools, without a client: how many calls run at a time."""

from __future__ import annotations

import threading

import anyio
import mcp_types as types

from magicfs.gateway.mcp_arguments import StatusArguments
from magicfs.gateway.mcp_server import CONCURRENT_CALLS, ToolServer
from magicfs.gateway.mcp_tools import Answer, Tool


def test_a_call_that_its_client_gives_up_takes_its_place_until_it_ends() -> None:
    running, most = 0, 0
    lock, may_end = threading.Lock(), threading.Event()

    def work(arguments: StatusArguments) -> Answer:
        nonlocal running, most
        del arguments
        with lock:
            running += 1
            most = max(most, running)
        may_end.wait(20)
        with lock:
            running -= 1
        return Answer(("done",))

    tools = ToolServer([Tool("work", "Work", "", StatusArguments, work)], require_ready=lambda: None)

    async def call() -> None:
        with anyio.move_on_after(0.1):
            await tools.answer_call(None, types.CallToolRequestParams(name="work"))

    async def ask() -> None:
        async with anyio.create_task_group() as clients:
            for _ in range(3):
                for _ in range(CONCURRENT_CALLS):
                    clients.start_soon(call)
                await anyio.sleep(0.3)
            may_end.set()

    anyio.run(ask)
    assert most == CONCURRENT_CALLS
