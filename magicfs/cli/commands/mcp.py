"""`magicfs mcp`: lets assistants ask the index, over the Model Context Protocol."""

from __future__ import annotations

EXAMPLES = """
Clients start it themselves. Most take this configuration:
    {"mcpServers": {"magicfs": {"command": "magicfs", "args": ["mcp"]}}}

The tools are search, context, read_file, similar and status: docs/mcp.md"""


def mcp() -> None:
    """Answer an assistant: a server of the Model Context Protocol on standard input and output.

    It reads the index and changes nothing, has no network, and ends when its input does.
    """
    from magicfs.cli import environment, wiring

    wiring.run_mcp(environment.settings_for_service("mcp"))
