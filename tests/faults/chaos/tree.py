"""Random operations of people and programs on a tree of files, from a seed."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SUBJECTS = (
    "The harvest of apples was good this year, and the press ran day and night.",
    "Concurrent transactions wait for each other when they lock the same rows.",
    "A choir of forty voices sang in the old church by the river.",
    "The train to the mountains was late because of snow on the tracks.",
    "Gradient descent finds a minimum by small steps against the slope.",
    "She repaired the bicycle with a spoke from a broken umbrella.",
    "The court adjourned until the witness could be heard in person.",
    "Bread needs flour, water, salt, time, and a hot oven.",
)


@dataclass
class Tree:
    """A tree of files, and a count of the operations on it."""

    root: Path
    randomness: random.Random
    operations: int = 0
    by_name: dict[str, int] = field(default_factory=dict)
    serial: int = 0

    def populate(self, files: int) -> None:
        for _ in range(files):
            self.create()

    def step(self) -> None:
        """Do one operation. It is not counted when an earlier one makes it fail."""
        operation = self.randomness.choices(
            [self.create, self.edit, self.append, self.delete, self.move, self.move_directory, self.copy,
             self.change_mode, self.touch, self.replace, self.link, self.empty],
            weights=[6, 6, 3, 3, 4, 1, 2, 1, 1, 3, 1, 1],
        )[0]  # fmt: skip
        self.do(operation)

    def do(self, operation: Callable[[], None]) -> None:
        try:
            operation()
        except OSError:
            return
        self.operations += 1
        self.by_name[operation.__name__] = self.by_name.get(operation.__name__, 0) + 1

    def files(self) -> list[Path]:
        found = [path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()]
        return sorted(found)

    def directories(self) -> list[Path]:
        return [self.root, *sorted(path for path in self.root.rglob("*") if path.is_dir() and not path.is_symlink())]

    def any_file(self) -> Path:
        files = self.files()
        if not files:
            raise FileNotFoundError
        return self.randomness.choice(files)

    def text(self) -> str:
        count = self.randomness.randint(1, 12)
        return "\n\n".join(
            f"{self.randomness.choice(SUBJECTS)} ({self.randomness.randint(0, 40)})" for _ in range(count)
        )

    def new_path(self) -> Path:
        self.serial += 1
        directory = self.randomness.choice(self.directories())
        if self.randomness.random() < 0.15:
            directory = directory / f"dir{self.serial}"
        return directory / f"file{self.serial}{self.randomness.choice(['.txt', '.md', '.py', '.log', ''])}"

    def create(self) -> None:
        path = self.new_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text())

    def edit(self) -> None:
        path = self.any_file()
        paragraphs = path.read_text().split("\n\n")
        paragraphs[self.randomness.randrange(len(paragraphs))] = self.text()
        path.write_text("\n\n".join(paragraphs))

    def append(self) -> None:
        with self.any_file().open("a") as file:
            file.write(f"\n\n{self.text()}")

    def delete(self) -> None:
        if len(self.files()) > 10:
            self.any_file().unlink()

    def move(self) -> None:
        target = self.new_path()
        target.parent.mkdir(parents=True, exist_ok=True)
        self.any_file().rename(target)

    def move_directory(self) -> None:
        directories = self.directories()[1:]
        if directories:
            self.serial += 1
            self.randomness.choice(directories).rename(self.root / f"moved{self.serial}")

    def copy(self) -> None:
        source, target = self.any_file(), self.new_path()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def change_mode(self) -> None:
        self.any_file().chmod(self.randomness.choice([0o600, 0o644, 0o640, 0o400, 0o000]))

    def touch(self) -> None:
        os.utime(self.any_file())

    def replace(self) -> None:
        """Save as many editors do: rename a new file over the old one."""
        path = self.any_file()
        draft = path.with_name(f".{path.name}.swp")
        draft.write_text(self.text())
        draft.replace(path)

    def link(self) -> None:
        self.serial += 1
        (self.root / f"link{self.serial}").symlink_to(self.any_file())

    def empty(self) -> None:
        self.any_file().write_text("")
