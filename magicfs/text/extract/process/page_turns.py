"""How long the pages of a file may take, and what a page costs at which a child fails. Used by `file_reading`."""

from __future__ import annotations

import time
from dataclasses import dataclass

from magicfs.domain.contents import Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.process.answers import Answers

PAGE_TIME_SHARE = 0.5
LAYER_TIME_SHARE = 0.25
"""The share of the time left that one page gets, so that the pages after it get some: for its recognition, and for its
text layer, which takes milliseconds unless it hangs."""

PAGES_SECONDS = 20.0
"""How long pages are begun, of a file that goes on: whatever waits meanwhile waits no longer than for a large file."""

LEAST_PAGE_SHARE = 0.2
"""The share of a file's time that a page has had before it is left out: one with less, at the end, is read later."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the answers about a file are not complete."""

    unreadable: Unreadable
    may_be_chance: bool
    """Whether the cause may be an earlier file of the child, or another process that killed it."""
    is_late: bool = False
    """Whether the time was over for the file, rather than for the page."""


def leave_out_page(answers: Answers, failure: Failure, failed_before: int | None) -> int:
    """Leave the page out at which a child failed, if it took too long, or if another child failed at it before.

    Returns the page.
    """
    page = answers.pending_pages[0]
    if page == failed_before or failure.unreadable.reason is SkipReason.TIMEOUT:
        answers.fail_page(page, failure.unreadable)
    return page


def next_deadline(answers: Answers, deadline: float, *, share: float) -> float:
    """When the next answer is due: a page gets a share of the time that is left."""
    if answers.pending <= 1:
        return deadline
    now = time.monotonic()
    return now + (deadline - now) * share
