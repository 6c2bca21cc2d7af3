"""What `magicfs search` prints, as plain values and as lines.

Used by `searching`. The search server makes the values, and the process that prints them the lines, which depend on its
terminal. Main thread, but for `answer_of`, which is pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from magicfs.cli.terminal import Style
    from magicfs.domain.results import Coverage, Hit, SearchResult


MAX_QUERY_CHARACTERS = 200
"""What is shown of a query for which nothing is found: somebody may have pasted a document."""


class ShownHit(TypedDict):
    """What a result shows."""

    rank: int
    score: float
    path: str
    place: str
    """Its lines or its page; empty for a file without text."""
    host: str
    """The host that has it; empty for this one, which may have another file at that path."""
    copies: int
    snippet: str
    matched: list[tuple[int, int]]


class Answer(TypedDict):
    """What a search answers, of values that JSON has."""

    query: str
    notices: list[str]
    unfinished: str
    """How much is indexed of what will be, in words; empty when no work is pending."""
    hits: list[ShownHit]


def answer_of(result: SearchResult, *, host: str) -> Answer:
    """The answer to a search, as it is printed for people. `host` is this one."""
    from magicfs.search.render import encodable

    return Answer(
        query=encodable(result.query),
        notices=[*result.notices, *result.as_of.notices],
        unfinished=unfinished_work(result.coverage),
        hits=[_shown_hit(hit, host=host) for hit in result.hits],
    )


def document_of(result: SearchResult) -> str:
    """The answer to a search as one JSON object, for programs."""
    import json

    from magicfs.search.render import result_json

    return json.dumps(result_json(result), ensure_ascii=False, indent=2)


def _shown_hit(hit: Hit, *, host: str) -> ShownHit:
    from magicfs.domain.files import display_path

    return ShownHit(
        rank=hit.rank,
        score=hit.score,
        path=display_path(hit.absolute_path),
        place=_page_or_lines(hit) if hit.has_text else "",
        host="" if hit.host == host else hit.host,
        copies=len(hit.copies),
        snippet=hit.snippet,
        matched=list(hit.matched),
    )


def _page_or_lines(hit: Hit) -> str:
    if hit.page is not None:
        return f"page {hit.page}"
    return f"{hit.first_line}" if hit.first_line == hit.last_line else f"{hit.first_line}-{hit.last_line}"


def unfinished_work(coverage: Coverage) -> str:
    """How much is indexed of what will be, in words; empty when no work is pending."""
    if not (coverage.pending_files or coverage.pending_chunks or coverage.pending_pages):
        return ""
    from magicfs.cli.terminal import counted, counted_pages

    return (
        f"indexed so far: {coverage.indexed} of {counted(coverage.indexed + coverage.pending_files, 'file')}, "
        f"{coverage.embedded} of {counted(coverage.embedded + coverage.pending_chunks, 'chunk')} by meaning"
    ) + (f", {counted_pages(coverage.pending_pages)} to come" if coverage.pending_pages else "")


def show(answer: Answer) -> None:
    """Print an answer for people, or as lines for a program."""
    from magicfs.cli import terminal

    for notice in answer["notices"]:
        terminal.remark(notice)
    unfinished = answer["unfinished"]
    if not answer["hits"]:
        query = answer["query"]
        named = query if len(query) <= MAX_QUERY_CHARACTERS else f"{query[:MAX_QUERY_CHARACTERS]}…"
        terminal.remark(f"nothing found for: {named}" + (f" ({unfinished})" if unfinished else ""))
        return
    digits = len(str(len(answer["hits"])))
    for hit in answer["hits"]:
        _show_hit(hit, digits)
    if unfinished:
        terminal.remark(unfinished)


def _show_hit(hit: ShownHit, digits: int) -> None:
    from magicfs.cli.terminal import Style, shown, styled, write

    write(
        styled(f"{hit['rank']:>{digits}}  ", Style.DIM)
        + styled(f"{hit['score']:.2f}", _colour(hit["score"]))
        + styled(f"  {shown(hit['path'])}", Style.BOLD)
        + styled(f":{hit['place']}" if hit["place"] else "", Style.CYAN)
        + styled(f"  on {shown(hit['host'])}" if hit["host"] else "", Style.DIM)
        + styled(f"  {_copies(hit['copies'])}" if hit["copies"] else "", Style.DIM)
    )
    for line in _snippet_lines(hit, indentation=" " * (digits + 8)):
        write(line)


def _snippet_lines(hit: ShownHit, *, indentation: str) -> Iterator[str]:
    """The lines of a snippet, with what matched in bold, no longer than those of the terminal."""
    from magicfs.cli import terminal

    cells = terminal.width()
    start = 0
    for text in hit["snippet"].split("\n") if hit["snippet"] else ():
        end = start + len(text)
        inside = [(max(first, start), min(last, end)) for first, last in hit["matched"] if first < end and last > start]
        line = indentation + terminal.emphasised(text, [(first - start, last - start) for first, last in inside])
        if cells is None or (text.isascii() and text.isprintable() and len(indentation) + len(text) <= cells):
            yield line
        else:
            from magicfs.cli.bidi import isolate_pieces
            from magicfs.text.excerpts import wrapped

            yield from isolate_pieces(wrapped(line, cells=cells))
        start = end + 1


def _copies(number: int) -> str:
    return "and 1 copy" if number == 1 else f"and {number} copies"


def _colour(score: float) -> Style:
    from magicfs.cli.terminal import Style

    good, fair = 0.7, 0.4
    return Style.GREEN if score >= good else Style.YELLOW if score >= fair else Style.WHITE
