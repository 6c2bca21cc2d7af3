"""Replaces chunks by pieces of them, in every content that has them: what a model with a shorter input needs.

The embed workers use it. It cuts no text itself, see `magicfs.pipeline.rechunk`. Runs in the caller's transaction, and
locks contents, then chunks, then the queue, as the transaction that stores a new content does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from magicfs.db.corpus.contents import chunk_columns, chunk_digest
from magicfs.db.pool import Connection
from magicfs.db.queries import load_queries
from magicfs.domain.chunks import Chunk
from magicfs.domain.ids import ChunkId

_SQL = load_queries("rechunk")
_CONTENTS_SQL = load_queries("contents")


def replace_chunks(connection: Connection, cuts: Mapping[ChunkId, Sequence[Chunk]]) -> None:
    """Put pieces in the places of chunks, queue the pieces, and delete the chunks. Lines of pieces count from 1.

    A chunk stays if another transaction places it in a content at the same moment.
    """
    numbered = [(cut, number, piece) for cut, pieces in cuts.items() for number, piece in enumerate(pieces)]
    pieces = [piece for _, _, piece in numbered]
    values = {
        "cut_ids": list(cuts),
        "pieces": [len(pieces) for pieces in cuts.values()],
        "piece_of": [cut for cut, _, _ in numbered],
        "numbers": [number for _, number, _ in numbered],
        **chunk_columns(pieces, [chunk_digest(piece) for piece in pieces]),
        "first_lines": [piece.first_line for piece in pieces],
        "last_lines": [piece.last_line for piece in pieces],
    }
    values["content_ids"] = [row[0] for row in connection.execute(_SQL["lock_contents_of_chunks"], values)]
    connection.execute(_CONTENTS_SQL["insert_chunks"], values)
    for query in ("move_places", "number_places", "place_pieces", "replace_by_first_piece", "enqueue_pieces"):
        connection.execute(_SQL[query], values)
    locked = [row[0] for row in connection.execute(_CONTENTS_SQL["lock_unplaced_chunks"], {"ids": list(cuts)})]
    deleted = [row[0] for row in connection.execute(_CONTENTS_SQL["delete_chunks"], {"ids": locked})]
    connection.execute(_CONTENTS_SQL["delete_embeddings"], {"ids": deleted})
