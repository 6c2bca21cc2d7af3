"""An embed task may take ten seconds."""

from __future__ import annotations

from tasks.app import EMBED_TASK, HARD_SECONDS

HARD_SECONDS[EMBED_TASK] = 10
