"""Compares a question with texts in another language token by token.

One vector of a text says what all of it is about. A question asks about one thing in it, and in another language no
word helps: so the tokens of the question look for their nearest ones in the text, as in late interaction (Khattab and
Zaharia, 2020). Only the nearest texts in other languages are compared, because in a question's own language its words
say the same. Used by `magicfs.search.ranking`. Runs in the caller's transaction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

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
MATCH_OF_TWICE = 0.018
"""What unrelated texts of twice as many tokens match more: among more there is a nearer one by chance."""


def compare_tokens(
    connection: Connection, request: SearchRequest, chunks: MeasuredChunks, located: Iterable[ChunkId | None]
) -> None:
    """Compare the question with those chunks, of some, that are nearest in other languages, and count their matches.

    A match counts as far as it is beyond the mean of them: to a question that none answers, all have a similar one.
    """
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
    matches = {chunk: beyond_chance(question.tokens, unpack_signs(packed)) for chunk, packed in signs.items()}
    if matches:
        mean = sum(matches.values()) / len(matches)
        chunks.count_matches({chunk: WEIGHT_OF_MATCH * (match - mean) for chunk, match in matches.items()})


def beyond_chance(question: NDArray[np.float32], text: NDArray[np.float32]) -> float:
    """How near the tokens of a question, shape (n, dimension), come to those of a text, shape (m, dimension).

    The mean over the tokens of the question of the greatest cosine, by their weights, which are their lengths; less
    what that is by chance for a text with as many tokens.
    """
    match = float((question @ text.T).max(axis=1).sum() / np.linalg.norm(question, axis=1).sum())
    return match - MATCH_OF_TWICE * math.log2(len(text))
