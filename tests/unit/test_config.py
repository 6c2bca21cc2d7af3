"""Settings whose limits depend on constants elsewhere."""

import pytest
from pydantic import ValidationError

from magicfs.config import MAX_EXTRACT_SECONDS, Settings
from magicfs.pipeline.extract import LEASE_SECONDS
from tasks.app import EXTRACT_TASK, HARD_SECONDS


def test_a_slow_parser_is_ended_long_before_its_worker() -> None:
    assert 2 * MAX_EXTRACT_SECONDS <= HARD_SECONDS[EXTRACT_TASK] < LEASE_SECONDS
    assert Settings(extract_seconds=MAX_EXTRACT_SECONDS).extract_seconds == MAX_EXTRACT_SECONDS
    with pytest.raises(ValidationError, match=f"less than or equal to {MAX_EXTRACT_SECONDS}"):
        Settings(extract_seconds=MAX_EXTRACT_SECONDS + 1)
