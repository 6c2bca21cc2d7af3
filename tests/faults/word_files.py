"""Files of random words, which real workers read and embed while a test breaks them."""

from __future__ import annotations

import random
from pathlib import Path

WORDS = [
    *("river", "stone", "market", "engine", "winter", "letter", "garden", "signal", "copper", "harbor"),
    *("window", "paper", "forest", "bridge", "candle", "thunder", "mirror", "pocket", "wheel", "orange"),
]


def write_files(folder: Path, *, count: int, words: int = 150, seed: int = 7) -> None:
    folder.mkdir(exist_ok=True)
    randomness = random.Random(seed)
    for number in range(count):
        text = " ".join(randomness.choices(WORDS, k=words))
        (folder / f"file{number:03}.txt").write_text(f"File number {number}.\n\n{text}\n")
