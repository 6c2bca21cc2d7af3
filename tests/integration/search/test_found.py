"""Each line of docs/found.md, executed: its file is the first result of its query, in one index of all the files."""

from __future__ import annotations

import contextlib
import io
import lzma
import os
import plistlib
import re
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest

from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model
from magicfs.ingest.roots import add_root
from magicfs.search.render import result_json
from magicfs.search.service import SearchService
from magicfs.text.chunking import TokenChunker
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from tests.fakes.embedder import FakeEmbedder
from tests.integration.search.corpus import ChosenVectors
from tests.plugins import documents, pdf
from tests.plugins.index import HOST, Index, Reader

PAGE = Path(__file__).parents[3] / "docs/found.md"
LINES = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(("| `", "| the same |"))]
MTIME = 1_700_000_000
"""All files are equally new."""

Held = dict[str, str]
"""What a file holds: the parts that the page names, such as `a header`; a text alone has the empty name."""

_NUMBERS = re.compile(r"-?[\d.]+")


def mail_with(parts: Held) -> bytes:
    attachment = parts["an attached file"]
    return documents.mail("see the file", subject="for you", attachments={attachment: documents.picture()})


def photograph(parts: Held) -> bytes:
    numbers = [float(number) for number in _NUMBERS.findall(parts.get("a place", ""))]
    return documents.photograph(
        camera=parts.get("a camera", ""),
        date=parts.get("a date", ""),
        place=(numbers[0], numbers[1]) if numbers else None,
        keywords=parts.get("keywords", ""),
    )


def pdf_with(parts: Held) -> bytes:
    fields = {"surname": parts["a form field"]} if "a form field" in parts else {}
    note, outline = parts.get("a note", ""), parts.get("a title in the outline", "")
    content = pdf.pdf_with_parts("a page with its text", fields=fields, note=note, outline=outline)
    if "an attached file" not in parts:
        return content
    writer, attached = pypdf.PdfWriter(clone_from=io.BytesIO(content)), io.BytesIO()
    writer.add_attachment("order.txt", parts["an attached file"].encode())
    writer.write(attached)
    return attached.getvalue()


WORD_PARTS = {"a header": "header1", "a footer": "footer1", "a footnote": "footnotes", "an endnote": "endnotes"}

BUILDERS: dict[str, Callable[[Held], bytes]] = {
    ".pdf": pdf_with,
    ".docx": lambda parts: documents.word_document(
        **{WORD_PARTS.get(part, "comments"): text for part, text in parts.items()}
    ),
    ".xlsx": lambda parts: documents.workbook({"xl/comments1.xml": documents.sheet_comments(parts["a comment"])}),
    ".pptx": lambda parts: documents.presentation("a slide", notes=parts["speaker notes"]),
    ".odt": lambda parts: documents.text_document("running text", header=parts["a header"]),
    ".eml": mail_with,
    ".fb2": lambda parts: documents.fiction_book("a long voyage", keywords=parts["keywords"]),
    ".jpg": photograph,
    ".mp3": lambda parts: documents.song(**{part.split()[-1]: text for part, text in parts.items()}),
    ".zip": lambda parts: documents.container({parts["a member"]: "\0"}),
    ".nfo": lambda parts: parts["in a charset of DOS"].encode("cp437"),
    ".kmz": lambda parts: documents.container({"doc.kml": f"<kml><name>{parts['places']}</name></kml>"}),
    ".plist": lambda parts: plistlib.dumps({"Sails": parts["a value"]}, fmt=plistlib.FMT_BINARY),
    ".xz": lambda parts: lzma.compress(parts["a text"].encode()),
    ".gz": lambda parts: documents.tar_archive([parts["a member"]], mode="w:gz"),
}
"""Make the bytes of files that are no plain text, by the extension."""


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def content(name: str, cell: str) -> bytes:
    """The bytes of a file that holds what a cell of the page says."""
    if cell == "nothing":
        return b""
    if cell == "a picture":
        return documents.picture()
    if cell == "a film":
        return b"\0\x01\x02" + name.encode()
    parts = {part.strip(" ,"): text for part, text in re.findall(r"([^`]*)`([^`]+)`", cell)}
    if "" in parts:
        return parts[""].replace("\\n", "\n").encode()
    return BUILDERS[Path(name).suffix](parts)


@pytest.fixture
def found(database: Database, tmp_path: Path, tokenizer_path: Path) -> SearchService:
    folder = tmp_path / "docs"
    folder.mkdir()
    for files, held, *_ in map(cells, LINES):
        for name in quoted(files):
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content(name, held))
            os.utime(path, (MTIME, MTIME))
    embedder = FakeEmbedder()
    with database.transaction() as connection:
        activate_model(connection, embedder.spec)
    root = add_root(database, host=HOST, path=folder, home=tmp_path / "home")
    index = Index(database, root, folder, Reader(), embedder, chunker=TokenChunker(tokenizer_path, max_tokens=200))
    with contextlib.closing(FileExtractor(limits=Limits())) as extractor:
        index.reader = extractor
        index.settle()
    return SearchService(database, ChosenVectors(), default_limit=10)


def test_every_example_finds_its_file(found: SearchService) -> None:
    assert len(LINES) > 70
    missed = {}
    for files, _, query, _ in map(cells, LINES):
        hits = found.search(quoted(query)[0], deadline_s=60).hits
        names = [hit.name.decode() for hit in hits[:3]]
        if names[:1] != [Path(name).name for name in quoted(files)[:1] or ["borscht.txt"]]:
            missed[query] = (files, names)
    assert missed == {}


def test_the_examples_of_copies_have_the_results_that_the_page_states(found: SearchService) -> None:
    page = PAGE.read_text(encoding="utf-8")
    lines = page[page.index("\n## Copies\n") :].splitlines()
    for line in lines:
        if line.startswith(("| `", "| the same")):
            _, _, query, results = cells(line)
            shown = result_json(found.search(quoted(query)[0], deadline_s=60))["results"]
            assert [one["path"].rpartition("/docs/")[2] for one in shown] == quoted(results), query
            assert len(shown) + sum(len(one["copies"]) for one in shown) == 2


def test_files_that_are_no_text_are_named_and_no_failures(database: Database, found: SearchService) -> None:
    with database.transaction() as connection:
        rows = connection.execute("SELECT display, state::text FROM files WHERE state <> 'indexed'").fetchall()
    named = {name for files, held, *_ in map(cells, LINES) if not quoted(held) for name in quoted(files)}
    assert dict(rows) == dict.fromkeys(named, "named")
