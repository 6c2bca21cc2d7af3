"""An embed task may take twenty seconds, and takes far less: that of a busy machine is not too late by itself."""

from __future__ import annotations

from magicfs.pipeline import embed
from tasks.app import EMBED_TASK, HARD_SECONDS

HARD_SECONDS[EMBED_TASK] = 20
embed.TURN_SECONDS = 0.5
