"""Records of the log: one a line, as text or as JSON, whatever they hold."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from magicfs.cli.part_logs import last_line
from magicfs.errors import DatabaseUnavailable, ModelMissing
from magicfs.logs import AGAIN_SECONDS, REPEAT_SECONDS, Outage
from tasks.worker import run_task

RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ +part\[\d+\] [\w.]+: ")

EVENTS = """
import logging, threading, warnings
from magicfs import logs
logs.setup(role="part", log_format={log_format!r})
log = logging.getLogger("test")
log.info("first\\nsecond snow")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it failed")
warnings.warn("careful")
thread = threading.Thread(target=lambda: [][1], name="helper")
thread.start()
thread.join()
raise SystemError("at the end")
"""


def records(log_format: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", EVENTS.format(log_format=log_format)],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    return done.stderr.splitlines()


def test_a_record_of_text_is_a_line_that_names_the_part() -> None:
    lines = records("text")
    assert len(lines) == 5
    assert all(RECORD.match(line) for line in lines)
    assert lines[0].endswith("test: first\\nsecond snow")
    assert "it failed\\nTraceback" in lines[1]
    assert lines[1].endswith("\\nZeroDivisionError: division by zero")
    assert "careful" in lines[2]
    assert "the thread helper has ended by IndexError" in lines[3]
    assert lines[4].endswith("\\nSystemError: at the end")


def test_a_record_of_json_is_an_object_on_a_line() -> None:
    first, failed, *_ = objects = [json.loads(line) for line in records("json")]
    assert len(objects) == 5
    fields = {"time", "level", "role", "pid", "logger", "message", "exception"}
    assert all(set(entry) == fields for entry in objects)
    assert (first["level"], first["role"], first["logger"]) == ("INFO", "part", "test")
    assert (first["message"], first["exception"]) == ("first\nsecond snow", None)
    assert failed["message"] == "it failed"
    assert failed["exception"].splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_the_last_line_of_a_log_is_short(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    log.write_text("before\n2026 CRITICAL part[1] x: it failed\\nTraceback\\n  File\\nValueError: bad\n")
    assert last_line(log) == "2026 CRITICAL part[1] x: it failed: ValueError: bad"


def test_an_outage_is_one_line_and_its_end_another(caplog: pytest.LogCaptureFixture) -> None:
    def fail(error: Exception) -> None:
        def work() -> None:
            raise error

        with pytest.raises(type(error)):
            run_task("a task", work)

    with caplog.at_level("INFO"):
        for number in range(20):
            fail(DatabaseUnavailable(f"attempt {number}"))
            run_task("another task", lambda: None)
        fail(ModelMissing("no model"))
        assert [record.getMessage() for record in caplog.records] == [
            "no work is done for now, and none is lost: attempt 0",
            "no work is done for now, and none is lost: no model",
        ]
        assert run_task("a task", lambda: 3) == 3
        run_task("a task", lambda: None)
    assert caplog.records[-1].getMessage() == "work goes on"
    assert len(caplog.records) == 3


class Clock:
    """A clock that a test sets, and an outage by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.outage = Outage(logging.getLogger("outage"), beginning="away", clock=lambda: self.now)

    def fails(self, work: str, *, at: float) -> None:
        self.now = at
        self.outage.began(work, DatabaseUnavailable(f"at {at:.0f}"))


def test_an_outage_that_lasts_is_repeated(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    for second in range(0, int(2 * REPEAT_SECONDS) + 1, 10):
        clock.fails("often", at=second)
        clock.fails("also", at=second + 1)
    assert caplog.messages == ["away: at 0", f"away: at {REPEAT_SECONDS:.0f}", f"away: at {2 * REPEAT_SECONDS:.0f}"]


def test_a_second_outage_is_logged_though_seldom_work_has_not_been_done_since_the_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    clock.fails("seldom", at=0)
    clock.fails("often", at=1)
    clock.outage.ended("often")
    clock.fails("often", at=AGAIN_SECONDS - 1)
    clock.outage.ended("often")
    clock.fails("often", at=AGAIN_SECONDS + 1)
    clock.fails("often", at=AGAIN_SECONDS + 2)
    assert caplog.messages == ["away: at 0", f"away: at {AGAIN_SECONDS + 1:.0f}"]


def test_work_that_begins_to_fail_later_is_in_the_same_outage(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    clock.outage.ended("often")
    clock.fails("often", at=1001)
    clock.fails("seldom", at=1001 + 2 * AGAIN_SECONDS)
    assert caplog.messages == ["away: at 1001"]


def test_work_that_goes_on_failing_while_other_work_succeeds_is_not_repeated_soon(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    for second in range(0, int(REPEAT_SECONDS), 10):
        clock.fails("broken", at=second)
        clock.outage.ended("sound")
    assert caplog.messages == ["away: at 0"]
