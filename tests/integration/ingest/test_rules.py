"""Which files are indexed, and what `magicfs doctor` says about those that are not."""

import os
import random
import re
import string
from pathlib import Path

import pytest

from magicfs.cli.file_report import explanation_facts
from magicfs.db.cluster.roots import request_scan
from magicfs.db.corpus import files as files_db
from magicfs.db.corpus.failures import retry_failures
from magicfs.domain.contents import Document, UnreadPages, UnreadPart, UnreadParts
from magicfs.domain.files import SkipReason
from magicfs.errors import UsageError
from magicfs.ingest.changed_paths import look_at
from magicfs.ingest.explain import explain
from magicfs.ingest.ignore import IgnoreRules
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits
from tests.integration.ingest.trees import as_nobody
from tests.plugins.deep import NAME, dig
from tests.plugins.index import HOST, Index

CACHE_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n"


def write(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"words of {path}")


def test_hidden_temporary_and_generated_files_are_ignored(index: Index) -> None:
    write(
        index.folder,
        "kept.txt",
        ".hidden/inside.txt",
        ".hidden.txt",
        "draft.txt~",
        "half.part",
        "node_modules/x/index.js",
        "a/__pycache__/x.pyc",
        "a/.git/config",
    )
    index.settle()
    assert set(index.states()) == {"kept.txt"}


def test_rules_are_hierarchical_and_can_be_taken_back(index: Index) -> None:
    write(
        index.folder,
        "a.log",
        "keep.log",
        "sub/b.log",
        "sub/deep/c.log",
        "build/x.txt",
        "sub/build/y.txt",
        ".config/z.txt",
    )
    (index.folder / ".gitignore").write_text("*.log\n!keep.log\n/build/\n")
    (index.folder / "sub/.gitignore").write_text("!b.log\n")
    (index.folder / ".magicfsignore").write_text("!.config/\n")
    index.settle()
    assert set(index.states()) == {"keep.log", "sub/b.log", "sub/build/y.txt", ".config/z.txt"}


def test_a_changed_rule_takes_effect_in_both_directions(index: Index) -> None:
    write(index.folder, "a.txt", "b.md", *(f"many/{number}.log" for number in range(20)))
    index.settle()
    assert len(index.states()) == 22
    (index.folder / ".magicfsignore").write_text("*.log\n")
    index.scan()
    accept_deletions(index)
    index.scan()
    assert set(index.states()) == {"a.txt", "b.md"}
    (index.folder / ".magicfsignore").write_text("*.txt\n")
    index.settle()
    assert len(index.states()) == 21
    assert len(index.reader.calls) == 22, "what comes back is not read again"


def accept_deletions(index: Index) -> None:
    with index.database.transaction() as connection:
        request_scan(connection, name=index.root.name, host=HOST, may_delete=True)


RULES = {".magicfsignore": "*\n", "many/.ignore": "*\n", ".gitignore": "many\n", "many/CACHEDIR.TAG": CACHE_SIGNATURE}


@pytest.mark.parametrize("path", RULES)
def test_a_rule_that_ignores_all_files_of_a_root_waits_for_a_person(index: Index, path: str) -> None:
    """Their vectors may have taken hours."""
    write(index.folder, *(f"many/{number}.txt" for number in range(20)))
    index.settle()
    before = index.states()
    (index.folder / path).write_text(RULES[path])
    event = look_at(index.root, [path.encode()])
    assert [index.scanner.scan_directory(index.root, directory).deleted for directory in event.directories] == [0]
    index.settle()
    [(state, detail)] = index.rows("SELECT state, detail FROM roots")
    assert state == "suspect"
    assert re.match(r"2[01] files are ignored by new rules .* if that is meant, run 'magicfs scan --acc", detail)
    assert detail.endswith("', else take the rules back")
    assert before.items() <= index.states().items()
    # A change in what is ignored deletes no more.
    assert index.scanner.scan_directory(index.root, b"many").deleted == 0
    (index.folder / path).unlink()
    index.settle()
    assert index.states() == before
    assert index.rows("SELECT state, detail FROM roots") == [("present", None)]
    assert len(index.reader.calls) == len(before), "nothing is read again"
    (index.folder / path).write_text(RULES[path])
    accept_deletions(index)
    index.settle()
    assert index.states() == {}
    assert index.rows("SELECT state, detail FROM roots") == [("present", None)]


@pytest.mark.parametrize("rules", ["one\ntwo\n", "*.txt\n"])
@pytest.mark.parametrize("change", ["new.md", "one/.gitignore", "one/deep/.ignore"])
def test_a_root_that_waits_for_a_person_keeps_its_files_when_another_one_changes(
    index: Index, change: str, rules: str
) -> None:
    write(index.folder, *(f"{folder}/{number}.txt" for folder in ("one/deep", "two") for number in range(5)))
    index.settle()
    before = index.states()
    (index.folder / ".magicfsignore").write_text(rules)
    index.settle()
    write(index.folder, change)
    for directory in look_at(index.root, [change.encode()]).directories:
        assert index.scanner.scan_directory(index.root, directory).deleted == 0
    for _ in range(3):
        index.settle()
        assert before.items() <= index.states().items()
    assert index.rows("SELECT state FROM roots") == [("suspect",)]
    accept_deletions(index)
    index.settle()
    assert set(index.states()) == {change} - {"one/.gitignore", "one/deep/.ignore"}


def test_a_folder_without_files_costs_no_look_at_the_rest_of_its_root(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is new, and one that is ignored: the rest may be a million files."""
    write(index.folder, "a.txt")
    (index.folder / ".magicfsignore").write_text("junk\n")
    index.settle()
    monkeypatch.setattr(files_db, "count_files_of_root", lambda *_: pytest.fail("all files were counted"))
    for name in ("new", "junk"):
        (index.folder / name).mkdir()
        assert index.scanner.scan_directory(index.root, name.encode()).deleted == 0


def test_deletions_that_a_person_has_confirmed_make_the_next_ones_no_more_suspicious(index: Index) -> None:
    write(index.folder, *(f"{number}.txt" for number in range(20)))
    index.settle()
    for number in range(15):
        (index.folder / f"{number}.txt").unlink()
    assert index.scan().suspected_deletions == 15
    accept_deletions(index)
    assert index.scan().deleted == 15
    (index.folder / "15.txt").unlink()
    assert index.scan().deleted == 1


@pytest.mark.parametrize("path", RULES)
def test_a_rule_that_leaves_a_file_counts_at_once(index: Index, path: str) -> None:
    """Whoever writes it says what is not to be found, however much that is."""
    write(index.folder, "a.txt", *(f"many/{number}.txt" for number in range(20)))
    index.settle()
    (index.folder / path).write_text(RULES[path] + "!a.txt\n")
    event = look_at(index.root, [path.encode()])
    found = [index.scanner.scan_directory(index.root, directory).deleted for directory in event.directories]
    assert sum(found) == 20
    assert set(index.states()) == {"a.txt"}
    assert index.rows("SELECT state, detail FROM roots") == [("present", None)]


def test_what_is_gone_and_what_is_ignored_are_named_together(index: Index) -> None:
    write(index.folder, *(f"{number}.{kind}" for number in range(10) for kind in ("txt", "log", "md", "c")))
    index.settle()
    for path in [*index.folder.glob("*.txt"), *index.folder.glob("*.c"), *index.folder.glob("*.md")]:
        path.unlink()
    (index.folder / ".ignore").write_text("*.log\n")
    assert index.scan().suspected_deletions == 40
    [(detail,)] = index.rows("SELECT detail FROM roots")
    assert detail.startswith("30 files are gone, and 10 files are ignored by new rules (")
    assert len(index.states()) == 40


def test_rules_that_are_written_before_files_are_read_ask_nobody(index: Index) -> None:
    """Whoever adds a root sees what is in it, and says what is to be left out."""
    write(index.folder, *(f"many/{number}.log" for number in range(20)))
    index.scan()
    (index.folder / ".magicfsignore").write_text("many/\n")
    assert index.scanner.scan_directory(index.root, b"").deleted == 0, "the full scan that follows decides"
    assert (index.scan().deleted, index.states()) == (20, {})
    assert index.rows("SELECT state, detail FROM roots") == [("present", None)]


@pytest.mark.parametrize("name", ["CACHEDIR.TAG", ".ignore"])
def test_a_file_that_decides_what_is_ignored_leads_to_a_scan_of_its_directory(index: Index, name: str) -> None:
    write(index.folder, "a.txt", "cache/page.txt", "cache/deep/y.txt")
    index.settle()
    (index.folder / "cache" / name).write_text(f"{CACHE_SIGNATURE}*\n")
    assert look_at(index.root, [b"cache/" + name.encode()]).directories == {b"cache"}
    index.scan()
    assert set(index.states()) == {"a.txt"}
    (index.folder / "cache" / name).write_text("!deep\n")
    index.scan()
    assert set(index.states()) - {"cache/CACHEDIR.TAG"} == {"a.txt", "cache/page.txt", "cache/deep/y.txt"}


def test_a_directory_that_a_rule_ignores_by_now_is_left_out_when_it_changes(index: Index) -> None:
    """The event of the rule file may still be on its way."""
    write(index.folder, "a.txt", "build/x.txt", "build/deep/y.txt")
    index.settle()
    (index.folder / ".magicfsignore").write_text("build/\n")
    result = index.scanner.scan_directory(index.root, b"build/deep")
    assert (result.deleted, set(index.states())) == (1, {"a.txt", "build/x.txt"})
    (index.folder / ".magicfsignore").unlink()
    assert index.scan().changed == 1
    assert set(index.states()) == {"a.txt", "build/x.txt", "build/deep/y.txt"}


def test_malformed_rule_files_do_no_harm(index: Index, tmp_path: Path) -> None:
    write(index.folder, "a.txt", "sub/b.txt")
    (index.folder / ".gitignore").write_bytes(b"\xff\xfe\x00[[[\n***x\n\\\n!\n")
    (index.folder / "sub/.gitignore").symlink_to("/dev/zero")
    index.settle()
    assert set(index.states()) == {"a.txt", "sub/b.txt"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a.log", "the rule '*.log' of the root"),
        (".hidden/x.txt", "built-in rule"),
        ("missing.txt", "no such file"),
        ("link.txt", "symbolic link"),
        ("new.txt", "newer than the last scan"),
        ("sub", "1 file of it is in the index"),
        (".", "2 files of it are in the index"),
    ],
)
def test_doctor_says_why(index: Index, path: str, words: str) -> None:
    write(index.folder, "a.txt", "a.log", ".hidden/x.txt", "sub/b.txt")
    (index.folder / ".gitignore").write_text("*.log\n")
    (index.folder / "link.txt").symlink_to("/etc/hostname")
    index.settle()
    write(index.folder, "new.txt")
    found = explain(index.database, host=HOST, path=index.folder / path)
    assert words in found.why_not
    assert not found.indexed


def test_doctor_shows_what_the_index_holds(index: Index) -> None:
    write(index.folder, "a.txt")
    index.settle()
    found = explain(index.database, host=HOST, path=index.folder / "a.txt")
    assert found.indexed
    assert found.facts is not None
    assert (found.facts.chunks, found.facts.embedded) == (1, 1)
    with pytest.raises(UsageError, match="no root"):
        explain(index.database, host=HOST, path=Path("/etc/hostname"))


def test_doctor_says_what_was_left_out(index: Index) -> None:
    write(index.folder, "whole.txt")
    (index.folder / "long.txt").write_text("some words\n" * 100)
    read = index.reader.extract
    index.reader.extract = FileExtractor(limits=Limits(text_bytes=110)).extract
    index.settle()

    def lines(name: str) -> str:
        return "\n".join(map(str, explanation_facts(explain(index.database, host=HOST, path=index.folder / name))))

    assert "left out" not in lines("whole.txt")
    assert "state     indexed: partly read" in lines("long.txt")
    assert "left out  990 bytes of its text, which are beyond MAGICFS_MAX_TEXT_MB, " in lines("long.txt")

    index.reader.extract = read
    for _ in range(2):
        with index.database.transaction() as connection:
            retry_failures(connection)
        index.settle()
    assert "left out" not in lines("long.txt"), "the same bytes are read again, with the limit of today"
    assert set(index.states().values()) == {("indexed", None)}


@pytest.mark.parametrize(
    ("unread", "said"),
    [
        ((UnreadPages(SkipReason.TIMEOUT, (3, 7, 8, 9)),), "4 pages (pages 3, 7-9: timeout): the parser failed"),
        ((UnreadPages(SkipReason.NEEDS_OCR, (2,)),), "1 page (page 2: needs-ocr): OCR is missing"),
        ((UnreadPages(SkipReason.NEEDS_OCR),), "1 page (needs-ocr): OCR is missing"),
        (
            (UnreadPages(SkipReason.TIMEOUT, (3,)), UnreadPages(SkipReason.CRASHED, (5,))),
            "2 pages (page 3: timeout; page 5: crashed): the parser failed",
        ),
    ],
)
def test_doctor_says_which_pages_were_not_read(index: Index, unread: tuple[UnreadPages, ...], said: str) -> None:
    write(index.folder, "scan.pdf")
    outcome = Document("the first page", "application/pdf", unread=unread)
    index.reader.extract = lambda content, name, gap: outcome
    index.settle()
    lines = list(map(str, explanation_facts(explain(index.database, host=HOST, path=index.folder / "scan.pdf"))))
    assert "state     indexed: partly read" in lines
    assert any(line.startswith(f"left out  {said}") for line in lines), lines


def test_doctor_says_which_parts_were_not_read(index: Index) -> None:
    write(index.folder, "book.epub")
    damaged = (UnreadPart("O/two.xhtml", SkipReason.CORRUPT), UnreadPart("O/nine.xhtml", SkipReason.CORRUPT))
    outcome = Document("the first chapter", "application/epub+zip", unread_parts=UnreadParts(3, 14, damaged))
    index.reader.extract = lambda content, name, gap: outcome
    index.settle()
    explained = explain(index.database, host=HOST, path=index.folder / "book.epub")
    lines = list(map(str, explanation_facts(explained)))
    assert "state     indexed: partly read" in lines
    said = "3 of 14 parts could not be read: O/two.xhtml (corrupt), O/nine.xhtml (corrupt) and 1 more"
    assert any(line.startswith(f"left out  {said}: ") for line in lines), lines
    assert explained.facts is not None
    assert explained.facts.unread_parts == said


def test_a_part_can_be_left_out_again_and_again(index: Index) -> None:
    (index.folder / "long.txt").write_text("some words\n" * 100)
    index.reader.extract = FileExtractor(limits=Limits(text_bytes=110)).extract
    index.settle()
    for _ in range(3):
        with index.database.transaction() as connection:
            assert retry_failures(connection) == 1
        index.settle()
    facts = explain(index.database, host=HOST, path=index.folder / "long.txt").facts
    assert facts is not None
    assert facts.partly_read


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("mode", [0o700, 0o711], ids=["not entered", "not listed"])
def test_doctor_says_that_a_directory_may_not_be_read(index: Index, mode: int) -> None:
    write(index.folder, "closed/known.txt")
    index.settle()
    write(index.folder, "closed/new.txt")
    (index.folder / "closed").chmod(mode)
    with as_nobody(index.folder):
        new, directory, known = (
            explain(index.database, host=HOST, path=index.folder / path)
            for path in ("closed/new.txt", "closed", "closed/known.txt")
        )
    for found in (new, directory):
        assert found.why_not is not None
        assert f"{index.folder}/closed cannot be listed (permission denied)" in found.why_not
    assert known.facts is not None


def test_a_path_outside_of_all_roots_is_shown_whatever_its_bytes_are(index: Index) -> None:
    index.settle()
    with pytest.raises(UsageError, match=r"^/elsewhere/caf\N{REPLACEMENT CHARACTER} lies in no root"):
        explain(index.database, host=HOST, path=Path(os.fsdecode(b"/elsewhere/caf\xe9")))


def test_doctor_explains_paths_that_are_too_long_for_the_system(index: Index) -> None:
    deepest = dig(index.folder)
    index.settle()

    def why_not(path: Path) -> str:
        return explain(index.database, host=HOST, path=path).why_not

    words = "paths of more than 4,095 bytes are not indexed"
    assert why_not(deepest) == f"no file of it is in the index; {words}"
    assert why_not(deepest / NAME) == f"{words}: shorten the names of its directories"
    assert why_not(deepest / NAME / "a.txt") == f"{words}: shorten the names of its directories"
    assert "more" not in why_not(deepest.parent)


def test_doctor_explains_paths_that_are_too_long_for_the_index(index: Index, caplog: pytest.LogCaptureFixture) -> None:
    names = [
        "".join(random.Random(number).choices(string.ascii_letters + string.digits, k=240)) for number in range(14)
    ]
    write(index.folder, "/".join([*names, "a.txt"]), "b.txt")
    index.settle()
    assert set(index.states()) == {"b.txt"}
    assert "cannot be indexed" in caplog.text
    found = explain(index.database, host=HOST, path=index.folder.joinpath(*names, "a.txt"))
    assert "bytes, and the index holds about 2,600" in found.why_not


def test_an_empty_set_of_rules_lets_ordinary_names_pass() -> None:
    rules = IgnoreRules()
    assert not rules.ignores(b"a/b.txt", is_directory=False)
    assert not rules.ignores(b"caf\xe9", is_directory=True)
    assert rules.ignores(b"a/.git", is_directory=True)
