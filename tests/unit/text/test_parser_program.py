"""What the program that parses files imports, which each of its processes does anew."""

import io
import json
import subprocess
import sys

import pypdf
from pypdf.annotations import Text

IMPORTED = """
import json, sys
import magicfs.text.extract.process.child, magicfs.text.extract.documents.document_parser
from magicfs.text.extract.media import picture_metadata
picture_metadata.warm_up()
print(json.dumps(sorted(sys.modules)))
"""
LOADED_LATE = """
import json, sys
from magicfs.text.extract.documents.document_parser import DocumentParser
from magicfs.text.extract.documents.kreuzberg_parser import KreuzbergParser
from magicfs.text.extract.options import Limits
parser = DocumentParser(KreuzbergParser(ocr=None), limits=Limits())
parser.warm_up()
before = set(sys.modules)
text = parser(sys.stdin.buffer.read(), "application/pdf").document.text
print(json.dumps([text.strip(), sorted(set(sys.modules) - before)]))
"""
NOT_NEEDED = ("magicfs.text.analysis", "magicfs.text.language", "magicfs.text.extract.extractor", "PIL.PdfImagePlugin")
"""What the parent imports of the same packages, and readers of pictures that no file is given to."""


def test_the_program_imports_nothing_that_it_does_not_use() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    imported = set(json.loads(done.stdout))
    assert "PIL.MpoImagePlugin" in imported
    assert not imported & set(NOT_NEEDED)


def test_no_module_is_loaded_for_a_file() -> None:
    """Behind its walls, the program may be unable to read it."""
    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(200, 200)
    writer.add_annotation(page, Text(rect=(0, 0, 50, 50), text="heron"))
    writer.encrypt("", owner_password="egret", algorithm="AES-256")
    content = io.BytesIO()
    writer.write(content)
    done = subprocess.run(
        [sys.executable, "-c", LOADED_LATE], input=content.getvalue(), capture_output=True, check=True
    )
    assert json.loads(done.stdout) == ["heron", []]
