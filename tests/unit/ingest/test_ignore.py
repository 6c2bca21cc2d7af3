"""Hostile rules take no time, and ordinary rules apply as in git."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from magicfs.ingest.gitignore import compile_pattern
from magicfs.ingest.ignore import MAX_RULE_FILE_BYTES, IgnoreRules, rules_for

LINEAR_TIME = pytest.mark.timeout(20)
"""A match without backtracking takes microseconds, one with it minutes or years."""

SEGMENTS = st.one_of(
    st.sampled_from(["**", "*"]),
    st.lists(st.sampled_from(["a", "b", "*", "?", "\\a"]), min_size=1, max_size=6).map("".join),
)
LINES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "/", "!"]),
    st.lists(SEGMENTS, min_size=1, max_size=6).map("/".join),
    st.sampled_from(["", "/"]),
)
PATHS = st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=7).map("/".join)


def rules(folder: Path, *lines: str) -> IgnoreRules:
    (folder / ".gitignore").write_text("".join(f"{line}\n" for line in lines))
    return IgnoreRules().enter(os.fsencode(folder), relative=b"")


@pytest.mark.filterwarnings("ignore:Possible set difference:FutureWarning")
@pytest.mark.parametrize("line", ["*.[a-Z]", "[a--b]", "\\"])
def test_a_line_that_is_no_rule_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture, line: str) -> None:
    found = rules(tmp_path, line, "*.log")
    assert found.ignores(b"a.log", is_directory=False)
    assert not found.ignores(b"a.txt", is_directory=False)
    assert [record.message for record in caplog.records] == [f"{tmp_path}: {line!r} is no rule"]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_only_a_regular_file_has_rules(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / ".gitignore")
    before = len(os.listdir("/proc/self/fd"))
    assert IgnoreRules().enter(os.fsencode(tmp_path), relative=b"") == IgnoreRules()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_pipe_into_which_somebody_writes_has_none_either(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".gitignore")
    with open(tmp_path / ".gitignore", "r+b", buffering=0) as pipe:
        pipe.write(b"*.txt\n")
        assert IgnoreRules().enter(os.fsencode(tmp_path), relative=b"") == IgnoreRules()


def test_a_link_to_a_rule_file_has_none_either(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("*.txt\n")
    (tmp_path / ".magicfsignore").symlink_to("rules")
    assert IgnoreRules().enter(os.fsencode(tmp_path), relative=b"") == IgnoreRules()


def test_a_rule_file_that_is_too_large_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / ".gitignore").write_bytes(b"*.txt\n#" + bytes(MAX_RULE_FILE_BYTES))
    assert IgnoreRules().enter(os.fsencode(tmp_path), relative=b"") == IgnoreRules()
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}/.gitignore is too large for a rule file and is not used"
    ]


def test_our_own_rule_file_overrides_that_of_git_beside_it(tmp_path: Path) -> None:
    (tmp_path / ".magicfsignore").write_text("!keep.txt\n*.md\n")
    found = rules(tmp_path, "*.txt", "!keep.md")
    kept = [name for name in (b"keep.txt", b"other.txt", b"keep.md") if not found.ignores(name, is_directory=False)]
    assert kept == [b"keep.txt"]


def test_the_rules_of_tools_that_search_hold_between_those_of_git_and_our_own(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("a.txt\n")
    (tmp_path / ".ignore").write_text("!a.txt\nb.txt\nc.txt\n")
    (tmp_path / ".magicfsignore").write_text("!c.txt\n")
    found = IgnoreRules().enter(os.fsencode(tmp_path), relative=b"")
    assert [found.ignores(name, is_directory=False) for name in (b"a.txt", b"b.txt", b"c.txt")] == [False, True, False]


CACHE_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# made by a program\n"


@pytest.mark.parametrize(("tag", "ignored"), [(CACHE_TAG, True), ("", False), ("Signature: none\n", False)])
def test_what_is_in_the_cache_of_a_program_is_ignored(tmp_path: Path, tag: str, ignored: bool) -> None:
    (tmp_path / "cache" / "below").mkdir(parents=True)
    (tmp_path / "cache" / "CACHEDIR.TAG").write_text(tag)
    inside = rules_for(os.fsencode(tmp_path), b"cache")
    assert inside is not None
    assert inside.ignores(b"cache/a\nb.txt", is_directory=False) == ignored
    assert inside.ignores(b"cache/below", is_directory=True) == ignored
    assert (rules_for(os.fsencode(tmp_path), b"cache/below") is None) == ignored


def test_a_root_that_is_a_cache_is_wanted_and_a_rule_takes_back_what_is_in_one(tmp_path: Path) -> None:
    (tmp_path / "CACHEDIR.TAG").write_text(CACHE_TAG)
    root = IgnoreRules().enter(os.fsencode(tmp_path), relative=b"")
    assert not root.ignores(b"page.html", is_directory=False)
    (tmp_path / ".magicfsignore").write_text("!page.html\n!kept\n")
    inside = IgnoreRules().enter(os.fsencode(tmp_path), relative=b"cache")
    assert not inside.ignores(b"cache/page.html", is_directory=False)
    assert not inside.ignores(b"cache/kept", is_directory=True)
    assert not inside.ignores(b"cache/kept/other.html", is_directory=False)
    assert inside.why_ignored(b"cache/other.html", is_directory=False) == "the rule 'CACHEDIR.TAG' of cache/"


def test_what_is_below_an_ignored_directory_has_no_rules(tmp_path: Path) -> None:
    (tmp_path / "docs/build/deep").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / "docs/build/.gitignore").write_text("!*\n")
    root = os.fsencode(tmp_path)
    assert rules_for(root, b"docs") is not None
    assert [rules_for(root, path) for path in (b"docs/build", b"docs/build/deep")] == [None, None]


@LINEAR_TIME
@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("*a*a*a*a*a*a*b", "a" * 60),
        ("*a*a*a*a*a*a*b", "a" * 255),
        ("?*" * 20 + "b", "a" * 255),
        ("*" * 200 + "b", "a" * 255),
        ("*[ab]" * 20 + "c", "a" * 255),
        ("**/a/" * 12 + "b", "a/" * 200 + "c"),
        ("**/*a*a/" * 12 + "b", "aaaa/" * 200 + "c"),
        ("*[!x][!x]/" * 30 + "b", "aaa/b/" * 30 + "c"),
    ],
)
def test_many_wildcards_take_no_time(tmp_path: Path, line: str, path: str) -> None:
    found = rules(tmp_path, line)
    assert not found.ignores(os.fsencode(path), is_directory=False)


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        (b"x.egg-info/y/build-1-2", True),
        (b"deep/down/x.egg-info/build-1-2", True),
        (b"x.egg-info/y/z/build--", True),
        (b"x.egg-info/y/build-1", False),
        (b"x.egg-infos/y/build-1-2", False),
        (b"one-two-three.tar.gz", True),
        (b"sub/one-two.tar.gz", False),
        (b"a0b1c.txt", True),
        (b"axb1c.txt", False),
        (b"docs/a/b/draft.md", True),
        (b"docs/draft.md", True),
        (b"docs/draft.txt", False),
        (b"anc/x/y", False),
        (b"a.c/x/y", True),
    ],
)
def test_ordinary_rules_hold_as_in_git(tmp_path: Path, path: bytes, ignored: bool) -> None:
    found = rules(
        tmp_path,
        "**/*.egg-info/**/build-*-*",
        "/*-*-*.tar.*",
        "*[0-9]*[!a-z]c.t?t",
        "docs/**/*.md",
        "a[!n]c/**/y",
    )
    assert found.ignores(path, is_directory=False) is ignored


@given(st.lists(LINES, min_size=1, max_size=4), PATHS)
def test_compiled_patterns_match_as_those_of_pathspec(lines: list[str], path: str) -> None:
    """pathspec's own expressions match what git matches, as long as no brackets are in them."""
    slow = GitIgnoreSpec.from_lines(lines, backend="simple")
    quick = GitIgnoreSpec.from_lines(lines, compile_pattern, backend="simple")
    for name in (path, path + "/"):
        assert quick.check_file(name) == slow.check_file(name)


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        (b"#report.md#", True),
        (b"#", False),
        (b"~$", False),
        (b".#report.md", True),
        (b"~$letter.docx", True),
        (b".~lock.letter.odt#", True),
        (b".goutputstream-K3AB12", True),
        (b"4913", True),
        (b"notes.txt.sb-3f2a91cc-Qx7TbK", True),
        (b"notes.sb-today", False),
        (b"report.md~", True),
        (b".notes.md.swp", True),
        (b"#1 plan.md", False),
        (b"49130", False),
        (b"~letter.docx", False),
        (b"Book1~RF1c2d3e4.TMP", True),
        (b"report.md___jb_tmp___", True),
        (b"DEADJOE", True),
        (b"film.mkv.filepart", True),
        (b"film.mkv.!qB", True),
        (b"places.sqlite-wal", True),
        (b"notes.db-journal", True),
        (b"travel.txt-journal", False),
        (b"journal", False),
        (b"talk.mp4.part-Frag12", True),
        (b"part", False),
        (b"Appendix.A", False),
        (b"Annual.Part", False),
        (b"Draft.Download", False),
    ],
)
def test_leftovers_of_editors_are_ignored(name: bytes, ignored: bool) -> None:
    assert IgnoreRules().ignores(name, is_directory=False) is ignored


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        (b"@eaDir", True),
        (b"#recycle", True),
        (b"@Recycle", True),
        (b"$Recycle.Bin", True),
        (b"Ada's Mac.sparsebundle", True),
        (b"NAS.backupbundle", True),
        (b"sparsebundle", False),
        (b"Recycler", False),
        (b"#1 project", False),
        (b"@home", False),
        (b"Recycle", False),
    ],
)
def test_what_storage_keeps_beside_files_is_ignored(name: bytes, ignored: bool) -> None:
    assert IgnoreRules().ignores(b"Photos/" + name, is_directory=True) is ignored


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        (b"Mail/.Sent", False),
        (b"Mail/.Lists.python-dev", False),
        (b"Mail/.Junk", True),
        (b"Mail/.notmuch", True),
        (b"Mail/.git", True),
        (b"Mail/cur/.hidden", True),
        (b".Sent", True),
    ],
)
def test_folders_of_a_maildir_are_not_hidden(tmp_path: Path, path: bytes, ignored: bool) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / "Mail" / name).mkdir(parents=True)
    above = rules(tmp_path, ".Junk/")
    inside = above.enter(os.fsencode(tmp_path / "Mail"), relative=b"Mail")
    if path.startswith(b"Mail/"):
        assert inside.ignores(path, is_directory=True) is ignored
    assert above.ignores(path, is_directory=True)


def test_what_a_maildir_ignores_itself_stays_ignored(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()
    inside = rules(tmp_path, ".Spam")
    assert inside.ignores(b".Spam", is_directory=True)
    assert not inside.ignores(b".Sent", is_directory=True)


def test_brackets_match_no_slash(tmp_path: Path) -> None:
    found = rules(tmp_path, "/one[!x]two", "/one[+-9]three")
    assert found.ignores(b"one.two", is_directory=False)
    assert not found.ignores(b"one/two", is_directory=False)
    assert not found.ignores(b"one/three", is_directory=False)


def test_a_rule_that_takes_back_a_directory_does_not_take_back_what_is_below_it(tmp_path: Path) -> None:
    found = rules(tmp_path, "build/", "*.txt", "!src/", "!.config")
    assert not found.ignores(b".config", is_directory=True)
    assert not found.ignores(b".config/kept.md", is_directory=False)
    assert not found.ignores(b"src", is_directory=True)
    assert found.ignores(b"src/build", is_directory=True)
    assert found.ignores(b"src/a.txt", is_directory=False)
    assert found.ignores(b".config/.git", is_directory=True)
    assert found.ignores(b".config/node_modules", is_directory=True)
    assert found.ignores(b".config/x.md.swp", is_directory=False)


def test_a_rule_can_take_back_all_that_is_below_a_directory(tmp_path: Path) -> None:
    found = rules(tmp_path, "!.config/", "!.config/**")
    assert not found.ignores(b".config/.git/config", is_directory=False)
    assert found.ignores(b".git", is_directory=True)


def test_a_line_break_in_a_name_is_a_character_like_others(tmp_path: Path) -> None:
    found = rules(tmp_path, "build", "/a/**/c")
    assert found.ignores(b"two\nlines/build", is_directory=True)
    assert found.ignores(b"a/two\nlines/c", is_directory=False)
    assert not found.ignores(b"build\n", is_directory=False)


def test_a_byte_order_mark_is_no_part_of_the_first_rule(tmp_path: Path) -> None:
    assert rules(tmp_path, "\ufeff*.log").ignores(b"a.log", is_directory=False)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("line", "matched", "others"),
    [
        ("log[[:digit:]].txt", "log1.txt", "logd.txt log:.txt"),
        ("[![:alnum:]_]x", "-x", "_x ax 0x"),
        ("[[:upper:][:digit:]-]x", "Ax 1x -x", "ax"),
        ("a[[:punct:]]", "a! a[ a~ a@", "ab a1"),
        ("a[[:space:]]b", "a\nb a\tb", "ab"),
        ("a[:digit:]", "ad a:", "a1"),
        ("\\[[[:graph:]]]", "[x] []]", "[\t]"),
        ("log[[:number:]]", "", "log1 logn"),
    ],
)
def test_classes_of_characters_hold_as_in_git(tmp_path: Path, line: str, matched: str, others: str) -> None:
    found = rules(tmp_path, line)
    assert [name for name in matched.split(" ") if name and not found.ignores(name.encode(), is_directory=False)] == []
    assert [name for name in others.split(" ") if found.ignores(name.encode(), is_directory=False)] == []


def test_blanks_at_the_end_are_what_git_takes_them_for(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"dos\r\nIcon\r\r\nspace  \nkept\\  \ntab\t\nlast\r")
    found = IgnoreRules().enter(os.fsencode(tmp_path), relative=b"")
    names = [b"dos", b"Icon", b"Icon\r", b"space", b"kept", b"kept ", b"tab", b"tab\t", b"last"]
    ignored = [name for name in names if found.ignores(name, is_directory=True)]
    assert ignored == [b"dos", b"Icon\r", b"space", b"kept ", b"tab\t", b"last"]


@LINEAR_TIME
@pytest.mark.parametrize("line", ["[" * 100_000, "[:" * 50_000, "\\" * 100_001, "*a" * 500_000])
def test_a_long_line_takes_no_time(tmp_path: Path, line: str) -> None:
    assert not rules(tmp_path, line).ignores(b"a", is_directory=False)
