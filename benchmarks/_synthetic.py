"""A large synthetic index: chunks with random words and vectors, written to the real tables without a pipeline.

Vectors are those of `_synthetic_vectors.py`. Words are as frequent as in natural text: by the law of Zipf and
Mandelbrot, with more different words the more text there is (the law of Heaps), in chunks of different lengths. A chunk
has some words of its subject besides. The chunks of a file have one subject, and subjects with neighbouring numbers
share a directory. The right answer to every query here is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from _synthetic_vectors import directions, nearest, questions_about, texts_in
from numpy.typing import NDArray
from pgvector import HalfVector

from magicfs.db.connection import accept_vectors
from magicfs.db.planner_statistics import refresh_statistics
from magicfs.db.pool import Connection, Database, fetch_one
from magicfs.db.vectors.model_changes import activate_model
from magicfs.domain.models import IndexedModel, ModelSpec, Precision
from magicfs.domain.term_weights import term_weights

CHUNKS_IN_FILE = 10
FILES_IN_SUBJECT = 20
"""Those of a subject share words."""
HEAPS_FACTOR, HEAPS_EXPONENT = 30, 0.55
"""Text of n words has this factor times n to this exponent different words: 160,000 of them in 100,000 chunks."""
MANDELBROT = 2.7
"""The frequency of a word is as one over its rank plus this."""
STOP_WORDS = 30
"""How many of the most frequent words are left out, as in every index. The next one is in a quarter of all chunks."""
WORDS = 50
"""Words of a chunk beside those of its subject, in the median."""
LENGTH_SPREAD = 0.4
"""Standard deviation of the logarithm of a chunk's length."""
SHORTEST, LONGEST = 8, 150
SUBJECT_WORDS = 8
MOST_FREQUENT_SUBJECT_WORD = 300
"""Its rank. Words of a subject are rarer than those of all texts."""
FOLDERS = 8
WRITTEN_AT_ONCE = 10_000
"""Chunks whose words are chosen together."""
SYLLABLES = ("ba", "co", "du", "fe", "gi", "ko", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve", "wi", "zo")

STATEMENTS = {
    name.strip(): body.encode()
    for name, _, body in (
        part.partition("\n") for part in Path(__file__).with_suffix(".sql").read_text().split("-- name: ")[1:]
    )
}


@dataclass(frozen=True, slots=True)
class Synthetic:
    """The content of the index. A chunk's id is its row in `vectors`, a file's id is a tenth of its chunks'."""

    model: IndexedModel
    vectors: NDArray[np.float16]
    """As the table has them."""
    words: list[str]
    """By rank, the most frequent ones first; the first `STOP_WORDS` are in no text."""
    files: NDArray[np.float32]
    """The direction of each file."""
    subject_ranks: NDArray[np.int64]
    """The ranks of the words of each subject."""

    def exact(
        self, vectors: NDArray[np.float32], allowed: NDArray[np.bool_], *, count: int
    ) -> Iterator[frozenset[int]]:
        """The nearest allowed chunks to each vector, found by comparing all."""
        return nearest(self.vectors, np.flatnonzero(allowed), vectors, count=count)

    def subject_words(self, subject: int) -> list[str]:
        """The words of a subject."""
        return [self.words[rank] for rank in self.subject_ranks[subject]]

    def question(self, random: np.random.Generator) -> tuple[str, NDArray[np.float32]]:
        """Two to four words, of one subject and common ones, and the vector of a text on that subject."""
        file = int(random.integers(len(self.files)))
        words = self.subject_words(file // FILES_IN_SUBJECT)
        about = random.choice(words, size=int(random.integers(1, 3)), replace=False)
        ranks = _zipf(random, int(random.integers(1, 3)), STOP_WORDS, len(self.words))
        text = " ".join([*about, *(self.words[rank] for rank in ranks)])
        return text, questions_about(self.files[[file]], random)[0]


def fill(database: Database, *, chunks: int, dimension: int, seed: int) -> Synthetic:
    """Write `chunks` chunks to an empty index with the current schema, as an importer and then an agent would."""
    random = np.random.default_rng(seed)
    with database.transaction() as connection:
        made = _make(connection, random, chunks=chunks, dimension=dimension)
        index = fetch_one(connection.execute(STATEMENTS["words_index"]))[0]
        connection.execute(STATEMENTS["drop_words_index"])
        _copy_chunks(connection, made, random)
        _copy_vectors(connection, made)
        sizes = {"files": len(made.files), "in_file": CHUNKS_IN_FILE, "folders": FOLDERS}
        _execute_all(connection, ("host", "root", "contents", "content_chunks", "files"), sizes)
        connection.execute(STATEMENTS["memory"])
        connection.execute(index.encode())
    with database.autocommit() as connection:
        _execute_all(connection, ("vacuum",), None)
    refresh_statistics(database)
    return made


def read(database: Database, *, chunks: int, dimension: int, seed: int) -> Synthetic | None:
    """What `fill` has written with these numbers; None in an empty index. Raises `ValueError` for other ones."""
    with database.transaction() as connection:
        accept_vectors(connection)
        last = connection.execute(STATEMENTS["last_vector"]).fetchone()
        if last is None:
            return None
        if (last[0], last[1].dimensions()) == (chunks - 1, dimension):
            made = _make(connection, np.random.default_rng(seed), chunks=chunks, dimension=dimension)
            if np.array_equal(last[1].to_numpy(), made.vectors[-1]):
                return made
    raise ValueError("it has other chunks: give the sizes with which it was filled, or another directory")


def _make(connection: Connection, random: np.random.Generator, *, chunks: int, dimension: int) -> Synthetic:
    """All but the texts."""
    spec = ModelSpec("benchmark/clustered", Precision.FP32, dimension=dimension, max_tokens=256, floor=0.0, ceiling=0.8)
    files = directions(random, (chunks - 1) // CHUNKS_IN_FILE + 1, dimension)
    vectors = texts_in(files, np.arange(chunks) // CHUNKS_IN_FILE, random)
    words = _vocabulary(chunks)
    subjects = (len(files) - 1) // FILES_IN_SUBJECT + 1
    ranks = _zipf(random, subjects * SUBJECT_WORDS, MOST_FREQUENT_SUBJECT_WORD, len(words))
    return Synthetic(activate_model(connection, spec), vectors, words, files, ranks.reshape(-1, SUBJECT_WORDS))


def _execute_all(connection: Connection, names: tuple[str, ...], parameters: Mapping[str, Any] | None) -> None:
    for name in names:
        connection.execute(STATEMENTS[name], parameters)


def _copy_chunks(connection: Connection, made: Synthetic, random: np.random.Generator) -> None:
    with connection.cursor() as cursor, cursor.copy(STATEMENTS["chunks"]) as copy:
        for number, words in enumerate(_texts(made, random)):
            digest = xxhash.xxh3_128_digest(number.to_bytes(8))
            vector = _vector_of(words)
            copy.write_row((number, digest, " ".join(words), 90, vector, term_weights(vector)))


def _copy_vectors(connection: Connection, made: Synthetic) -> None:
    accept_vectors(connection)
    with connection.cursor() as cursor, cursor.copy(STATEMENTS["embeddings"]) as copy:
        copy.set_types(["int2", "int8", "text", "halfvec"])
        for number, vector in enumerate(made.vectors):
            copy.write_row((made.model.id, number, "done", HalfVector(vector)))


def _texts(made: Synthetic, random: np.random.Generator) -> Iterator[list[str]]:
    """The words of each chunk, those of its subject last."""
    for start in range(0, len(made.vectors), WRITTEN_AT_ONCE):
        numbers = range(start, min(start + WRITTEN_AT_ONCE, len(made.vectors)))
        lengths = np.clip(random.lognormal(np.log(WORDS), LENGTH_SPREAD, len(numbers)), SHORTEST, LONGEST).astype(int)
        ranks = _zipf(random, int(lengths.sum()), STOP_WORDS, len(made.words)).tolist()
        last = 0
        for number, length in zip(numbers, lengths.tolist(), strict=True):
            first, last = last, last + length
            subject = number // CHUNKS_IN_FILE // FILES_IN_SUBJECT
            yield [*(made.words[rank] for rank in ranks[first:last]), *made.subject_words(subject)]


def _vector_of(words: list[str]) -> str:
    """The words with their places, as Postgres reads a `tsvector`."""
    places: dict[str, list[str]] = {}
    for place, word in enumerate(words, 1):
        places.setdefault(word, []).append(str(place))
    return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())


def _vocabulary(chunks: int) -> list[str]:
    """Words of five syllables that stemming keeps apart, as many as a text of so many chunks has."""
    base = len(SYLLABLES)
    size = int(HEAPS_FACTOR * (chunks * (WORDS + SUBJECT_WORDS)) ** HEAPS_EXPONENT)
    return [
        "".join(SYLLABLES[rank * 7919 // base**place % base] for place in range(5)) + "x"
        for rank in range(min(size, base**5))
    ]


def _zipf(random: np.random.Generator, count: int, first: int, size: int) -> NDArray[np.int64]:
    """Random ranks of words from `first` to `size`, each as frequent as it is in natural text."""
    lowest, highest = first + MANDELBROT, size + MANDELBROT
    ranks = lowest * (highest / lowest) ** random.random(count) - MANDELBROT
    return np.minimum(ranks.astype(np.int64), size - 1)
