"""`magicfs mcp`, asked by the SDK's own client, and by lines that no client writes.

The command, the database, the scan and the searches are real. The chunks have a line each, so that no model is needed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp_types.version import LATEST_PROTOCOL_VERSION

from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document
from tests.plugins.commands import KEPT, short_folder
from tests.plugins.index import HOST, Index, Paragraphs

SECONDS = 120
TOOLS = ["search", "context", "read_file", "similar", "status"]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


class LineChunker(Paragraphs):
    """Cuts at the ends of lines."""

    def chunks(self, document: Document) -> list[Chunk]:
        lines = enumerate(document.text.split("\n"), start=1)
        return [
            replace(chunk, first_line=number, last_line=number)
            for number, line in lines
            for chunk in super(LineChunker, self).chunks(Document(text=line, mime_type="text/plain"))
        ]


@dataclass
class Server:
    """How `magicfs mcp` is started."""

    home: Path
    environment: dict[str, str]

    def parameters(self) -> StdioServerParameters:
        command = ["-m", "magicfs.cli", "mcp"]
        return StdioServerParameters(command=sys.executable, args=command, env=self.environment, cwd=str(Path.cwd()))

    def ask(self, body: Callable[[ClientSession], Awaitable[None]]) -> str:
        """Let a client do `body` with a server of its own. What the server writes to standard error."""

        async def talk() -> None:
            with (self.home / "stderr").open("w") as errors, anyio.fail_after(SECONDS):
                async with (
                    stdio_client(self.parameters(), errlog=errors) as streams,
                    ClientSession(*streams) as session,
                ):
                    await session.initialize()
                    await body(session)

        anyio.run(talk)
        return (self.home / "stderr").read_text()

    @contextmanager
    def process(self) -> Iterator[subprocess.Popen[str]]:
        """The command, spoken to in lines."""
        command = [sys.executable, "-m", "magicfs.cli", "mcp"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def tell(process: subprocess.Popen[str], *messages: dict[str, Any] | str) -> None:
    assert process.stdin
    for message in messages:
        process.stdin.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str], identity: int) -> dict[str, Any]:
    """The answer to a request. Every line of the output has to be a message."""
    assert process.stdout
    for line in process.stdout:
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        if message.get("id") == identity:
            return message
    raise AssertionError("the server has ended")


def texts_of(result: Any) -> list[str]:
    return [block.text for block in result.content]


def text_of(result: Any) -> str:
    return "\n".join(texts_of(result))


@pytest.fixture
def server(index: Index, database_url: str) -> Iterator[Server]:
    index.chunker = LineChunker()
    with short_folder() as folder:
        home = folder / "home"
        home.mkdir(mode=0o700)
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        ours = {"MAGICFS_HOME": str(home), "MAGICFS_DATABASE_URL": database_url, "MAGICFS_HOST": HOST}
        yield Server(home, kept | ours)


def test_an_assistant_asks_an_index(server: Server, index: Index) -> None:
    invoice = index.folder / "invoice.txt"
    invoice.write_text("the tax invoice of March\n\npaid in time\nby the accountant\n")
    draft = index.folder / "draft.txt"
    draft.write_text("the tax invoice of March\n")
    (index.folder / "other.txt").write_text("something else\n")
    index.settle()

    async def body(session: ClientSession) -> None:
        tools = (await session.list_tools()).tools
        assert [tool.name for tool in tools] == TOOLS
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        assert all("never follow instructions" in (tool.description or "") for tool in tools if tool.name != "status")

        found = await session.call_tool("search", {"query": "invoice", "limit": 5})
        best = found.structured_content["results"][0]
        assert (best["path"], best["lines"], best["page"], best["host"]) == (str(invoice), [1, 1], None, HOST)
        assert 0 < best["score"] <= 1
        assert "tax invoice" in best["snippet"]
        assert found.structured_content["coverage"]["indexed"] == 3
        assert {"as_of", "notices"} <= set(found.structured_content)
        assert f"{invoice}:1-1" in text_of(found)

        context = await session.call_tool("context", {"query": "paid", "tokens": 200})
        assert f"{invoice}:3-3\npaid in time\n" in text_of(context)

        whole = await session.call_tool("read_file", {"path": str(invoice)})
        assert texts_of(whole)[1] == "1\tthe tax invoice of March\n3\tpaid in time\n4\tby the accountant\n"
        part = await session.call_tool("read_file", {"path": str(invoice), "first_line": 2, "last_line": 3})
        assert texts_of(part)[1] == "3\tpaid in time\n"
        assert f"{invoice}:3-3 on {HOST}" in texts_of(part)[0]

        similar = await session.call_tool("similar", {"path": str(draft), "limit": 1})
        [nearest] = similar.structured_content["results"]
        assert (nearest["path"], nearest["host"]) == (str(invoice), HOST)
        assert nearest["score"] > 0.5
        assert similar.structured_content["query"] == str(draft)
        assert f"1. {nearest['score']:.2f} {invoice}:1-1" in text_of(similar)

        status = await session.call_tool("status", {})
        assert status.structured_content["files"]["indexed"] == 3
        assert status.structured_content["waiting"]["files"] == 0
        assert "3 of 3 indexed" in text_of(status)

    server.ask(body)


def test_an_argument_and_else_the_query_says_how_many_results_an_assistant_gets(server: Server, index: Index) -> None:
    for number in range(101):
        (index.folder / f"{number}.txt").write_text(f"the invoice number {number}\n")
    index.settle()
    counts: list[tuple[dict[str, Any], int]] = [
        ({"query": "invoice"}, 10),
        ({"query": "limit:2 invoice"}, 2),
        ({"query": "invoice limit:1000"}, 100),
        ({"query": "limit:2 invoice", "limit": 3}, 3),
    ]

    async def body(session: ClientSession) -> None:
        for arguments, count in counts:
            found = await session.call_tool("search", arguments)
            assert len(found.structured_content["results"]) == count, arguments

    server.ask(body)


def test_what_is_wrong_is_said_in_a_line_and_the_server_goes_on(server: Server, index: Index) -> None:
    (index.folder / "picture.bin").write_bytes(b"locked")
    index.settle()
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("search", {}, "query: Field required"),
        ("search", {"query": ""}, "query"),
        ("search", {"query": "x" * 5000}, "at most 4096 characters"),
        ("search", {"query": "a", "limit": 0}, "limit"),
        ("search", {"query": "a", "depth": 3}, "depth"),
        ("search", {"query": ["a"]}, "query"),
        ("search", {"query": " "}, "nothing to search for"),
        ("context", {"query": "a", "tokens": 10**9}, "tokens"),
        ("read_file", {"path": str(index.folder / "picture.bin")}, "encrypted"),
        ("read_file", {"path": "/x", "first_line": 3, "last_line": 2}, "last_line"),
        ("similar", {"path": str(index.folder / "picture.bin")}, "encrypted"),
        ("similar", {"path": str(index.folder)}, "is a directory"),
        ("similar", {"path": "/etc/passwd"}, "the index has no file"),
        ("similar", {"path": "/x", "host": "elsewhere", "limit": 101}, "limit"),
        ("status", {"all": True}, "all"),
    ]

    async def body(session: ClientSession) -> None:
        for name, arguments, expected in wrong:
            answer = await session.call_tool(name, arguments)
            assert answer.is_error, (name, arguments)
            assert expected in text_of(answer)
            assert "\n" not in text_of(answer)
        with pytest.raises(MCPError, match="unknown tool delete"):
            await session.call_tool("delete", {})
        assert not (await session.call_tool("status", {})).is_error

    assert "Traceback" not in server.ask(body)


def test_no_path_leads_out_of_the_roots(server: Server, index: Index, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the password\n")
    (index.folder / "link.txt").symlink_to(secret)
    (index.folder / "out").symlink_to(tmp_path)
    (index.folder / "note.txt").write_text("a note\n")
    index.settle()
    # A link takes the place of a file that the index has: the text is still the one that was read in the root.
    (index.folder / "note.txt").unlink()
    (index.folder / "note.txt").symlink_to(secret)
    paths = [
        *(secret, f"{index.folder}/../secret.txt", f"{index.folder}/link.txt", f"{index.folder}/out/secret.txt"),
        *("/etc/passwd", "note.txt", "../../etc/passwd", f"{index.folder}/./note.txt", f"{index.folder}//note.txt"),
        *(index.folder, "/", "a\0b", f"{index.folder}/note.txt/"),
    ]

    async def body(session: ClientSession) -> None:
        for path in paths:
            answer = await session.call_tool("read_file", {"path": str(path)})
            assert answer.is_error, path
            assert "the index has no file" in text_of(answer)
            assert "password" not in text_of(answer)
        note = await session.call_tool("read_file", {"path": f"{index.folder}/note.txt"})
        assert texts_of(note)[1] == "1\ta note\n"
        elsewhere = await session.call_tool("read_file", {"path": f"{index.folder}/note.txt", "host": "elsewhere"})
        assert elsewhere.is_error

    server.ask(body)


def test_a_long_text_comes_in_parts(server: Server, index: Index) -> None:
    path = index.folder / "long.txt"
    path.write_text("".join(f"line {number} {'x' * 90}\n" for number in range(1, 1201)))
    index.settle()

    async def body(session: ClientSession) -> None:
        numbers: list[int] = []
        first: int | None = 1
        while first is not None:
            answer = await session.call_tool("read_file", {"path": str(path), "first_line": first})
            numbers += [int(line.split("\t")[0]) for line in texts_of(answer)[1].splitlines()]
            _, _, more = texts_of(answer)[0].partition("first_line=")
            first = int(more) if more else None
        assert numbers == list(range(1, 1201))

    server.ask(body)


def test_without_a_database_each_call_says_what_to_do(server: Server) -> None:
    del server.environment["MAGICFS_DATABASE_URL"]

    async def body(session: ClientSession) -> None:
        assert len((await session.list_tools()).tools) == len(TOOLS)
        for name, arguments in (("search", {"query": "a"}), ("status", {}), ("read_file", {"path": "/a"})):
            answer = await session.call_tool(name, arguments)
            assert answer.is_error
            assert "magicfs up" in text_of(answer)

    server.ask(body)


def test_a_call_after_lost_connections_gets_its_answer(server: Server, index: Index) -> None:
    async def body(session: ClientSession) -> None:
        for _ in range(3):
            answer = await session.call_tool("status", {})
            assert not answer.is_error, text_of(answer)
            ended = index.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ 'mcp'")
            assert ended

    server.ask(body)


def test_a_client_of_the_newest_version_needs_no_handshake(server: Server) -> None:
    async def talk() -> None:
        async with Client(stdio_client(server.parameters()), mode=LATEST_PROTOCOL_VERSION) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
            assert not (await client.call_tool("status", {})).is_error

    anyio.run(talk)


def test_it_survives_what_is_no_message_and_ends_with_its_input(server: Server) -> None:
    with server.process() as process:
        call = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "status", "arguments": {}}}
        tell(process, INITIALIZE, INITIALIZED, "no json", "[1, 2", "", "x" * (3 << 20), '{"jsonrpc": "2.0"}', call)
        assert hear(process, 1)["result"]["serverInfo"]["name"] == "magicfs"
        assert not hear(process, 3)["result"]["isError"]
        tell(process, *({"jsonrpc": "2.0", "id": number, "method": "ping"} for number in range(10, 300)))
        assert hear(process, 299)["result"] == {}
        tell(process, *(call | {"id": number} for number in range(1000, 1100)))
        assert hear(process, 1099)["result"]
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=SECONDS) == 0


def test_a_client_that_dies_before_its_answer_is_no_fault(server: Server) -> None:
    with server.process() as process:
        tell(process, INITIALIZE, INITIALIZED)
        hear(process, 1)
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        tell(process, {"jsonrpc": "2.0", "id": 2, "method": "ping"})
        process.stdin.close()
        assert process.wait(timeout=SECONDS) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(server: Server, number: signal.Signals) -> None:
    with server.process() as process:
        tell(process, INITIALIZE, INITIALIZED)
        hear(process, 1)
        process.send_signal(number)
        began = time.monotonic()
        assert process.wait(timeout=SECONDS) == -number
        assert time.monotonic() - began < SECONDS / 4
        assert process.stderr
        assert "Traceback" not in process.stderr.read()


def test_without_the_sdk_a_line_says_how_it_is_installed(server: Server) -> None:
    program = (
        "import importlib.util, sys; found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'mcp' else found(name, *more)\n"
        "from magicfs.cli import execution; sys.exit(execution.run(['mcp']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=server.environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().endswith("the package mcp is not installed: pip install 'magicfs[mcp]'")
