"""Values of settings: what is accepted from the environment and from `config.toml`, and in which order."""

import os
from pathlib import Path

import pytest

from magicfs.config import MAX_EXTRACT_SECONDS, PATIENCE_SECONDS, Settings, load
from magicfs.db.vectors import embeddings
from magicfs.errors import ConfigError
from magicfs.pipeline.extract import LEASE_SECONDS
from tasks.app import EMBED_TASK, EXTRACT_TASK, HARD_SECONDS, LONGEST_SECONDS, START_SECONDS
from tasks.watchdog import UNSTARTED_SECONDS


def test_a_slow_parser_is_ended_long_before_its_worker() -> None:
    assert 2 * MAX_EXTRACT_SECONDS + PATIENCE_SECONDS <= HARD_SECONDS[EXTRACT_TASK] <= LONGEST_SECONDS < LEASE_SECONDS
    assert PATIENCE_SECONDS < START_SECONDS < UNSTARTED_SECONDS
    assert HARD_SECONDS[EMBED_TASK] + PATIENCE_SECONDS < embeddings.LEASE_SECONDS
    assert Settings(extract_seconds=MAX_EXTRACT_SECONDS).extract_seconds == MAX_EXTRACT_SECONDS
    with pytest.raises(ConfigError, match=f"must be at most {MAX_EXTRACT_SECONDS}"):
        Settings(extract_seconds=MAX_EXTRACT_SECONDS + 1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MAGICFS_HOME", str(tmp_path))
    return tmp_path


def test_the_environment_goes_over_the_file_over_the_defaults(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config.toml").write_text('workers = 3\nnice = 7\nmount = "/mnt/a"\ngentle = true\nsearch_seconds = 2\n')
    monkeypatch.setenv("magicfs_workers", "4")
    settings = load()
    assert (settings.workers, settings.nice, settings.chunk_tokens) == (4, 7, 200)
    assert (settings.mount, settings.gentle, settings.search_seconds) == (Path("/mnt/a"), True, 2.0)
    assert settings.given == {"home", "workers", "nice", "mount", "gentle", "search_seconds"}


def test_the_state_directory_is_absolute_wherever_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    for named, meant in {
        "state": here / "state",
        "../state": tmp_path / "state",
        "~/state": tmp_path / "ada/state",
    }.items():
        monkeypatch.setenv("MAGICFS_HOME", named)
        assert load().home == meant


def test_the_file_may_begin_with_a_byte_order_mark(home: Path) -> None:
    (home / "config.toml").write_text("workers = 3\n", encoding="utf-8-sig")
    assert load().workers == 3


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("WORKERS", "many", "a number"),
        ("WORKERS", "1.5", "a whole number"),
        ("WORKERS", "-1", "at least 0"),
        ("WORKERS", " ", "a number"),
        ("NICE", "20", "at most 19"),
        ("SEARCH_SECONDS", "0", "more than 0"),
        ("SEARCH_SECONDS", "nan", "a finite number"),
        ("GENTLE", "perhaps", "true or false"),
        ("WORKER_MEMORY_MB", "1e18", "at most 1048576"),
        ("MAX_FILE_MB", "2048", "at most 2047"),
        ("MAX_TEXT_MB", "1e99", "at most 2047"),
        ("IDLE_SECONDS", "1e99", "at most 31536000"),
        ("SCAN_SECONDS", "1e99", "at most 31536000"),
        ("SEARCH_SECONDS", "1e300", "at most 3600"),
        ("LOG_FORMAT", "xml", "be one of text, json"),
        ("LOG_LEVEL", "LOUD", "be one of debug, info, warning, error"),
        ("DATABASE_URL", "mysql://x", "be an address, such as postgresql://"),
        ("BROKER_URL", "amqp://x", "be an address, such as redis://"),
        ("LISTEN", ":7420", "be HOST or HOST:PORT"),
        ("HOST", "a/b", "be a name"),
        ("HOST", "a\nb", "be a name"),
        ("HOST", "a\n", "be a name"),
        ("HOST", " a", "be a name"),
        ("HOST", "a" * 129, "be a name"),
    ],
)
def test_a_value_that_is_not_valid_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(f"MAGICFS_{variable}", value)
    with pytest.raises(ConfigError, match=rf"^MAGICFS_{variable} is not valid: it must .*{reason}"):
        load()


@pytest.mark.parametrize("name", ["HOST", "MOUNT", "MODEL"])
def test_a_blank_is_no_text(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"MAGICFS_{name}", " ")
    with pytest.raises(ConfigError, match=rf"^MAGICFS_{name} is not valid: it must not be empty"):
        load()


def test_an_empty_variable_counts_as_unset(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config.toml").write_text("workers = 3\n")
    for name in set(Settings.table()) - {"home"}:
        monkeypatch.setenv(f"MAGICFS_{name.upper()}", "")
    settings = load()
    assert settings.given == {"home", "workers"}
    assert (settings.workers, settings.mount) == (3, None)


@pytest.mark.parametrize("name", ["mount", "host", "model", "database_url", "flower_password"])
def test_the_file_has_no_empty_texts(home: Path, name: str) -> None:
    (home / "config.toml").write_text(f'{name} = ""\n')
    with pytest.raises(ConfigError, match=rf"^'{name}' in {home}/config.toml is not valid: it must not be empty: "):
        load()


def test_a_fifo_in_the_place_of_the_file_is_not_waited_for(home: Path) -> None:
    os.mkfifo(home / "config.toml")
    with pytest.raises(ConfigError, match=rf"^{home}/config.toml cannot be read \(it is a FIFO\): fix it"):
        load()


@pytest.mark.parametrize("name", ["a:b", "a/b", "a\n", " a"])
def test_a_name_of_a_host_that_would_be_taken_apart_is_refused(home: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="it must be a name of 1 to 128 characters without"):
        Settings(home=home, host=name)


def test_the_file_is_named_for_what_stands_in_it(home: Path) -> None:
    (home / "config.toml").write_text('nice = "high"\n')
    with pytest.raises(ConfigError, match=rf"^'nice' in {home}/config.toml is not valid: it must be a number$"):
        load()
    (home / "config.toml").write_text("nicer = 1\n")
    with pytest.raises(ConfigError, match=r"'nicer' in .* is no setting"):
        load()


@pytest.mark.parametrize("name", ["workres", "WORKERS", "MAGICFS_WORKERS"])
def test_a_setting_of_the_file_that_is_misspelt_is_named(home: Path, name: str) -> None:
    (home / "config.toml").write_text(f"{name} = 2\n")
    with pytest.raises(ConfigError, match=rf"^'{name}' in {home}/config.toml is no setting: did you mean workers\?$"):
        load()


def test_the_file_cannot_say_where_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config.toml").write_text('home = "/elsewhere"\n')
    with pytest.raises(ConfigError, match=rf"^'home' in {home}/config.toml cannot be set there: set MAGICFS_HOME$"):
        load()


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("ON", True), ("no", False), ("0", False)])
def test_a_switch_has_several_words(monkeypatch: pytest.MonkeyPatch, home: Path, text: str, value: bool) -> None:
    monkeypatch.setenv("MAGICFS_GENTLE", text)
    assert load().gentle is value


def test_settings_do_not_change(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(AttributeError):
        settings.nice = 3  # type: ignore[misc]
    other = settings.replace(nice=3)
    assert (settings.nice, other.nice, other.given) == (10, 3, {"home", "nice"})
    assert other == Settings(home=tmp_path, nice=3) != settings
