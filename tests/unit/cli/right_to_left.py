"""Right-to-left words, the marks around them, and results that have them."""

from __future__ import annotations

from magicfs.domain.results import Hit, Snippet
from tests.fakes.hits import make_hit

START, END = "\u2068", "\u2069"
SHALOM, OLAM = "שלום", "עולם"


def hit(rank: int, path: str, snippet: str, *, matched: tuple[tuple[int, int], ...] = ()) -> Hit:
    return make_hit(
        rank=rank,
        score=0.9,
        root_path=b"/home/ada",
        path=path.encode(),
        first_line=3,
        last_line=9,
        page=None,
        shown=Snippet(snippet, matched),
    )
