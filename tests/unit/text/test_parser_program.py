"""What the program that parses files imports, which each of its processes does anew."""

import json
import subprocess
import sys

IMPORTED = """
import json, sys
import magicfs.text.extract.process.child, magicfs.text.extract.documents.document_parser
from magicfs.text.extract.media import picture_metadata
picture_metadata.warm_up()
print(json.dumps(sorted(sys.modules)))
"""
NOT_NEEDED = ("magicfs.text.analysis", "magicfs.text.language", "magicfs.text.extract.extractor", "PIL.PdfImagePlugin")
"""What the parent imports of the same packages, and readers of pictures that no file is given to."""


def test_the_program_imports_nothing_that_it_does_not_use() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    imported = set(json.loads(done.stdout))
    assert "PIL.MpoImagePlugin" in imported
    assert not imported & set(NOT_NEEDED)
