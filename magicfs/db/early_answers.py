"""Answers to some statements of a pipeline while the server executes the others, for which psycopg would wait too.

Used by `magicfs.db.search.candidates`: a search works with what it has while the server looks for more, without a round
trip for that. Both functions are called inside of `Connection.pipeline`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import psycopg
from psycopg import generators


def request_early(connection: psycopg.Connection[Any]) -> None:
    """Ask the server for the answers to the statements so far, before it executes those that follow."""
    connection.pgconn.send_flush_request()


def fetch_early(connection: psycopg.Connection[Any], cursor: psycopg.Cursor[Any]) -> None:
    """Wait for the answer to one statement, for which `request_early` has asked. Raises what psycopg raises for it."""
    pipeline = connection._pipeline  # noqa: SLF001  psycopg has no such function
    if pipeline is None:
        return

    def answers() -> Generator[Any, Any, None]:
        # Else the server keeps the end of the other answers until the pipeline ends.
        connection.pgconn.send_flush_request()
        yield from generators.send(connection.pgconn)
        failure: psycopg.Error | None = None
        # After an error, the other statements are not executed: else the end of the pipeline would log that.
        while pipeline.result_queue and (failure or cursor.pgresult is None):
            results = yield from generators.fetch_many(connection.pgconn)
            if not results:
                break
            try:
                pipeline._process_results(pipeline.result_queue.popleft(), results)  # noqa: SLF001
            except psycopg.Error as error:
                failure = failure or error
        if failure is not None:
            raise failure

    connection.wait(answers())
