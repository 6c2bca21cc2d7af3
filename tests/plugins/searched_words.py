"""An index of text whose words are as frequent as those of natural text, made in SQL: a search's plans depend on that.

The words are `word(1)`, the most frequent one, to `word(WORDS)`; the n-th word is n times as rare as the first (Zipf).
Each is its own stem, so `simple` gives the words that `magicfs.text.analysis` would.
"""

from __future__ import annotations

from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model
from magicfs.domain.models import ModelSpec, Precision
from magicfs.domain.term_weights import term_weights

WORDS = 50_000
"""Different words."""
CHUNKS_IN_FILE = 10
DIMENSION = 8
SPEC = ModelSpec(name="test/random", precision=Precision.FP32, dimension=DIMENSION, max_tokens=256)

_DIGITS, _LETTERS = "0123456789", "bcdfghjklm"

# `n` makes Postgres compute a random value for each row.
_CHUNKS = f"""
INSERT INTO chunks (digest, text, tokens, words)
SELECT decode(md5(n::text), 'hex'), text, 60, to_tsvector('simple', text)
FROM (SELECT n, (SELECT string_agg('w' || translate(
                            floor(exp(random() * ln({WORDS})))::text, '{_DIGITS}', '{_LETTERS}'), ' ')
                 FROM generate_series(1, 60 + 0 * n)) AS text
      FROM generate_series(1, %(chunks)s::integer) AS n OFFSET 0) AS made
"""

_CONTENTS = f"""
INSERT INTO contents (digest, extractor, kind, size, mime_type)
SELECT decode(md5(n::text), 'hex'), 1, 'text', 1000, 'text/plain'
FROM generate_series(1, %(chunks)s::integer / {CHUNKS_IN_FILE}) AS n
"""

_PLACES = f"""
INSERT INTO content_chunks (content_id, ordinal, chunk_id, first_line, last_line)
SELECT (id - 1) / {CHUNKS_IN_FILE} + 1, (id - 1) %% {CHUNKS_IN_FILE}, id, 1, 9 FROM chunks
"""

_FILES = f"""
INSERT INTO files (root_id, path, display, extension, words, folded, size, mtime_ns, ctime_ns, ino, mode, uid, gid,
                   state, content_id)
SELECT roots.id, convert_to(display, 'UTF8'), display, extension,
       setweight(to_tsvector('simple', translate(display, '/_.', '   ')), 'A'), lower(display),
       1000, n, 0, n, 420, 0, 0, 'indexed', n
FROM roots, generate_series(1, %(chunks)s::integer / {CHUNKS_IN_FILE}) AS n,
LATERAL (SELECT CASE WHEN n %% 50 = 0 THEN 'rst' WHEN n %% 5 = 0 THEN 'md' ELSE 'txt' END AS extension) AS kind,
LATERAL (SELECT 'part' || n %% 20 || '/w' || translate((n %% 300)::text, '{_DIGITS}', '{_LETTERS}')
                || '_' || n || '.' || extension AS display) AS named
"""

_VECTORS = f"""
INSERT INTO embeddings (model_id, chunk_id, state, vector)
SELECT %(model)s::smallint, id, 'done',
       (SELECT l2_normalize(array_agg(random() - 0.5)::vector)::halfvec FROM generate_series(1, {DIMENSION} + 0 * id))
FROM chunks
"""


_WORDS = "SELECT id, words::text FROM chunks WHERE id > %(first)s AND id <= %(last)s"

_WEIGHTS = """
UPDATE chunks SET terms = computed.terms::sparsevec
FROM unnest(%(ids)s::bigint[], %(weights)s::text[]) AS computed (id, terms) WHERE chunks.id = computed.id
"""

WEIGHED_AT_ONCE = 10_000


_MULTIPLY = (
    "DROP INDEX chunks_words",
    """
    INSERT INTO chunks (digest, text, tokens, words, terms)
    SELECT decode(md5(chunks.id || '.' || n), 'hex'), '', tokens, words, terms
    FROM generate_series(2, %(times)s::integer) AS n, chunks ORDER BY n, chunks.id
    """,
    """
    INSERT INTO contents (digest, extractor, kind, size, mime_type)
    SELECT decode(md5(contents.id || '.' || n), 'hex'), extractor, kind, size, mime_type
    FROM generate_series(2, %(times)s::integer) AS n, contents ORDER BY n, contents.id
    """,
    """
    INSERT INTO content_chunks (content_id, ordinal, chunk_id, first_line, last_line)
    SELECT content_id + (n - 1) * (%(chunks)s::integer / 10), ordinal, chunk_id + (n - 1) * %(chunks)s::integer, 1, 9
    FROM generate_series(2, %(times)s::integer) AS n, content_chunks
    """,
    """
    INSERT INTO files (root_id, path, display, extension, words, folded, size, mtime_ns, ctime_ns, ino, mode, uid, gid,
                       state, content_id)
    SELECT root_id, path || convert_to('.' || n, 'UTF8'), display || '.' || n, extension, words, folded || '.' || n,
           size, mtime_ns + n, 0, ino, mode, uid, gid, state, content_id + (n - 1) * (%(chunks)s::integer / 10)
    FROM generate_series(2, %(times)s::integer) AS n, files
    """,
    """
    INSERT INTO embeddings (model_id, chunk_id, state, vector)
    SELECT model_id, chunk_id + (n - 1) * %(chunks)s::integer, state,
           (vector::vector + array_fill((0.001 * n)::real, ARRAY[vector_dims(vector)])::vector)::halfvec
    FROM generate_series(2, %(times)s::integer) AS n, embeddings
    """,
    "CREATE INDEX chunks_words ON chunks USING gin (words)",
)


def word(rank: int) -> str:
    """The word that is `rank` times as rare as the most frequent one."""
    return "w" + str(rank).translate(str.maketrans(_DIGITS, _LETTERS))


def fill_with_natural_words(database: Database, *, chunks: int) -> None:
    """Write `chunks` chunks with vectors into an empty index, ten to a file, and update Postgres's statistics."""
    with database.transaction() as connection:
        model = activate_model(connection, SPEC).id
        connection.execute("SELECT setseed(0.5)")
        connection.execute("INSERT INTO hosts (name) VALUES ('box')")
        connection.execute("INSERT INTO roots (host_id, path, name, device) SELECT id, '/data', 'papers', 1 FROM hosts")
        for statement in (_CHUNKS, _CONTENTS, _PLACES, _FILES, _VECTORS):
            connection.execute(statement, {"chunks": chunks, "model": model}, prepare=False)
    for first in range(0, chunks, WEIGHED_AT_ONCE):
        with database.transaction() as connection:
            values = {"first": first, "last": first + WEIGHED_AT_ONCE}
            rows = connection.execute(_WORDS, values).fetchall()
            weights = [term_weights(words) for _, words in rows]
            connection.execute(_WEIGHTS, {"ids": [row[0] for row in rows], "weights": weights})
    with database.autocommit() as connection:
        connection.execute("VACUUM ANALYZE")


def multiply(database: Database, *, chunks: int, times: int) -> None:
    """Copy the `chunks` chunks of an index until it has `times` as many, each in files of its own with a near vector.

    Copies cost a fraction of new text, and words are as frequent as before.
    """
    with database.transaction() as connection:
        connection.execute("SET LOCAL maintenance_work_mem = '1GB'")
        connection.execute("SET LOCAL synchronous_commit = off")
        for statement in _MULTIPLY:
            connection.execute(statement, {"chunks": chunks, "times": times}, prepare=False)
    with database.autocommit() as connection:
        connection.execute("VACUUM ANALYZE")
