"""Writes the files of `magicfs.embedding.unigram` from a model's `tokenizer.json`.

Used by `prepare`. They are derived from that file, so they are no part of what a model is.
"""

from __future__ import annotations

import json
import re
from array import array
from pathlib import Path
from typing import Any

from magicfs.embedding.manifest import UNIGRAM_FOLDER
from magicfs.embedding.unigram import PIECES, SCORES, SETTINGS
from magicfs.models.sources import read_json

MIN_PIECES = 50_000
"""`tokenizers` keeps fewer pieces in less than 60 MB."""


def write_unigram_files(model: Path) -> bool:
    """Write the files into the folder of a model. Returns False if its tokenizer is small, or not of this kind."""
    tokenizer = read_json(model / "tokenizer.json")
    padding = read_json(model / "tokenizer_config.json").get("pad_token")
    settings = _settings(tokenizer, padding)
    if settings is None:
        return False
    vocabulary = tokenizer["model"]["vocab"]
    folder = model / UNIGRAM_FOLDER
    folder.mkdir(parents=True)
    (folder / SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
    (folder / PIECES).write_bytes("\n".join(piece for piece, _ in vocabulary).encode())
    (folder / SCORES).write_bytes(array("d", (score for _, score in vocabulary)).tobytes())
    return True


def _settings(tokenizer: dict[str, Any], padding: object) -> dict[str, Any] | None:
    """What the tokenizer does beside finding pieces; None if it does anything else."""
    kind = tokenizer.get("model") or {}
    vocabulary = kind.get("vocab") or []
    if kind.get("type") != "Unigram" or kind.get("byte_fallback") or len(vocabulary) < MIN_PIECES:
        return None
    numbers = {piece: number for number, (piece, _) in enumerate(vocabulary)}
    special = tokenizer.get("added_tokens") or []
    marks = _marks(tokenizer.get("post_processor") or {})
    is_usual = all(
        token["special"]
        and not token["normalized"]
        and not token["single_word"]
        and numbers.get(token["content"]) == token["id"]
        for token in special
    )
    if marks is None or not is_usual or padding not in numbers or any("\n" in piece for piece in numbers):
        return None
    before, after = marks
    return {
        "unknown": kind["unk_id"],
        "padding": numbers[str(padding)],
        "before": before,
        "after": after,
        "special": {token["content"]: token["id"] for token in special},
        "special_patterns": [
            (r"\s*" if token["lstrip"] else "") + re.escape(token["content"]) + (r"\s*" if token["rstrip"] else "")
            for token in sorted(special, key=lambda token: -len(token["content"]))
        ],
        "library": {
            **dict.fromkeys(("truncation", "padding", "post_processor", "decoder")),
            "version": "1.0",
            "added_tokens": [],
            "normalizer": tokenizer.get("normalizer"),
            "pre_tokenizer": tokenizer.get("pre_tokenizer"),
            "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]]},
        },
    }


def _marks(processor: dict[str, Any]) -> tuple[list[int], list[int]] | None:
    """The tokens before and after a text; None if the text is not simply between them."""
    if processor.get("type") != "TemplateProcessing":
        return None
    known = processor["special_tokens"]
    marks: tuple[list[int], list[int]] = ([], [])
    texts = 0
    for part in processor["single"]:
        if "Sequence" in part:
            texts += 1
        else:
            marks[min(texts, 1)].extend(known[part["SpecialToken"]["id"]]["ids"])
    return marks if texts == 1 else None
