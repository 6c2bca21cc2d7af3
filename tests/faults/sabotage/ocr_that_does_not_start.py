"""No parser process with rapidocr starts while the file `busy` is in the state directory. It is tried again at once.

The test gives the worker a PATH without Tesseract.
"""

from __future__ import annotations

import os
from pathlib import Path

from magicfs.errors import ServerError
from magicfs.pipeline import extract
from magicfs.text.extract.process import child_keeper
from magicfs.text.extract.process.child_keeper import ChildKeeper
from magicfs.text.extract.process.parser_process import ParserProcess
from magicfs.text.extract.process.time_limit import TimeLimit
from tasks import services

services.OCR_SECONDS = 0.5
extract.FIRST_OCR_PAUSE_SECONDS = 0.1
child_keeper.OCR_PAUSE_SECONDS = 0.0
_start = ChildKeeper._start


def _start_if_it_can(self: ChildKeeper, limit: TimeLimit) -> ParserProcess:
    if self.recognises and (Path(os.environ["MAGICFS_HOME"]) / "busy").exists():
        raise ServerError("the process for reading files does not start: timed out")
    return _start(self, limit)


ChildKeeper._start = _start_if_it_can
