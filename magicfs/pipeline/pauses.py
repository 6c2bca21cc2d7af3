"""The pause before a file is read again that keeps changing, such as a log.

Pure; used by `file_results`. The first change of a file is read at once. After that, the pause grows with each
reading until the file has been left alone for a while. It limits what a file costs: reading it, getting its text,
embedding its new chunks, and the commits between these.
"""

from __future__ import annotations

from magicfs.domain.files import ClaimedFile

MIN_PAUSE_SECONDS = 0.5
MAX_DOUBLED_PAUSE_SECONDS = 5.0
"""The pause doubles from the first of these to the second, whatever the file costs."""

CALM_SECONDS = 2.0
"""A file keeps changing while it is read again within twice its pause and this time."""

MAX_COST_SHARE = 0.1
"""A file that keeps changing takes at most this share of a worker's time, unless the longest pause is too short."""

MAX_PAUSE_SECONDS = 60.0

MAX_SLOW_PAUSE_SECONDS = 300.0
"""The longest pause of a file whose reading alone takes seconds, such as a log of megabytes; after its first reading it
is `MAX_PAUSE_SECONDS`, because a file that is copied into a root is complete a moment later."""

SLOW_FILE_SECONDS = 0.25
"""A file whose reading takes longer has a pause even after its first change."""

EMBEDDING_SECONDS = 0.04
"""What an embed worker takes for a chunk of the default size."""

MESSAGES_SECONDS = 0.05
"""What a reading costs beside itself and the embedding: claims, commits and messages of two workers."""


def pause_before_rereading_s(claim: ClaimedFile, *, reading_s: float, chunks: float) -> float:
    """The pause after this reading of a file, in seconds.

    `reading_s` is the time from opening the file to writing its rows, `chunks` the number of chunks to be embedded.
    """
    pause_s = MIN_PAUSE_SECONDS if claim.since_reading_s is not None else 0.0
    slow_s = reading_s / MAX_COST_SHARE if reading_s > SLOW_FILE_SECONDS else 0.0
    if claim.since_reading_s is not None and claim.since_reading_s < 2 * claim.pause_s + CALM_SECONDS:
        cost_s = reading_s + MESSAGES_SECONDS + chunks * EMBEDDING_SECONDS
        pause_s = max(pause_s, min(2 * claim.pause_s, MAX_DOUBLED_PAUSE_SECONDS), cost_s / MAX_COST_SHARE)
    longest_s = MAX_PAUSE_SECONDS if claim.since_reading_s is None else MAX_SLOW_PAUSE_SECONDS
    return max(min(pause_s, MAX_PAUSE_SECONDS), min(slow_s, longest_s))
