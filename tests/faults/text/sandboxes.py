"""What the tests of the sandbox share: a parser that misbehaves as the file says, and what its answers mean."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from magicfs.domain.contents import Document, Unreadable
from magicfs.text.extract.options import MIB, Limits

CHILD = Path(__file__).with_name("misbehaving_child.py")
LIMITS = Limits(seconds=20, memory_bytes=256 * MIB, text_bytes=1 * MIB)


def command_of(limits: Limits, *pages: str) -> list[str]:
    """The command of the parser, with what each page does: `2=hang`."""
    return [sys.executable, "-P", str(CHILD), json.dumps(dataclasses.asdict(limits)), *pages]


def pid_of(outcome: Document | Unreadable) -> int:
    assert isinstance(outcome, Document), outcome
    return int(outcome.text.split()[0])


def unreadable(outcome: Document | Unreadable) -> Unreadable:
    assert isinstance(outcome, Unreadable), outcome
    return outcome
