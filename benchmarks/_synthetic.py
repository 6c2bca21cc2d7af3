"""A large synthetic index: chunks with random words and vectors, written to the real tables without a pipeline.

Vectors form clusters, and those form larger ones, as those of real texts do: subjects of a topic have a cosine of about
0.67, topics of a field one of 0.33. Words are as frequent as in natural text: by the law of Zipf and Mandelbrot, with
more different words the more text there is (the law of Heaps), in chunks of different lengths. A chunk has some words
of its subject besides. The chunks of a file have one subject, and subjects with neighbouring numbers share a directory.
The right answer to every query here is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector

from magicfs.db.connection import accept_vectors
from magicfs.db.models import activate_model
from magicfs.db.pool import Connection, Database
from magicfs.domain.models import IndexedModel, ModelSpec, Precision
from magicfs.domain.term_weights import term_weights

CHUNKS_IN_SUBJECT = 200
CHUNKS_IN_FILE = 10
SUBJECTS_IN_TOPIC = 50
TOPICS_IN_FIELD = 10
SPREAD = 0.8
"""Length of the noise that is added to a subject's direction: chunks of one subject have a cosine of about 0.6."""
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
COMPARED_AT_ONCE = 16
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
    vectors: NDArray[np.float32]
    """As the table has them: rounded to half precision."""
    words: list[str]
    """By rank, the most frequent ones first; the first `STOP_WORDS` are in no text."""
    subjects: NDArray[np.float32]
    subject_ranks: NDArray[np.int64]
    """The ranks of the words of each subject."""

    def exact(
        self, vectors: NDArray[np.float32], allowed: NDArray[np.bool_], *, count: int
    ) -> Iterator[frozenset[int]]:
        """The nearest allowed chunks to each vector, found by comparing all."""
        numbers = np.flatnonzero(allowed)
        within = self.vectors[numbers]
        for start in range(0, len(vectors), COMPARED_AT_ONCE):
            cosines = vectors[start : start + COMPARED_AT_ONCE] @ within.T
            for nearest in np.argpartition(-cosines, count, axis=1)[:, :count]:
                yield frozenset(int(number) for number in numbers[nearest])

    def subject_words(self, subject: int) -> list[str]:
        """The words of a subject."""
        return [self.words[rank] for rank in self.subject_ranks[subject]]

    def question(self, random: np.random.Generator) -> tuple[str, NDArray[np.float32]]:
        """Two to four words, of one subject and common ones, and the vector of a text on that subject."""
        subject = int(random.integers(len(self.subjects)))
        about = random.choice(self.subject_words(subject), size=int(random.integers(1, 3)), replace=False)
        ranks = _zipf(random, int(random.integers(1, 3)), STOP_WORDS, len(self.words))
        text = " ".join([*about, *(self.words[rank] for rank in ranks)])
        return text, _near(self.subjects[[subject]], random)[0]


def fill(database: Database, *, chunks: int, dimension: int, seed: int) -> Synthetic:
    """Write `chunks` chunks to an empty index with the current schema."""
    random = np.random.default_rng(seed)
    spec = ModelSpec("benchmark/clustered", Precision.FP32, dimension=dimension, max_tokens=256, floor=0.0, ceiling=0.8)
    subjects = _directions(random, max(2, chunks // CHUNKS_IN_SUBJECT), dimension)
    subject_of = _subject_of_chunks(chunks, len(subjects))
    vectors = _near(subjects[subject_of], random).astype(np.float16).astype(np.float32)
    words = _vocabulary(chunks)
    ranks = _zipf(random, len(subjects) * SUBJECT_WORDS, MOST_FREQUENT_SUBJECT_WORD, len(words))
    files = (chunks - 1) // CHUNKS_IN_FILE + 1
    with database.transaction() as connection:
        model = activate_model(connection, spec)
        made = Synthetic(model, vectors, words, subjects, ranks.reshape(-1, SUBJECT_WORDS))
        connection.execute(STATEMENTS["stage"])
        _stage(connection, made, subject_of, random)
        connection.execute(STATEMENTS["chunks"])
        connection.execute(STATEMENTS["embeddings"], {"model": made.model.id})
        connection.execute(STATEMENTS["host"])
        connection.execute(STATEMENTS["root"])
        connection.execute(STATEMENTS["contents"], {"files": files})
        connection.execute(STATEMENTS["content_chunks"], {"in_file": CHUNKS_IN_FILE})
        connection.execute(STATEMENTS["files"], {"folders": FOLDERS, "files": files})
    with database.transaction() as connection:
        connection.execute(STATEMENTS["analyze"])
    return made


def _subject_of_chunks(chunks: int, subjects: int) -> NDArray[np.int64]:
    """The subject of each chunk, which is that of its file. Subjects ascend with files."""
    file_of = np.arange(chunks) // CHUNKS_IN_FILE
    return file_of * subjects // int(file_of[-1] + 1)


def _stage(connection: Connection, made: Synthetic, subject_of: NDArray[np.int64], random: np.random.Generator) -> None:
    lengths = np.clip(random.lognormal(np.log(WORDS), LENGTH_SPREAD, len(made.vectors)), SHORTEST, LONGEST).astype(int)
    accept_vectors(connection)
    with connection.cursor() as cursor, cursor.copy(STATEMENTS["copy"]) as copy:
        copy.set_types(["int8", "text", "text", "halfvec"])
        for number, vector in enumerate(made.vectors):
            ranks = _zipf(random, int(lengths[number]), STOP_WORDS, len(made.words))
            words = [*(made.words[rank] for rank in ranks), *made.subject_words(int(subject_of[number]))]
            copy.write_row((number, " ".join(words), term_weights(_vector_of(words)), HalfVector(vector)))


def _vector_of(words: list[str]) -> str:
    """The words as Postgres reads a `tsvector`."""
    return " ".join(f"'{word}':{','.join(['1'] * count)}" for word, count in Counter(words).items())


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


def _directions(random: np.random.Generator, subjects: int, dimension: int) -> NDArray[np.float32]:
    """The directions of subjects: sums of a direction of their field, one of their topic, and one of their own."""
    total = np.zeros((subjects, dimension), dtype=np.float32)
    for members in (1, SUBJECTS_IN_TOPIC, SUBJECTS_IN_TOPIC * TOPICS_IN_FIELD):
        groups = (subjects - 1) // members + 1
        own = _unit(random.standard_normal((groups, dimension), dtype=np.float32))
        total += own[np.arange(subjects) // members]
    return _unit(total)


def _near(directions: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    noise = random.standard_normal(directions.shape, dtype=np.float32)
    noise *= SPREAD / np.sqrt(directions.shape[1], dtype=np.float32)
    return _unit(directions + noise)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
