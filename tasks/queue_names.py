"""The names of the queues. Imports nothing of Celery, for those who only ask Redis about them."""

from __future__ import annotations

import re
from hashlib import sha256

EMBED_QUEUE = "embed"
MAINTENANCE_QUEUE = "maintenance"

HUB_NAME = r"[a-z0-9._-]{1,96}/[a-z0-9._-]{1,96}"
"""The name of a model of the hub, in small letters."""

QUEUE_CHARACTERS = 60
"""The number of characters of the path of a model's folder that are part of the name of a queue."""


def extract_queue(host: str) -> str:
    """The queue of the workers that can open the files of `host`."""
    return f"extract.{host}"


def embed_queue(model: str | None) -> str:
    """The queue of the workers that embed chunks of one model, by its name; with None, of those that embed all."""
    if model is None:
        return EMBED_QUEUE
    name = model.casefold()
    words = re.sub(r"[^a-z0-9]+", "-", name).strip("-")
    if not re.fullmatch(HUB_NAME, name):
        # The words of a folder's path may be those of another path too, and it may have none.
        digest = sha256(name.encode(errors="surrogateescape")).hexdigest()
        words = f"{words[-QUEUE_CHARACTERS:]}-{digest[:8]}".strip("-")
    return f"{EMBED_QUEUE}.{words}"
