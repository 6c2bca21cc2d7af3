"""The content of an index without its accidents: ids, times, who did the work and when."""

from __future__ import annotations

from typing import Any

import numpy as np

from magicfs.db.pool import Database

FILES = """
    SELECT f.path, f.state::text, f.reason, encode(c.digest, 'hex'), c.mime_type, c.title,
           (SELECT array_agg((p.ordinal, k.context, k.text, p.first_line, p.last_line, p.page)::text ORDER BY p.ordinal)
            FROM content_chunks p JOIN chunks k ON k.id = p.chunk_id WHERE p.content_id = c.id)
    FROM files f LEFT JOIN contents c ON c.id = f.content_id
"""
VECTORS = """
    SELECT DISTINCT k.context, k.text, e.state::text, e.reason, e.vector::text
    FROM files f JOIN content_chunks p ON p.content_id = f.content_id JOIN chunks k ON k.id = p.chunk_id
    LEFT JOIN models m ON m.state = 'active'
    LEFT JOIN embeddings e ON e.chunk_id = k.id AND e.model_id = m.id
"""
TOLERANCE = 0.9999
"""Least cosine of two vectors that count as the same: halves are rounded."""


def files_of(database: Database) -> dict[bytes, tuple[Any, ...]]:
    """Every file: state, reason, digest, and its chunks with their places."""
    with database.transaction() as connection:
        return {row[0]: row[1:] for row in connection.execute(FILES)}


def vectors_of(database: Database) -> dict[tuple[str, str], tuple[str, str | None, Any]]:
    """Every chunk, by its context and its text, that a file has: whether it has a vector, and which."""
    with database.transaction() as connection:
        return {
            (context, text): (
                state,
                reason,
                None if vector is None else np.array(vector[1:-1].split(","), dtype=np.float32),
            )
            for context, text, state, reason, vector in connection.execute(VECTORS)
        }


def assert_equal(one: Database, other: Database) -> int:
    """Compare two indexes of one tree. Returns how many chunks they have."""
    files, expected = files_of(one), files_of(other)
    only_one, only_other = files.keys() - expected.keys(), expected.keys() - files.keys()
    assert not only_one, f"not on disk, or not wanted: {only_one}"
    assert not only_other, f"missing: {only_other}"
    different = {path: (files[path], expected[path]) for path in files if files[path] != expected[path]}
    assert not different, "\n".join(
        f"{path!r}:\n  is   {is_}\n  must {must}" for path, (is_, must) in different.items()
    )
    vectors, expected_vectors = vectors_of(one), vectors_of(other)
    assert vectors.keys() == expected_vectors.keys()
    for chunk, (state, reason, vector) in vectors.items():
        expected_state, expected_reason, expected_vector = expected_vectors[chunk]
        assert (state, reason) == (expected_state, expected_reason), chunk
        assert float(vector @ expected_vector) >= TOLERANCE * float(np.linalg.norm(vector)), chunk
    return len(vectors)
