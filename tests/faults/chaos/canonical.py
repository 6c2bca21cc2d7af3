"""The content of an index without what differs between two equal ones: ids, times, and names of workers."""

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
"""The smallest cosine of two vectors that count as equal, because the table rounds to half precision."""


def files_of(database: Database) -> dict[bytes, tuple[Any, ...]]:
    """Every file by its path: state, reason, digest, and chunks with their lines."""
    with database.transaction() as connection:
        return {row[0]: row[1:] for row in connection.execute(FILES)}


def vectors_of(database: Database) -> dict[tuple[str, str], tuple[str, str | None, Any]]:
    """Every chunk of a file by its context and text: state, reason and vector."""
    with database.transaction() as connection:
        return {
            (context, text): (
                state,
                reason,
                None if vector is None else np.array(vector[1:-1].split(","), dtype=np.float32),
            )
            for context, text, state, reason, vector in connection.execute(VECTORS)
        }


def assert_equal(actual: Database, expected: Database) -> int:
    """Assert that two indexes of one tree are equal. Returns how many chunks they have."""
    files, expected_files = files_of(actual), files_of(expected)
    surplus, missing = files.keys() - expected_files.keys(), expected_files.keys() - files.keys()
    assert not surplus, f"not on disk, or ignored: {surplus}"
    assert not missing, f"missing: {missing}"
    different = {path: (files[path], expected_files[path]) for path in files if files[path] != expected_files[path]}
    assert not different, "\n".join(
        f"{path!r}:\n  is   {is_}\n  must {must}" for path, (is_, must) in different.items()
    )
    vectors, expected_vectors = vectors_of(actual), vectors_of(expected)
    assert vectors.keys() == expected_vectors.keys()
    for chunk, (state, reason, vector) in vectors.items():
        expected_state, expected_reason, expected_vector = expected_vectors[chunk]
        assert (state, reason) == (expected_state, expected_reason), chunk
        assert float(vector @ expected_vector) >= TOLERANCE * float(np.linalg.norm(vector)), chunk
    return len(vectors)
