"""Making a stored model of a folder that a recipe has filled: int8 if wanted, tokenizer, measurements, manifest.

Used by the store while a model is pulled; works in the folder under construction only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from magicfs.domain.models import ModelManifest, ModelSpec, Precision
from magicfs.embedding import manifest as manifests
from magicfs.embedding.embedder import FastembedEmbedder, open_engine
from magicfs.errors import ModelError
from magicfs.models.calibration import calibrate
from magicfs.models.catalog import FALLBACK_MODEL
from magicfs.models.reference import check_minilm
from magicfs.models.sources import SourceFiles, read_json

Say = Callable[[str], None]

_USUAL_LIMIT = 512
"""Tokens; for a model that does not say how much it reads."""
_ABSURD_LIMIT = 1_000_000
"""Tokens; tools write such a number into `model_max_length` where they know nothing."""
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "mpnet", "camembert"}
"""Types of model whose position table starts after the padding token's number."""


def assemble(draft: SourceFiles, folder: Path, precision: Precision, say: Say) -> ModelManifest:
    """Finish the model in `folder` and write its manifest, last. Raises `ModelError`."""
    if precision is Precision.INT8:
        precision = _to_int8(draft, folder, say)
    limit = correct_tokenizer(folder)
    spec = ModelSpec(draft.name, precision, dimension=0, max_tokens=limit, query_prefix=draft.query_prefix)
    manifest = ModelManifest(
        spec=spec,
        model_file=draft.model_file,
        fastembed_name=draft.fastembed_name,
        pooling=draft.pooling or (None if draft.fastembed_name else _guess_pooling(folder / draft.model_file)),
        passage_prefix=draft.passage_prefix,
        origin=draft.origin,
        files={},
    )
    engine = open_engine(folder, manifest)
    with np.errstate(all="ignore"):
        (probe,) = engine.passage_embed(["probe"])
    manifest = replace(manifest, spec=replace(spec, dimension=len(probe)))
    embedder = FastembedEmbedder(engine, manifest)
    if draft.name == FALLBACK_MODEL:
        check_minilm(embedder)
    say("measuring the scale of its similarities")
    scale = calibrate(embedder)
    if scale is None:
        say(f"{draft.name} does not tell English texts apart: its scores are plain cosines")
    else:
        manifest = replace(manifest, spec=replace(manifest.spec, floor=scale.floor, ceiling=scale.ceiling))
    manifest = replace(manifest, files=manifests.record_files(folder))
    manifests.write(folder, manifest)
    return manifest


def _to_int8(draft: SourceFiles, folder: Path, say: Say) -> Precision:
    """Replace the model by its int8 form; where that cannot be done, say so and keep fp32."""
    say("rounding its weights to int8")
    model = folder / draft.model_file
    rounded = model.with_name("int8.onnx")
    try:
        quantize(model, rounded)
    except ModelError as error:
        say(f"{draft.name} stays at fp32: {error}")
        return Precision.FP32
    rounded.replace(model)
    for data in model.parent.glob(f"{model.name}[._]data*"):
        data.unlink()
    return Precision.INT8


def correct_tokenizer(folder: Path) -> int:
    """Make the stored tokenizer cut at the model's own limit and pad to no fixed length; return the limit in tokens.

    `tokenizer.json` itself cuts nothing, so that chunks can be measured with it; fastembed cuts at the limit
    that `tokenizer_config.json` states.
    """
    settings = read_json(folder / "tokenizer_config.json")
    config = read_json(folder / "config.json")
    tokenizer = read_json(folder / "tokenizer.json")
    limit = _limit(folder, config, settings)
    padding = tokenizer.get("padding") or {}
    if tokenizer.get("padding"):
        tokenizer["padding"] = {**padding, "strategy": "BatchLongest"}
    tokenizer["truncation"] = None
    settings.pop("max_length", None)
    settings["model_max_length"] = limit
    settings["pad_token"] = settings.get("pad_token") or padding.get("pad_token") or _pad_token(tokenizer)
    for name, content in (("tokenizer.json", tokenizer), ("tokenizer_config.json", settings)):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return limit


def _limit(folder: Path, config: dict[str, Any], settings: dict[str, Any]) -> int:
    """The smallest of the limits that the model's files state."""
    positions = config.get("max_position_embeddings")
    if positions and config.get("model_type") in _OFFSET_POSITIONS:
        positions -= config.get("pad_token_id", 1) + 1
    stated = (
        read_json(folder / "sentence_bert_config.json").get("max_seq_length"),
        settings.get("model_max_length"),
        settings.get("max_length"),
        positions,
    )
    sensible = [int(value) for value in stated if isinstance(value, int | float) and 0 < value < _ABSURD_LIMIT]
    return min(sensible, default=_USUAL_LIMIT)


def _pad_token(tokenizer: dict[str, Any]) -> str:
    known = {token["content"] for token in tokenizer.get("added_tokens", [])}
    for token in ("[PAD]", "<pad>", "<|endoftext|>", "</s>"):
        if token in known:
            return token
    raise ModelError("the tokenizer names no padding token: add `pad_token` to tokenizer_config.json")


def _guess_pooling(model: Path) -> str:
    """`none` for a model that gives one vector a text, `mean` for one that gives a vector a token."""
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{model.name} is no model that onnxruntime can load ({error})") from error
    return "none" if len(session.get_outputs()[0].shape) == 2 else "mean"  # noqa: PLR2004  (batch, dimension)


def quantize(source: Path, target: Path) -> None:
    """Write the int8 form of the ONNX model `source` to `target`. Raises `ModelError`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # It advises a preparation that our graphs have behind them, on the root logger.
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(
            source,
            target,
            per_channel=True,
            weight_type=QuantType.QInt8,
            # The type of values whose shape is not inferred: fused operators have no shape inference.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
    except Exception as error:
        target.unlink(missing_ok=True)
        raise ModelError(f"the model cannot be quantised to int8 ({error}): use precision fp32") from error
    finally:
        root.setLevel(level)
