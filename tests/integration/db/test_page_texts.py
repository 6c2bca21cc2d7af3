"""What was read of pictures is found by their digests, in any content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from magicfs.db.corpus.page_texts import picture_texts
from magicfs.db.pool import Database, row_by_row
from magicfs.db.queries import load_queries
from magicfs.domain.contents import PageText
from magicfs.domain.ids import Digest

LOGO, OTHER = Digest(bytes(15) + b"l"), Digest(bytes(15) + b"o")
DOCUMENTS = 2000


def fill(database: Database) -> None:
    """Store documents all of which have the logo."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO contents (digest, extractor, kind, size, mime_type)"
            " SELECT decode(md5(n::text), 'hex'), 1, 'k', 1, 'm' FROM generate_series(1, %(count)s) n",
            {"count": DOCUMENTS},
        )
        connection.execute(
            "INSERT INTO page_texts (content_id, page, text, is_recognised, picture, ocr)"
            " SELECT id, 1, 'our logo', true, %(logo)s, 'tesseract' FROM contents",
            {"logo": LOGO},
        )


def row_counts(plan: Any) -> Iterator[float]:
    """Yield how many rows of the table each part of an executed plan has looked at, rather than of an index."""
    if "Relation Name" in plan:
        yield plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    for part in plan.get("Plans", []):
        yield from row_counts(part)


def test_of_a_logo_that_all_documents_have_one_row_is_looked_at(database: Database) -> None:
    fill(database)
    values = {"pictures": [LOGO, OTHER], "ocr": "tesseract"}
    with database.transaction() as connection, row_by_row(connection):
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {load_queries('page_texts')['picture_texts']}"
        [(plans,)] = connection.execute(explain, values).fetchall()
    assert max(row_counts(plans[0]["Plan"])) <= 1


def test_what_the_present_ocr_has_read_is_taken_before_what_another_has(database: Database) -> None:
    fill(database)
    with database.transaction() as connection:
        connection.execute("UPDATE page_texts SET text = 'our IogO', ocr = 'rapidocr' WHERE content_id % 2 = 0")
        connection.execute("UPDATE page_texts SET text = '', failure = 'crashed' WHERE content_id % 3 = 0")
        assert picture_texts(connection, [LOGO, OTHER], ocr="tesseract") == {LOGO: (PageText("our logo", True), True)}
        assert picture_texts(connection, [LOGO], ocr="rapidocr") == {LOGO: (PageText("our IogO", True), True)}
        [(read, is_by_ocr)] = picture_texts(connection, [LOGO], ocr="none").values()
    assert (read.failure, is_by_ocr) == (None, False)
