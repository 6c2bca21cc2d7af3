"""Files without text, names in any spelling and copies, by the commands that people type and in the mount."""

from __future__ import annotations

import base64
import json
import os
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from magicfs.models.store import ModelStore
from tests.plugins.commands import Commands, commands_in, short_folder
from tests.plugins.fuse import needs_fuse

FILM = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 8
SONG = b"ID3\x03" + bytes(range(256)) * 8
PACKAGES = 25

pytestmark = needs_fuse


@dataclass(frozen=True)
class Found:
    commands: Commands
    mount: Path
    docs: Path

    def results(self, *query: str) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = json.loads(self.commands.ok("search", "--json", *query))["results"]
        return results

    def names(self, *query: str) -> list[str]:
        return [unicodedata.normalize("NFC", result["name"]) for result in self.results(*query)]


@pytest.fixture(scope="module")
def found(model_store: ModelStore) -> Iterator[Found]:
    with short_folder() as folder, commands_in(folder, model_store) as commands:
        docs, mount = folder / "docs", folder / "mnt"
        mount.mkdir()
        docs.mkdir()
        (docs / "Sunset over Zadar.mov").write_bytes(FILM)
        (docs / "Ferry to Split.mp3").write_bytes(SONG)
        (docs / "IMG_20190714.heic").write_bytes(b"no picture at all\0\1\2" * 9)
        with zipfile.ZipFile(docs / "backup-2019.zip", "w") as archive:
            archive.writestr("data.bin", os.urandom(200))
        (docs / "placeholder.ini").touch()
        folder_of_a_mac = docs / unicodedata.normalize("NFD", "Ćevapčići")
        folder_of_a_mac.mkdir()
        (folder_of_a_mac / unicodedata.normalize("NFD", "Jaja à la crème.txt")).write_text("eggs, cream and pepper\n")
        for number in range(PACKAGES):
            package = docs / f"package{number:02}"
            package.mkdir()
            (package / "COPYING").write_text("You may distribute copies of the gearbox firmware on these terms.\n")
        (docs / "gearbox.md").write_text("# Gearbox\n\nHow to flash the firmware, and to whom to distribute it.\n")
        commands.ok("up", docs, "--mount", mount, "--detach", "--wait")
        yield Found(commands, mount, docs)


def test_what_has_no_text_is_counted_as_named_and_is_no_failure(found: Found) -> None:
    status = json.loads(found.commands.ok("status", "--json"))
    assert status["files"]["named"] >= 4
    assert status["files"]["failed"] == status["files"]["skipped"] == status["files"]["pending"] == 0
    assert status["coverage"]["indexed"] == status["coverage"]["files"] == status["files"]["total"]
    assert f"{status['files']['named']} named" in found.commands.ok("status")
    assert json.loads(found.commands.ok("failures", "--json"))["failures"] == []
    assert "named: binary" in found.commands.ok("doctor", found.docs / "Sunset over Zadar.mov")


def test_doctor_gives_the_bytes_of_a_name_that_is_no_utf_8(found: Found) -> None:
    path = os.fsencode(found.docs) + b"/caf\xe9.txt"
    Path(os.fsdecode(path)).write_text("a note\n")
    explained = json.loads(found.commands.run("doctor", "--json", os.fsdecode(path)).stdout)
    assert explained["path"] == f"{found.docs}/caf\N{REPLACEMENT CHARACTER}.txt"
    assert base64.b64decode(explained["path_bytes"]) == path
    os.remove(path)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("zadar sunset", "Sunset over Zadar.mov"),
        ("ferry", "Ferry to Split.mp3"),
        ("name:20190714", "IMG_20190714.heic"),
        ("name:backup-2019.zip", "backup-2019.zip"),
        ("type:video", "Sunset over Zadar.mov"),
        ("type:audio", "Ferry to Split.mp3"),
        ("type:archive", "backup-2019.zip"),
        ("type:image", "IMG_20190714.heic"),
        ("name:*.ini", "placeholder.ini"),
        ("in:Ćevapčići", "Jaja à la crème.txt"),
        ("name:jaja*crème*", "Jaja à la crème.txt"),
        ("name:JAJA", "Jaja à la crème.txt"),
        ("in:cevapcici eggs", "Jaja à la crème.txt"),
    ],
)
def test_a_name_finds_its_file(found: Found, query: str, name: str) -> None:
    assert found.names(query)[0] == name


def test_a_film_opens_in_the_mount(found: Found) -> None:
    folder = found.mount / "search" / "sunset zadar"
    (name,) = [name for name in os.listdir(folder) if name.endswith("_Sunset over Zadar.mov")]
    assert (folder / name).read_bytes() == FILM
    assert os.getxattr(folder / name, "user.magicfs.lines") == os.getxattr(folder / name, "user.magicfs.vector") == b""
    (shown,) = [one for one in json.loads((folder / ".results.json").read_text())["results"] if one["name"] in name]
    assert (shown["lines"], shown["page"], shown["snippet"], shown["vector"]) == ([0, 0], None, "", None)
    assert b"Zadar" not in (folder / ".passages").read_bytes()
    assert "Zadar.mov\n" in found.commands.ok("search", "sunset", "zadar")


def test_copies_are_one_result_everywhere(found: Found) -> None:
    query = "distribute copies of the gearbox firmware"
    results = found.results("-n", "3", query)
    assert {"COPYING", "gearbox.md"} <= {result["name"] for result in results}
    (copying,) = [result for result in results if result["name"] == "COPYING"]
    paths = {copy["path"] for copy in copying["copies"]}
    assert paths | {copying["path"]} == {str(path) for path in found.docs.glob("package*/COPYING")}
    assert {copy["host"] for copy in copying["copies"]} == {"here"}
    assert f"and {PACKAGES - 1} copies" in found.commands.ok("search", "-n", "3", query)
    listed = os.listdir(found.mount / "search" / query)
    assert sum(name.endswith("_COPYING") for name in listed) == 1
    assert sum(name.endswith("_gearbox.md") for name in listed) == 1
    each = os.listdir(found.mount / "search" / f"{query} copies:all limit:100")
    assert sum("COPYING" in name for name in each) == PACKAGES
