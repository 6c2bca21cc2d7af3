"""The table of cases, each a test: what people ask of their own files, on one index of the files of all cases.

Everything is real: the servers, the workers and the mount of `magicfs up`. The collection is read in place; what a case
says of further files is made here, in roots beside it. The number of cases that pass is printed at the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from magicfs.cli.wiring import search_service
from magicfs.config import Settings
from magicfs.db.pool import Database
from magicfs.models.store import ModelStore
from magicfs.search.render import result_json
from magicfs.search.service import SearchService
from tests.plugins import cases
from tests.plugins.cases import Case
from tests.plugins.commands import Commands, commands_in, short_folder
from tests.plugins.fuse import needs_fuse
from tests.plugins.models import MODEL

DEADLINE_SECONDS = 30.0
COPIES = 70
DELETED = 40
FILES_BEFORE = 60
FORGOTTEN_SECONDS = 200.0
"""The table says ten, on a machine that is not busy. The next scan comes after five minutes."""
LOG_LINE = "2024-02-01 08:00:00 INFO the barometer module is well and waits for work\n"
LAST_LINE = "2024-02-01 09:00:00 FATAL out of memory in module gyroscope\n"

INDEX_SECONDS = 1000.0
"""For the index of all files, on a busy machine."""

pytestmark = [needs_fuse, pytest.mark.timeout(INDEX_SECONDS + 200)]


@dataclass
class Asked:
    """The index of all cases, and how it is asked."""

    commands: Commands
    service: SearchService
    database: Database
    mount: Path
    files: Path
    made: Path
    """The folder with the roots of what the tests make."""
    passed: set[str] = field(default_factory=set)

    def results(self, query: str) -> list[dict[str, Any]]:
        """The results of `magicfs search --json`, best first."""
        found: list[dict[str, Any]] = result_json(self.service.search(query, deadline_s=DEADLINE_SECONDS))["results"]
        return found

    def listing(self, query: str) -> list[str]:
        """The names that `ls` prints for a query, best first."""
        directory = self.mount / "search" / query.replace("/", "%2F")
        try:
            with os.scandir(directory) as entries:
                return [entry.name for entry in entries]
        except OSError as error:
            raise AssertionError(f"{query}: {error}") from error

    def chunks_of(self, path: Path) -> int:
        count = "SELECT count(*) FROM files JOIN content_chunks USING (content_id) WHERE files.path = %s"
        with self.database.transaction() as connection:
            row = connection.execute(count, (os.fsencode(path.relative_to(self.files)),)).fetchone()
        assert row
        return int(row[0])


@pytest.fixture(scope="module")
def asked(model_store: ModelStore, request: pytest.FixtureRequest) -> Iterator[Asked]:
    files = cases.folder() / "files"
    with short_folder() as folder, commands_in(folder, model_store) as commands:
        commands.environment["MAGICFS_MAX_TEXT_MB"] = "1"
        made, mount = folder / "made", folder / "mnt"
        mount.mkdir()
        roots = _make_roots(made, files)
        commands.ok("up", files, *roots, "--mount", mount, "--detach", "--wait", timeout=INDEX_SECONDS)
        settings = Settings(home=commands.home, model=MODEL, host="here")
        with Database(settings.database_dsn, application="test", size=2) as database:
            asked = Asked(commands, search_service(settings, database), database, mount, files, made)
            yield asked
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        print(f"\n{len(asked.passed)} of {len(cases.read_cases(cases.folder()))} cases pass")


def _make_roots(made: Path, files: Path) -> list[Path]:
    """Make the roots with what cases say of further files: copies, a large log, files that will be deleted."""
    for number in range(COPIES):
        package = made / "packages" / f"package{number:02}"
        package.mkdir(parents=True)
        shutil.copy(files / "g26" / "LICENSE.txt", package)
    logs = made / "logs"
    logs.mkdir()
    (logs / "big.log").write_text(LOG_LINE * ((5 << 18) // len(LOG_LINE)) + LAST_LINE)
    deleted = made / "deleted"
    deleted.mkdir()
    shutil.copy(files / "g30" / "keep.txt", deleted)
    for number in range(DELETED):
        (deleted / f"bassoon{number:02}.txt").write_text(f"a file about the bassoon of player {number}\n")
    for number in range(FILES_BEFORE - DELETED - 1):
        (deleted / f"cello{number:02}.txt").write_text(f"a file about the cello of player {number}\n")
    return [made / "packages", logs, deleted]


def _parameters() -> list[Any]:
    read = cases.read_cases(cases.folder())
    if not read:
        skip = pytest.mark.skip(reason=f"{cases.folder()} is not there: set TEST_DATA")
        return [pytest.param(None, marks=skip, id="no cases")]
    return [pytest.param(case, id=case.id) for case in read]


def test_every_case_says_what_must_come_out() -> None:
    read = cases.read_cases(cases.folder())
    assert all(cases.checks_of(case) for case in read)
    assert not read or {case.id for case in read} >= PROCEDURES.keys()


@pytest.mark.parametrize("case", _parameters())
def test_case(asked: Asked, case: Case) -> None:
    missed = [miss for check in cases.checks_of(case) if (miss := _miss(asked, case, check))]
    assert not missed, f"{case.kind}: " + "; ".join(missed)
    asked.passed.add(case.id)


def _miss(asked: Asked, case: Case, check: cases.Check) -> str | None:
    """How the product misses an expectation; None when it meets it."""
    match check:
        case cases.Procedure():
            return PROCEDURES[case.id](asked)
        case cases.FewChunks(number):
            (only,) = (path for path in (asked.files / case.id).rglob("*") if path.is_file())
            chunks = asked.chunks_of(only)
            return None if chunks < number else f"{only.name} has {chunks} chunks"
        case cases.ListedFirst(query, file):
            names = asked.listing(query)
            return None if names and _is_named(names[0], file) else f"{query}: {names[:3]}"
        case cases.ListedAsItIs(query, file):
            return _miss_in_mount(asked, query, asked.files / case.id / file)
        case _:
            return _miss_in_results(asked, case, check)


def _miss_in_results(
    asked: Asked,
    case: Case,
    check: cases.AmongFirst | cases.FoundAlone | cases.Found | cases.ScoresLess | cases.Better,
) -> str | None:
    results = asked.results(check.query)
    ranks = {_key(result["path"]): result for result in results}
    paths = list(ranks)
    ours = _key(asked.files / case.id / check.file)
    score = ranks[ours]["score"] if ours in ranks else 0.0
    told = f"{check.query}: " + ", ".join(
        f"{result['path'].removeprefix(str(asked.files) + '/')} {result['score']:.2f} (lexical {result['lexical']})"
        for result in results[: cases.AMONG_FIRST]
    )
    match check:
        case cases.AmongFirst(lexical=lexical):
            met = ours in paths[: cases.AMONG_FIRST] and (ranks[ours]["lexical"] or 0.0) >= lexical
        case cases.FoundAlone():
            met = paths == [ours]
        case cases.Found(is_found=is_found):
            met = (ours in paths) == is_found
        case cases.ScoresLess(score=limit):
            met = score < limit
        case cases.Better(other=other):
            beaten = _key(asked.files / case.id / other)
            met = score > (ranks[beaten]["score"] if beaten in ranks else 0.0)
    return None if met else told


def _miss_in_mount(asked: Asked, query: str, file: Path) -> str | None:
    for name in asked.listing(query):
        if _is_named(name, file.name):
            same = (asked.mount / "search" / query / name).read_bytes() == file.read_bytes()
            return None if same else f"{query}: {name} has other bytes"
    return f"{query}: {asked.listing(query)[:3]}"


def _is_named(entry: str, file: str) -> bool:
    """Whether an entry of a search, `<rank>_<score>_<name>`, is that of a file."""
    return _key(entry).endswith(f"_{_key(file)}")


def _key(path: str | Path) -> str:
    """A path for comparison: the table is written in NFC, names on the disk may not be."""
    return unicodedata.normalize("NFC", str(path))


def _large_log(asked: Asked) -> str | None:
    log = asked.made / "logs" / "big.log"
    if any(result["path"] == str(log) for result in asked.results("gyroscope")):
        return None
    said = asked.commands.run("doctor", log).stdout
    return None if "partly read" in said else said


def _copied(asked: Asked) -> str | None:
    """Copy a search as its owner would. Root may change everything, so that the mode of the directory is looked at too.

    The files have the modes of the real ones, which are read in place.
    """
    copy = asked.made / "copy"
    done = subprocess.run(
        ["cp", "-a", asked.mount / "search" / "xylophones", copy], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return done.stderr
    if copy.stat().st_mode & 0o700 != 0o700:
        return f"its owner may not change it: {oct(copy.stat().st_mode)}"
    if not any(_is_named(path.name, "copyme.txt") for path in copy.iterdir()):
        return f"{list(copy.iterdir())}"
    for path in copy.iterdir():
        path.write_text("changed")
    shutil.rmtree(copy)
    return None


def _deleted(asked: Asked) -> str | None:
    for number in range(DELETED):
        (asked.made / "deleted" / f"bassoon{number:02}.txt").unlink()
    deadline = time.monotonic() + FORGOTTEN_SECONDS
    while found := [result["name"] for result in asked.results("bassoon") if result["name"].startswith("bassoon")]:
        if time.monotonic() > deadline:
            return f"still listed: {found[:3]}"
        time.sleep(0.2)
    return None


PROCEDURES = {"g28": _large_log, "g29": _copied, "g30": _deleted}
"""What a test does for cases that ask for more than a query."""
