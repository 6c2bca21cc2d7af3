"""Groups of claimed files: small ones are processed together, as the queries about one take longer than reading it.

Used by `extract`, which has one group after the other processed, and by `reading`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from magicfs.domain.files import ClaimedFile

GROUP_FILES = 32
GROUP_BYTES = 128 << 10
GROUPED_FILE_BYTES = 32 << 10
"""Limits of a group, which is a tenth of a second of work at most, and of each file in it."""


def group_files(
    claims: Sequence[ClaimedFile], *, may_need_parser: Callable[[bytes], bool]
) -> Iterator[Sequence[ClaimedFile]]:
    """The groups in which files are processed, in order: small files of one priority together, any other file alone.

    `may_need_parser` tells by a file's name that it is processed alone, so that no other file waits for its parser.
    """
    group: list[ClaimedFile] = []
    for claim in claims:
        alone = claim.size > GROUPED_FILE_BYTES or may_need_parser(claim.name)
        size = sum(each.size for each in group) + claim.size
        if group and (alone or len(group) == GROUP_FILES or size > GROUP_BYTES or claim.priority != group[0].priority):
            yield group
            group = []
        if alone:
            yield [claim]
        else:
            group.append(claim)
    if group:
        yield group
