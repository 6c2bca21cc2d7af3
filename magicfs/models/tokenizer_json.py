"""The `tokenizer.json` of a SentencePiece unigram tokenizer, as models in the vocabulary of XLM-R have it.

Used by `packages`. Builds the parsed file; reads and writes nothing.
"""

from __future__ import annotations

from typing import Any

from magicfs.models.packed_e5 import Pieces

_MASK = "<mask>"
_METASPACE = {"type": "Metaspace", "replacement": "\N{LOWER ONE EIGHTH BLOCK}", "prepend_scheme": "always"}


def unigram_tokenizer(pieces: Pieces) -> dict[str, Any]:
    """The tokenizer: Unicode's compatibility forms, single spaces, then the likeliest pieces between two marks."""
    begin, end = pieces.begin, pieces.end
    marks = {begin, end, pieces.padding, pieces.unknown}
    special = sorted(marks | {number for number, text in enumerate(pieces.texts) if text == _MASK})
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    strip = {"type": "Strip", "strip_left": True, "strip_right": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(number, pieces.texts[number]) for number in special],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "NFKC"}, spaces, strip]},
        "pre_tokenizer": {**_METASPACE, "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_mark(pieces.texts[begin]), _text("A"), _mark(pieces.texts[end])],
            "pair": [
                *(_mark(pieces.texts[begin]), _text("A"), _mark(pieces.texts[end])),
                *(_mark(pieces.texts[end]), _text("B"), _mark(pieces.texts[end])),
            ],
            "special_tokens": {
                text: {"id": text, "ids": [number], "tokens": [text]}
                for number, text in ((begin, pieces.texts[begin]), (end, pieces.texts[end]))
            },
        },
        "decoder": {**_METASPACE, "split": True},
        "model": {
            "type": "Unigram",
            "unk_id": pieces.unknown,
            "vocab": [list(pair) for pair in zip(pieces.texts, pieces.scores, strict=True)],
            "byte_fallback": False,
        },
    }


def _added(number: int, text: str) -> dict[str, Any]:
    return {
        "id": number,
        "content": text,
        "single_word": False,
        "lstrip": text == _MASK,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def _mark(text: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": text, "type_id": 0}}


def _text(name: str) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": 0}}
