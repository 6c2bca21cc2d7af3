"""`StateFile`: a value of this machine, in a JSON file of the state directory.

Other hosts of a cluster write to the index. What they must not change stands in such a file. Any thread and process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from magicfs.errors import ConfigError
from magicfs.linux.files import replace_file
from magicfs.linux.locks import take_lock

T = TypeVar("T")


class StateFile(Generic[T]):
    """One file. It is read again when it has changed."""

    def __init__(self, home: Path, name: str, *, parse: Callable[[Any], T], advice: str) -> None:
        """`home` is the state directory. `parse` makes the value from JSON; `advice` says what helps if it cannot."""
        self.path = home / name
        self._lock = home / "run" / f"{self.path.stem}.lock"
        self._parse = parse
        self._advice = advice
        self._version: tuple[int, int, int] | None = None
        self._value: T | None = None

    def read(self) -> T | None:
        """The value; None without the file. Raises `ConfigError` when the file cannot be read."""
        try:
            status = os.stat(self.path)
            version = (status.st_ino, status.st_mtime_ns, status.st_size)
            if version != self._version:
                self._value, self._version = self._parse(json.loads(self.path.read_text(encoding="utf-8"))), version
        except FileNotFoundError:
            self._value = self._version = None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"{self.path} cannot be read ({error}): {self._advice}") from error
        return self._value

    @contextmanager
    def changing(self) -> Iterator[T | None]:
        """The value, which no other process changes meanwhile. Raises `ConfigError`."""
        descriptor = take_lock(self._lock)
        try:
            yield self.read()
        finally:
            os.close(descriptor)

    def write(self, value: object) -> None:
        """Replace the file by one with this value as JSON, which is on the disk then."""
        # Escapes stand for the bytes of a path that are no text.
        replace_file(self.path, json.dumps(value, ensure_ascii=True))
