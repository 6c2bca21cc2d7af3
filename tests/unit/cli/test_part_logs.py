"""What is said of a part that does not start: the line of its log that tells why."""

from __future__ import annotations

from pathlib import Path

import pytest

from magicfs.cli.part_logs import explain_failure, last_line

FULL_DISK = """\
2026-01-31 12:34:59.577 UTC [20920] FATAL:  could not write to file "pg_wal/xlogtemp.20920": No space left on device
2026-01-31 12:34:59.580 UTC [20921] FATAL:  the database system is starting up
2026-01-31 12:34:59.586 UTC [20914] LOG:  startup process (PID 20920) exited with exit code 1
2026-01-31 12:34:59.610 UTC [20914] LOG:  database system is shut down
"""


def test_postgres_that_has_shut_down_is_explained_by_its_error(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    log.write_text(FULL_DISK)
    assert last_line(log).endswith("No space left on device")


def test_postgres_that_cannot_make_the_database_is_explained_by_the_error(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    error = '2026-01-31 UTC [1] ERROR:  could not create file "base/16385/1": No space left on device'
    log.write_text(f'{error}\n2026-01-31 UTC [1] STATEMENT:  CREATE DATABASE "magicfs"\n')
    assert last_line(log) == error


def test_postgres_that_was_stopped_has_no_error(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    log.write_text("LOG:  received fast shutdown request\nLOG:  database system is shut down\n")
    assert last_line(log) == "LOG:  database system is shut down"


@pytest.mark.parametrize(
    "line",
    [
        "LOG:  database system is ready to accept connections",
        "LOG:  database system was interrupted; last known up at 2026-12-01 09:40:34 UTC",
        "FATAL:  the database system is starting up",
    ],
)
def test_postgres_that_was_killed_has_written_nothing_of_it(tmp_path: Path, line: str) -> None:
    log = tmp_path / "postgres.log"
    log.write_text(f"2026-12-01 09:38:26.956 UTC [6673] {line}\n")
    assert explain_failure("postgres", log, home=tmp_path).startswith(
        "its log has no failure, so something has ended it"
    )


def test_a_disk_that_takes_nothing_comes_before_a_log_that_has_no_line_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "postgres.log"
    log.write_text("LOG:  database system is ready to accept connections\n")
    monkeypatch.setattr("magicfs.cli.part_logs.why_no_writes", lambda _: "the disk is full: make room")
    assert explain_failure("postgres", log, home=tmp_path) == "the disk is full: make room"


def test_a_traceback_is_told_by_its_last_line(tmp_path: Path) -> None:
    log = tmp_path / "agent.log"
    log.write_text("magicfs: one\n")
    begins = log.stat().st_size
    log.write_text("magicfs: one\nmagicfs: two\n")
    assert last_line(log) == "two"
    assert last_line(log, since=begins) == "two"
    assert last_line(log, since=log.stat().st_size) == "its log has no new line"


@pytest.mark.parametrize(
    "line",
    [
        'but could not open file "h/postgres/global/pg_control": Permission denied',
        'FATAL:  could not access the server configuration file "h/postgres/postgresql.conf": Permission denied',
        'PANIC:  could not write to file "global/pg_control": No space left on device',
        'PANIC:  could not open file "global/pg_control": Too many open files in system',
        'PANIC:  could not open file "global/pg_control": Cannot allocate memory',
        "PANIC:  could not fsync control file: Input/output error",
    ],
)
def test_what_the_system_refuses_is_no_damage(tmp_path: Path, line: str) -> None:
    log = tmp_path / "postgres.log"
    log.write_text(line + "\n")
    assert explain_failure("postgres", log, home=tmp_path) == line


def test_a_configuration_with_errors_is_corrected_or_deleted(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    log.write_text('LOG:  syntax error\nFATAL:  configuration file "h/postgres/postgresql.conf" contains errors\n')
    assert explain_failure("postgres", log, home=tmp_path).endswith("or delete the file to have a new one")


def test_the_files_of_another_version_of_postgres_are_not_damaged(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    log.write_text(
        "2026-01-31 12:34:59.610 UTC [1] FATAL:  database files are incompatible with server\n"
        "2026-01-31 12:34:59.610 UTC [1] DETAIL:  The data directory was initialized by PostgreSQL version 17, "
        "which is not compatible with this version 18.4.\n"
    )
    line = explain_failure("postgres", log, home=tmp_path)
    assert "damaged" not in line
    assert "version 17" in line
    assert f"that has made {tmp_path / 'postgres'}" in line
