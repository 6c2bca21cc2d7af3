"""Compares a question with texts in another language token by token.

One vector of a text says what all of it is about. A question asks about one thing in it, and in another language no
word helps: so the tokens of the question look for their nearest ones in the text, as in late interaction (Khattab and
Zaharia, 2020). Only the nearest texts in other languages are compared, because in a question's own language its words
say the same. Used by `magicfs.search.ranking`. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from magicfs.db.pool import Connection
from magicfs.db.search.file_facts import token_signs
from magicfs.domain.ids import ChunkId
from magicfs.domain.token_vectors import unpack_signs
from magicfs.search.measured_chunks import MeasuredChunks
from magicfs.search.request import SearchRequest

COMPARED = 20
"""The chunks in other languages that are compared: those nearest by their vectors. 50 find little more."""
WEIGHT_OF_MATCH = 4.0
"""What the match of a chunk counts beside its similarity. 3 to 5.5 find as much in a folder of one language."""
MATCH_OF_TWICE = 0.01
"""What a text of twice as many tokens loses of its match: among more there is a nearer one by chance."""


def compare_tokens(
    connection: Connection, request: SearchRequest, chunks: MeasuredChunks, located: Iterable[ChunkId | None]
) -> None:
    """Compare the question with those chunks, of some, that are nearest in other languages, and count their matches."""
    question = next((each for each in request.question_vectors if each.tokens is not None and len(each.tokens)), None)
    if question is None or question.tokens is None:
        return
    across = {
        chunk: evidence.model_similarity
        for chunk, evidence in chunks.of(located).items()
        if evidence.is_across and evidence.model_similarity is not None
    }
    nearest = sorted(across, key=lambda chunk: -across[chunk])[:COMPARED]
    if not nearest:
        return
    signs = token_signs(connection, question.model.id, nearest)
    if signs:
        matches = matches_of_texts(question.tokens, [unpack_signs(packed) for packed in signs.values()])
        chunks.count_matches(dict(zip(signs, (WEIGHT_OF_MATCH * matches).tolist(), strict=True)))


def matches_of_texts(question: NDArray[np.float32], texts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """How much nearer the tokens of a question, shape (n, dimension), come to those of each text than to those of all.

    The match of a text is the mean over the tokens of the question of the greatest cosine to one of the text. A token
    counts by its weight, which is its length, and by how far the texts differ in it: one that is as near to all says
    nothing of which answers. Shape (texts,); the mean is zero.
    """
    weights = np.linalg.norm(question, axis=1)
    nearest = np.stack([(question @ text.T).max(axis=1) / weights for text in texts])
    telling = weights * nearest.std(axis=0)
    if not telling.any():
        return np.zeros(len(texts), np.float32)
    lengths = np.log2([len(text) for text in texts])
    matches = nearest @ (telling / telling.sum()) - MATCH_OF_TWICE * lengths
    beyond: NDArray[np.float32] = matches - matches.mean()
    return beyond
