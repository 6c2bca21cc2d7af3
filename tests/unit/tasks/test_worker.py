"""The functions of a worker's child that need no broker."""

import psutil

from tasks.worker import run_task

BLOCKS, LARGE, SMALL = 400, 100_000, 1_000
"""Both sizes come from the allocator's heap: Python itself keeps smaller blocks, the kernel larger ones."""


def test_a_task_leaves_no_free_memory_behind() -> None:
    kept: list[bytes] = []

    def work() -> None:
        # A heap with a used block at its end does not shrink by itself.
        blocks = [(b"x" * LARGE, b"x" * SMALL) for _ in range(BLOCKS)]
        kept.extend(small for _, small in blocks)

    before = psutil.Process().memory_info().rss
    run_task("a task", work)
    assert psutil.Process().memory_info().rss - before < BLOCKS * LARGE / 4
