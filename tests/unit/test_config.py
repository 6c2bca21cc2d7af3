"""Settings that only make sense together with what is fixed elsewhere."""

import pytest
from pydantic import ValidationError

from magicfs.config import LONGEST_EXTRACT, Settings
from magicfs.pipeline.extract import LEASE_SECONDS
from tasks.app import EXTRACT_TASK, HARD_SECONDS


def test_a_slow_parser_is_ended_long_before_its_worker() -> None:
    assert 2 * LONGEST_EXTRACT <= HARD_SECONDS[EXTRACT_TASK] < LEASE_SECONDS
    assert Settings(extract_seconds=LONGEST_EXTRACT).extract_seconds == LONGEST_EXTRACT
    with pytest.raises(ValidationError, match=f"less than or equal to {LONGEST_EXTRACT}"):
        Settings(extract_seconds=LONGEST_EXTRACT + 1)
