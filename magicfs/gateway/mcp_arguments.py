"""The arguments of the tools that assistants have, as clients are told of them: what each means, and what it may be.

Used by `mcp_tools`; `mcp_server` checks them before a tool runs.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from magicfs.search.context import DEFAULT_CONTEXT_TOKENS
from magicfs.search.normalisation import MAX_QUERY_CHARACTERS

DEFAULT_RESULTS = 10
MAX_RESULTS = 100
MAX_CONTEXT_TOKENS = 20_000
MAX_INTEGER = 2**31 - 1

_QUERY = (
    'What to look for, as people type it: words or a question, "an exact phrase", -without, and filters such as '
    "type:pdf ext:md in:folder name:*.py lang:german after:2026-01-31 before:7d date:2026-01..2026-03 "
    "size:>1m root:papers host:box; "
    "a minus before a filter leaves its files out: -ext:log."
)

Query = Annotated[str, Field(min_length=1, max_length=MAX_QUERY_CHARACTERS, description=_QUERY)]

Limit = Annotated[int, Field(ge=1, le=MAX_RESULTS, description="The most results.")]
Path = Annotated[str, Field(min_length=1, max_length=4096, description="Absolute, exactly as search returns it.")]
Host = Annotated[
    str | None, Field(description="The host of the result, where several hosts have such a path.", max_length=255)
]


class Arguments(BaseModel):
    """The arguments of a tool; others than the named ones are errors."""

    model_config = ConfigDict(extra="forbid")


class SearchArguments(Arguments):
    """The arguments of `search`."""

    query: Query
    limit: Annotated[
        Limit | None,
        Field(description=f"The most results; without it those of limit: in the query, or else {DEFAULT_RESULTS}."),
    ] = None


class SimilarArguments(Arguments):
    """The arguments of `similar`."""

    path: Path
    host: Host = None
    limit: Limit = DEFAULT_RESULTS


class ContextArguments(Arguments):
    """The arguments of `context`."""

    query: Query
    tokens: Annotated[
        int, Field(ge=50, le=MAX_CONTEXT_TOKENS, description="How many tokens the passages may have together.")
    ] = DEFAULT_CONTEXT_TOKENS


class ReadFileArguments(Arguments):
    """The arguments of `read_file`."""

    path: Path
    host: Host = None
    first_line: Annotated[int, Field(ge=1, le=MAX_INTEGER, description="The first line to read, from 1.")] = 1
    last_line: Annotated[int, Field(ge=1, le=MAX_INTEGER, description="The last line to read.")] = MAX_INTEGER
    page: Annotated[int | None, Field(ge=1, le=MAX_INTEGER, description="Only this page, in a format with pages.")] = (
        None
    )


class StatusArguments(Arguments):
    """`status` has none."""
