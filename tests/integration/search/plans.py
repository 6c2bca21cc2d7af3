"""The plans of a search's statements, as Postgres makes them for the very parameters and settings of the search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one statement."""

    statement: str
    root: dict[str, Any]

    @property
    def blocks(self) -> int:
        """The blocks that the statement has read, wherever they were; 0 unless the plan was analysed."""
        return int(self.root.get("Shared Hit Blocks", 0) + self.root.get("Shared Read Blocks", 0))

    def nodes(self) -> Iterator[dict[str, Any]]:
        """All nodes of the plan."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.get("Plans", [])

    def sequential_scans(self) -> set[str]:
        """The tables that the statement reads from beginning to end."""
        return {node["Relation Name"] for node in self.nodes() if node["Node Type"] == "Seq Scan"}

    def has_materialised_subplan(self) -> bool:
        """Whether a condition searches a list of rows from its beginning for each row that it is checked for."""
        return any(
            node["Node Type"] == "Materialize" and node.get("Parent Relationship") == "SubPlan" for node in self.nodes()
        )


@contextmanager
def recorded_plans(*, analysed: bool = False) -> Iterator[list[Plan]]:
    """The plans of all queries that any connection executes inside the block, which are executed too.

    With `analysed`, what the execution has read is in the plans.
    """
    options_of_plan = "ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON" if analysed else "FORMAT JSON"
    explain = sql.SQL(f"EXPLAIN ({options_of_plan}) ")  # type: ignore[arg-type]
    plans: list[Plan] = []
    execute = psycopg.Connection.execute

    def explain_and_execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        composable = query if isinstance(query, sql.Composable) else sql.SQL(query)
        text = composable.as_string(self)
        if text.startswith(("SELECT", "WITH")) and " FROM " in text.replace("\n", " "):
            [(plan,)] = execute(self, explain + composable, params, prepare=False).fetchall()
            plans.append(Plan(text, plan[0]["Plan"]))
        return execute(self, query, params, **options)

    @contextmanager
    def unpipelined(self: Any) -> Iterator[None]:
        # An explanation is awaited before its statement is sent. What is sent together is a transaction.
        with self.transaction():
            yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Connection, "pipeline", unpipelined)
        patch.setattr(psycopg.Connection, "execute", explain_and_execute)
        yield plans
