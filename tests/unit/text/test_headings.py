"""The chunks of documents with pages: what stands above them, what they leave out, and where they end."""

from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from magicfs.db.corpus.contents import chunk_digest
from magicfs.domain.chunks import Chunk, model_input
from magicfs.domain.contents import Document
from magicfs.text.chunking import TokenChunker
from magicfs.text.layout import Role, lines_of
from tests.unit.text.lexemes import positions

PROSE = (
    "The group sells its goods in many countries and sees no end of the demand for them in the\n"
    "years to come, although prices have changed more often than the board had expected them to\n"
    "change when the plans were made."
)
ROWS = "\n".join(
    f"Item number {number} of the movements 1,{number:03} 2,{number:03} (3,{number:03})" for number in range(40)
)


def pdf(*pages: str, title: str | None = None) -> Document:
    texts = [page + "\n\n\n" for page in pages]
    starts = tuple(accumulate((len(text) for text in texts[:-1]), initial=0))
    return Document(text="".join(texts), mime_type="application/pdf", title=title, page_starts=starts)


def roles(*pages: str) -> dict[str, Role]:
    document = pdf(*pages)
    return {line.text: line.role for line in lines_of(document.text, document.page_starts) if line is not None}


def chunks_of(tokenizer_path: Path, document: Document, *, max_tokens: int = 120) -> list[Chunk]:
    return TokenChunker(tokenizer_path, max_tokens=max_tokens).chunks(document)


def test_lines_have_roles_by_their_shape() -> None:
    found = roles(
        f"Note 4. Leased assets\n{PROSE}\nMovements of the Year\n(in millions) 2023 2022\nCost 1,200 1,100\n"
        f"Changes in assets\nAdditions 300 (200)\n{PROSE}"
    )
    assert found["Note 4. Leased assets"] is Role.HEADING
    assert found["Movements of the Year"] is Role.HEADING
    assert found["(in millions) 2023 2022"] is Role.TABLE_HEAD
    assert found["Cost 1,200 1,100"] is Role.ROW
    assert found["Changes in assets"] is Role.LABEL
    assert {found[line] for line in PROSE.splitlines()} == {Role.BODY}


def test_rows_have_the_head_of_their_table_and_the_headings_above(tokenizer_path: Path) -> None:
    document = pdf(
        f"Note 4. Leased assets\n{PROSE}\nMovements of the Year\nIn millions 2023 2022 2021\n{ROWS}\n{PROSE}"
    )
    in_table = [chunk for chunk in chunks_of(tokenizer_path, document) if chunk.text.startswith("Item number")]
    assert len(in_table) > 2
    for chunk in in_table:
        assert chunk.headings.splitlines()[:2] == ["Note 4. Leased assets", "Movements of the Year"]
        assert model_input(chunk).startswith("In millions 2023 2022 2021\nItem number")
        assert {"leased", "movements", "2022"} <= set(positions(chunk.words))


def test_a_heading_ends_what_stands_below_the_one_before(tokenizer_path: Path) -> None:
    pages = [
        f"Note {number}. Subject {name}\n{PROSE}\n{PROSE}\n{PROSE}" for number, name in enumerate(("Ash", "Oak"), 1)
    ]
    last = chunks_of(tokenizer_path, pdf(*pages))[-1]
    assert "Oak" in last.headings
    assert "Ash" not in last.headings


def test_running_headers_and_page_numbers_are_in_no_chunk_but_the_first(tokenizer_path: Path) -> None:
    pages = [
        f"Northwind plc Annual Report\n{name}\n{PROSE}\nPage {number} of 6" for number, name in enumerate("ABCDEF", 1)
    ]
    texts = [chunk.text for chunk in chunks_of(tokenizer_path, pdf(*pages))]
    assert ["Northwind" in text for text in texts] == [True] + [False] * 5
    assert ["Page" in text for text in texts] == [True] + [False] * 5


def test_numbers_at_the_edge_of_pages_stay_unless_they_count_the_pages(tokenizer_path: Path) -> None:
    pages = [f"Invoice {number}\n{PROSE}\nTotal {number * 7 % 1000} euros" for number in range(4711, 4720)]
    texts = [chunk.text for chunk in chunks_of(tokenizer_path, pdf(*pages))]
    for number, text in zip(range(4711, 4720), texts, strict=True):
        assert f"Invoice {number}" in text
        assert f"Total {number * 7 % 1000}" in text


def test_no_chunk_goes_over_the_end_of_a_page(tokenizer_path: Path) -> None:
    words = ("first", "second", "third")
    chunks = chunks_of(tokenizer_path, pdf(*(f"The {word} page.\n{PROSE}" for word in words)), max_tokens=200)
    assert [chunk.page for chunk in chunks] == [1, 2, 3]
    for chunk, word in zip(chunks, words, strict=True):
        assert chunk.text == f"The {word} page.\n{PROSE}"


def test_contents_pages_have_no_headings() -> None:
    contents = "\n".join(
        f"{name} ........ {page}" for page, name in enumerate(["Overview", "Risks", "Results", "Outlook"] * 3, 2)
    )
    found = roles(contents, *([PROSE] * 15))
    assert {found[line] for line in contents.splitlines()} == {Role.CONTENTS}


def test_the_model_reads_the_title_of_short_documents_alone(tokenizer_path: Path) -> None:
    page = f"{PROSE}\n{PROSE}\n{PROSE}"
    short = chunks_of(tokenizer_path, pdf(*([page] * 3), title="Northwind 2023"))
    assert {chunk.context for chunk in short} == {"Northwind 2023"}
    long = chunks_of(tokenizer_path, pdf(*([page] * 21), title="Northwind 2023"))
    assert {chunk.context for chunk in long} == {""}
    assert all("northwind" in positions(chunk.words) for chunk in long)


def test_an_edit_changes_the_chunks_near_it_alone(tokenizer_path: Path) -> None:
    pages = [f"Note {number}. Subject\n{PROSE}\nYear 2023 2022\n{ROWS}" for number in range(1, 12)]
    before = chunks_of(tokenizer_path, pdf(*pages))
    pages[5] = pages[5].replace("many countries", "two countries")
    after = chunks_of(tokenizer_path, pdf(*pages))
    known = {chunk_digest(chunk) for chunk in before}
    assert sum(chunk_digest(chunk) not in known for chunk in after) <= 2


def test_other_formats_have_no_layout(tokenizer_path: Path) -> None:
    document = replace(pdf(f"Note 4. Leased assets\n{PROSE}\n{ROWS}"), mime_type="text/plain", page_starts=())
    assert {chunk.headings for chunk in chunks_of(tokenizer_path, document)} == {""}
