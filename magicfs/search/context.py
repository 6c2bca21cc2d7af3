"""Passages as text: `.passages`, a line each, and `.context`, the best ones up to a budget of tokens.

Used by the result cache of the mount. Reads no file: the text of a passage is the one that is indexed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from magicfs.domain.results import Hit, SearchResult
from magicfs.text.excerpts import cells_before, excerpt
from magicfs.text.terminal_signs import without_terminal_signs

DEFAULT_CONTEXT_TOKENS = 4000
"""The budget of `.context`."""
_TOKENS_PER_PASSAGE = 100
"""Nearly all passages have more: a budget is filled by fewer passages than this says."""
_STEP = 20
_BYTES_PER_TOKEN = 3
"""The bytes of a path that count as a token: the heads of passages count too."""
_MIN_CUT_TOKENS = 20
"""A passage is not cut to less."""


def passages_text(result: SearchResult) -> bytes:
    """One line a passage, best first, as `grep -n` writes them: `path:first-last: text`.

    In a format with pages it is `path#page=3:first-last: text`. Paths keep their bytes.
    """
    return b"".join(
        b"%s:%d-%d: %s\n" % (_with_page(hit), hit.first_line, hit.last_line, _shown(" ".join(hit.text.split())))
        for hit in result.hits
    )


def passages_for(tokens: int) -> int:
    """How many passages fill a context of a number of tokens. Budgets that differ little have the same number."""
    wanted = max(1, -(-tokens // _TOKENS_PER_PASSAGE))
    return -(-wanted // _STEP) * _STEP


def context_text(result: SearchResult, *, tokens: int) -> bytes:
    """The best passages that fit into a number of tokens, each below its place, `path:first-last` or `path#page=N`.

    One that does not fit is left out, and the next ones that do are there. If even the first does not fit, its
    beginning is there. A text that several files have is there once.
    """
    return b"\n".join(b"%s\n%s\n" % (_place(hit), _shown(hit.text)) for hit in _chosen(result, tokens))


def _chosen(result: SearchResult, tokens: int) -> Iterator[Hit]:
    left = tokens
    seen: set[str] = set()
    for passage in result.hits:
        if passage.text in seen:
            continue
        head = -(-len(_place(passage)) // _BYTES_PER_TOKEN)
        is_cut = head + passage.tokens > left and not seen and left - head >= _MIN_CUT_TOKENS
        hit = _cut(passage, left - head) if is_cut else passage
        if head + hit.tokens <= left:
            seen.add(hit.text)
            left -= head + hit.tokens
            yield hit


def _cut(hit: Hit, tokens: int) -> Hit:
    """A passage cut to some tokens, at the end of a sentence or a line where one is near."""
    cells = cells_before(hit.text)
    text = excerpt(hit.text, cells, start=0, length=cells[-1] * tokens // hit.tokens)
    return hit._replace(text=text, tokens=tokens)


def _place(hit: Hit) -> bytes:
    return _with_page(hit) if hit.page is not None else b"%s:%d-%d" % (_path(hit), hit.first_line, hit.last_line)


def _with_page(hit: Hit) -> bytes:
    return _path(hit) if hit.page is None else b"%s#page=%d" % (_path(hit), hit.page)


def _path(hit: Hit) -> bytes:
    return hit.absolute_path.replace(b"\n", b"?")


def _shown(text: str) -> bytes:
    """A text as a terminal shows it."""
    return without_terminal_signs(text).encode("utf-8", "replace")
