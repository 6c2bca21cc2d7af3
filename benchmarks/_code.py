"""A collection of judged questions about code, made from the interpreter's own standard library.

The first line of a function's docstring is the question, the function without its docstring the text that answers it.
Nobody wrote the one to find the other by its words, so such questions show what words are worth where they say little.
The collection depends on the version of Python alone.
"""

from __future__ import annotations

import ast
import hashlib
import sysconfig
import textwrap
from collections.abc import Iterator
from pathlib import Path

FUNCTIONS = 1600
"""So many functions are taken, spread over all modules."""
MIN_QUESTION_WORDS = 4
MIN_LINES = 4
"""A shorter function says no more than its name."""
MAX_LINES = 120
LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "lib2to3", "pydoc_data", "turtledemo"}


def write_collection(folder: Path) -> Path:
    """Write the collection into a folder, as `quality` reads it: `docs/<number>.py`, `queries.tsv`, `qrels.tsv`."""
    (folder / "docs").mkdir(parents=True)
    questions, judgements = [], []
    for number, (question, code) in enumerate(_chosen(), 1):
        (folder / "docs" / f"{number}.py").write_text(code, encoding="utf-8")
        questions.append(f"{number}\t{question}\n")
        judgements.append(f"{number}\t{number}\t1\n")
    (folder / "queries.tsv").write_text("".join(questions), encoding="utf-8")
    (folder / "qrels.tsv").write_text("".join(judgements), encoding="utf-8")
    return folder


def _chosen() -> list[tuple[str, str]]:
    """The questions with their functions, in an order that says nothing. Each question and each function is unique."""
    by_question: dict[str, set[str]] = {}
    by_code: dict[str, set[str]] = {}
    for question, code in _functions():
        by_question.setdefault(question, set()).add(code)
        by_code.setdefault(code, set()).add(question)
    pairs = [
        (question, code) for question, (code, *others) in by_question.items() if not others and len(by_code[code]) == 1
    ]
    pairs.sort(key=lambda pair: hashlib.sha256(pair[0].encode()).digest())
    return pairs[:FUNCTIONS]


def _functions() -> Iterator[tuple[str, str]]:
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted(library.rglob("*.py")):
        if LEFT_OUT.isdisjoint(path.relative_to(library).parts):
            source = path.read_text(encoding="utf-8", errors="replace")
            try:
                tree = ast.parse(source)
            except SyntaxError:
                continue
            lines = source.splitlines()
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from _question_and_code(node, lines)


def _question_and_code(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> Iterator[tuple[str, str]]:
    docstring, first = ast.get_docstring(node), node.body[0]
    if docstring is None or first.end_lineno is None or node.end_lineno is None:
        return
    question = " ".join(docstring.partition("\n")[0].split())
    kept = lines[node.lineno - 1 : first.lineno - 1] + lines[first.end_lineno : node.end_lineno]
    code = textwrap.dedent("\n".join(kept)).strip("\n") + "\n"
    is_long_enough = len(question.split()) >= MIN_QUESTION_WORDS and MIN_LINES <= len(kept) <= MAX_LINES
    if first.lineno > node.lineno and is_long_enough and _is_whole(code):
        yield question, code


def _is_whole(code: str) -> bool:
    """Whether a function is still one without its docstring and its indentation."""
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True
