"""`ChildKeeper` keeps one parser process: it starts one when a file needs it, with OCR or without, and replaces it.

Used by `sandbox`, and by `file_reading`, which talks to the process. OCR that is installed but does not start costs no
other text: files are read without it, and it is tried again later. Not thread-safe: see `parser_process`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from magicfs.errors import ServerError
from magicfs.text.extract.ocr.ocr_engines import has_data
from magicfs.text.extract.options import Limits, Ocr, OcrEngine, Wall
from magicfs.text.extract.process.parser_process import ParserProcess, command_of, environment_of
from magicfs.text.extract.process.time_limit import TimeLimit

log = logging.getLogger(__name__)

OCR_PAUSE_SECONDS = 60.0
"""Files are read without OCR for this time after it has not started: each try takes seconds."""

_GONE = "its data are not there any more"


class ChildKeeper:
    """Keeps one parser process, or none until `running` is called."""

    def __init__(self, *, limits: Limits, ocr: Ocr | None, command: Sequence[str] | None) -> None:
        """`command` is a program that speaks the protocol of `child.serve`; the default is `child` itself."""
        self._limits = limits
        self._ocr = ocr
        self._environment = environment_of(ocr)
        self._command = command
        self._child: ParserProcess | None = None
        self._recognises = False
        self._ocr_problem: str | None = None
        self._ocr_pause_ends = 0.0
        """The moment, on the monotonic clock, from which OCR is tried again."""
        self._walls_are_logged = False

    @property
    def recognises(self) -> bool:
        """Whether the process recognises text itself. rapidocr is loaded in one only when a file needs it."""
        return self._recognises

    @property
    def ocr_problem(self) -> str | None:
        """Why OCR did not start when it was last tried, in one line; None if it did."""
        return self._ocr_problem

    def prepare(self) -> None:
        """Let the next process recognise text from its start where that costs nothing, if none runs."""
        if self._child is None or not self._child.alive():
            starts_with_ocr = self._ocr is not None and self._ocr.engine is not OcrEngine.RAPIDOCR
            self._recognises = starts_with_ocr and self._may_recognise()

    def recognise_from_now(self) -> None:
        """Replace a process that does not recognise text when it is used next, if there is OCR and it starts."""
        if not self._recognises and self._may_recognise():
            self.close()
            self._recognises = True

    def stop_recognising(self) -> None:
        """End the process. The next one does not recognise text."""
        self.close()
        self._recognises = False

    def has_lost_ocr(self) -> bool:
        """Whether the OCR was removed while the process recognised text. It is tried later."""
        if self._ocr is None or has_data(self._ocr):
            return False
        self.stop_recognising()
        self._pause_ocr(_GONE)
        return True

    def running(self, limit: TimeLimit) -> ParserProcess:
        """The process, which is started if none runs: without OCR where it does not start with OCR.

        `limit` says how long a start may wait for a processor. Raises `ServerError` when none can be started.
        """
        if self._child is not None and self._child.alive():
            return self._child
        self.close()
        try:
            self._child = self._start(limit)
        except ServerError as error:
            if not self._recognises:
                raise
            self._recognises = False
            self._child = self._start(limit)
            self._pause_ocr(str(error))
        else:
            if self._recognises:
                self._ocr_problem = None
        return self._child

    def recogniser(self, limit: TimeLimit) -> ParserProcess | None:
        """A process that recognises text; None without OCR, and where it does not start."""
        self.recognise_from_now()
        child = self.running(limit) if self._recognises else None
        return child if self._recognises else None

    def free_memory(self) -> None:
        """Free the memory of rapidocr, if it is loaded."""
        if self._ocr is not None and self._ocr.engine is OcrEngine.RAPIDOCR and self._recognises:
            self.close()

    def close(self) -> None:
        """Kill the process, if one runs."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _may_recognise(self) -> bool:
        """Whether there is OCR, and it starts as far as is known: it is not tried again at once."""
        return self._ocr is not None and time.monotonic() >= self._ocr_pause_ends and not self.has_lost_ocr()

    def _start(self, limit: TimeLimit) -> ParserProcess:
        command = self._command or command_of(self._limits, self._ocr, recognises=self._recognises)
        child = ParserProcess(command, self._environment, limit)
        self._log_walls(child.missing_walls)
        return child

    def _pause_ocr(self, problem: str) -> None:
        """Read without OCR for a while. Logged once until it starts again."""
        if self._ocr_problem is None and self._ocr is not None:
            log.warning("%s does not start, so it reads no text in images: %s", self._ocr.engine, problem)
        self._ocr_problem = problem
        self._ocr_pause_ends = time.monotonic() + OCR_PAUSE_SECONDS

    def _log_walls(self, missing: list[Wall]) -> None:
        """Log once whether the process is confined as it should be."""
        if self._walls_are_logged:
            return
        self._walls_are_logged = True
        if missing:
            log.warning("no wall keeps parsers from %s: see 'magicfs doctor'", ", ".join(missing))
        else:
            log.info("walls keep parsers from %s", ", ".join(Wall))
