"""A command that searches loads what it uses and no more: its start is most of its time."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.integration.search.corpus import Corpus

HEAVY = (
    "celery",
    "fastembed",
    "huggingface_hub",
    "kombu",
    "kreuzberg",
    "onnxruntime",
    "pydantic",
    "pyfuse3",
    "redis",
    "rich",
    "supervisor",
    "tokenizers",
    "trio",
    "typer",
    "wcwidth",
    "magicfs.cli.application",
    "magicfs.embedding.embedder",
    "magicfs.embedding.query_server",
    "magicfs.search.explanation",
)
"""Libraries, and modules that load some or that only other commands need."""

PROGRAM = """
import json, sys
from magicfs.cli import execution
from magicfs.cli.search_output import answer_of, show
from magicfs.db.pool import Database
from magicfs.embedding import query_client
from magicfs.errors import EmbedderUnavailable
from magicfs.search.service import SearchService
from magicfs.text.analysis import folding, tokens

class NoVectors:
    def embed_by_each(self, text, *, specs, kept, deadline_s):
        return [EmbedderUnavailable("none")] * len(specs)

with Database(sys.argv[1], application="test") as database:
    service = SearchService(database, NoVectors(), default_limit=9)
    for search in (service.search, service.passages):
        result = search(sys.argv[2], deadline_s=60)
        assert result.hits
        show(answer_of(result, host="here"))
made = {name: function.cache_info().currsize for module in (folding, tokens)
        for name, function in vars(module).items() if hasattr(function, "cache_info")}
print(json.dumps([sorted(sys.modules), made]))
"""


def loaded(database_url: str, query: str) -> tuple[list[str], dict[str, int]]:
    """The modules in memory after a search, and which patterns for other scripts than Latin were made."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, database_url, query], stdout=subprocess.PIPE, text=True, check=True
    )
    modules, made = json.loads(done.stdout.splitlines()[-1])
    return modules, made


def test_a_search_in_latin_letters_loads_no_library_and_no_pattern_in_vain(corpus: Corpus, database_url: str) -> None:
    corpus.add(
        b"b\xc3\xbccher.txt", "Die Bücher kosten 20 € – so steht es in „Müllers Liste“ … " + "und so weiter " * 40
    )
    modules, made = loaded(database_url, "Bücher müller")
    assert [name for name in HEAVY if name in modules] == []
    assert made
    assert not any(made.values()), made


def test_another_script_gets_its_patterns(corpus: Corpus, database_url: str) -> None:
    corpus.add(b"a.txt", "新しいファイルを開く")
    _, made = loaded(database_url, "ファイル")
    assert any(made.values())
