"""Which files that events named a person saved, and which are those of an import."""

from __future__ import annotations

from magicfs.domain.files import FileStat, SeenFile
from magicfs.domain.ids import RootId
from magicfs.ingest.import_detector import IMPORT_FILES, IMPORT_FILES_PER_DIRECTORY, ImportDetector

ROOT, OTHER_ROOT = RootId(1), RootId(2)
STAT = FileStat(size=1, mtime_ns=1, ctime_ns=1, ino=1, dev=1, mode=0o100644, uid=0, gid=0)


def seen(directory: bytes, count: int) -> list[SeenFile]:
    return [SeenFile(b"%s/%d.txt" % (directory, number), STAT) for number in range(count)]


def test_what_a_person_saves_is_no_import() -> None:
    files = seen(b"docs", IMPORT_FILES)
    assert ImportDetector().split(ROOT, files) == (files, [])


def test_an_import_is_told_from_what_a_person_saves_elsewhere_meanwhile() -> None:
    detector = ImportDetector()
    imported, saved = seen(b"import", IMPORT_FILES), seen(b"docs", IMPORT_FILES_PER_DIRECTORY)
    assert detector.split(ROOT, [*imported, *saved]) == (saved, imported)


def test_an_import_may_come_in_small_pieces() -> None:
    detector = ImportDetector()
    *files, one, other = seen(b"import", IMPORT_FILES + 2)
    for file in files:
        assert detector.split(ROOT, [file]) == ([file], [])
    next_files = [one, other]
    assert detector.split(ROOT, next_files) == ([], next_files)


def test_files_that_change_all_the_time_are_no_import() -> None:
    detector = ImportDetector()
    logs = seen(b"logs", IMPORT_FILES_PER_DIRECTORY)
    for _ in range(IMPORT_FILES):
        assert detector.split(ROOT, logs) == (logs, [])
    assert not detector.is_import(ROOT, 1)


def test_an_import_into_one_root_says_nothing_of_another_one() -> None:
    detector = ImportDetector()
    assert detector.is_import(ROOT, IMPORT_FILES + 1)
    assert not detector.is_import(OTHER_ROOT, 1)
