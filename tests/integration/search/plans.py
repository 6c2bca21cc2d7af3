"""The plans of a search's statements, as Postgres makes them for the very parameters and settings of the search.

A statement that is prepared is explained as it was prepared: by the plan that was made once, for all values, if it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

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

    @property
    def most_rows(self) -> int:
        """The rows that the node with the most of them has looked at; 0 unless the plan was analysed."""
        kinds = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
        return max(int(sum(node.get(kind, 0) for kind in kinds) * node.get("Actual Loops", 0)) for node in self.nodes())

    @property
    def is_for_all_values(self) -> bool:
        """Whether it was made once, and has the parameters of the statement instead of their values."""
        return re.search(r"\$\d", json.dumps(self.root)) is not None

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
    explain = sql.SQL(f"EXPLAIN ({options_of_plan}) ")
    plans: list[Plan] = []
    execute = psycopg.Connection.execute

    def execute_and_explain(
        self: Any, query: Any, params: Any = None, *, prepare: bool | None = None, **options: Any
    ) -> Any:
        composable = query if isinstance(query, sql.Composable) else sql.SQL(_text(query))
        text = composable.as_string(self)
        found = execute(self, query, params, prepare=prepare, **options)
        if text.startswith(("SELECT", "WITH")) and " FROM " in text.replace("\n", " "):
            if prepare:
                explained = execute(self, explain + _prepared(self, execute, text, params), prepare=False)
            else:
                explained = execute(self, explain + composable, params, prepare=False)
            [(plan,)] = explained.fetchall()
            plans.append(Plan(text, plan[0]["Plan"]))
        return found

    @contextmanager
    def unpipelined(self: Any) -> Iterator[None]:
        # An explanation is awaited before the next statement is sent. What is sent together is a transaction.
        with self.transaction():
            yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Connection, "pipeline", unpipelined)
        patch.setattr(psycopg.Connection, "execute", execute_and_explain)
        yield plans


def _text(query: str | bytes) -> LiteralString:
    return query.decode() if isinstance(query, bytes) else query


def _prepared(connection: Any, execute: Any, text: str, params: Mapping[str, Any] | None) -> sql.Composed:
    """The execution of a statement that psycopg has prepared, with these values."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    numbers = {name: f"${number}" for number, name in enumerate(names, 1)}
    numbered = re.sub(r"%\((\w+)\)s", lambda place: numbers[place[1]], text).replace("%%", "%")
    latest = "SELECT name FROM pg_prepared_statements WHERE statement = %s ORDER BY prepare_time DESC LIMIT 1"
    [(name,)] = execute(connection, latest, (numbered,), prepare=False).fetchall()
    if not names:
        return sql.SQL("EXECUTE {}").format(sql.Identifier(name))
    values = sql.SQL(", ").join(sql.Literal((params or {})[name]) for name in names)
    return sql.SQL("EXECUTE {}({})").format(sql.Identifier(name), values)
