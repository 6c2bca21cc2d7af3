"""Locks of files: one holder at a time, until its descriptor is closed."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from magicfs.linux.locks import is_locked, take_lock, try_lock


def test_a_lock_has_one_holder_until_its_descriptor_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert not is_locked(path), "there is no file yet"
    held = try_lock(path)
    assert held is not None
    assert is_locked(path)
    assert try_lock(path) is None
    os.close(held)
    assert not is_locked(path)
    again = take_lock(path)
    assert try_lock(path) is None
    os.close(again)


def test_a_lock_that_is_held_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    held, taken = take_lock(path), threading.Event()

    def take() -> None:
        os.close(take_lock(path))
        taken.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert not taken.wait(0.05)
    os.close(held)
    thread.join()
    assert taken.is_set()
    assert not is_locked(path)
