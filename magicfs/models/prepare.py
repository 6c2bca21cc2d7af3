"""Turns the files of a model in a folder into a stored model: int8 weights, tokenizer, calibration, manifest.

Used by the store while it pulls a model. Reads and writes in that folder only, runs the model for several seconds, and
imports onnx.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from magicfs.domain.models import ModelManifest, ModelSpec, Precision
from magicfs.domain.token_vectors import DIMENSION as TOKEN_DIMENSION
from magicfs.embedding import manifest as manifests
from magicfs.embedding.embedder import FastembedEmbedder, dimension_of, open_engine
from magicfs.embedding.unigram import UnigramTokenizer
from magicfs.errors import ModelError
from magicfs.models.calibration import calibrate, question_centres
from magicfs.models.catalog import has_outliers, weighs_tokens
from magicfs.models.multilingual_samples import SUBJECTS
from magicfs.models.outliers import set_outliers_apart
from magicfs.models.pooling import pool_by_weights, token_weights
from magicfs.models.reference import check_reference
from magicfs.models.rounding import quantize
from magicfs.models.sources import SourceFiles, read_json
from magicfs.models.token_vectors import add_token_vectors, directions_of, has_state, width_of
from magicfs.models.unigram_files import write_unigram_files

Report = Callable[[str], None]
"""Takes a sentence for a person about the progress of a pull."""

_DEFAULT_MAX_TOKENS = 512
"""For a model whose files state no limit."""
_UNSTATED_TOKENS = 1_000_000
"""Tools write this and larger numbers into `model_max_length` when they do not know the limit."""
_SUBJECTS_READ = 2
"""The number of subjects of texts that show which channels of a model are the largest: each text has them."""
_POSITIONS_AFTER_PADDING = {"roberta", "xlm-roberta", "mpnet", "camembert"}
"""Types of model whose first positions, up to the padding token's id, stand for no token."""


def prepare_model(source: SourceFiles, folder: Path, precision: Precision, report: Report) -> ModelManifest:
    """Prepare the model in `folder` and write its manifest, which is the last step. Raises `ModelError`."""
    weights = sorted(manifests.sha256_of(path) for path in source.weights)
    limit = correct_tokenizer(folder)
    write_unigram_files(folder)
    outliers_apart = False
    if precision is Precision.INT8:
        outliers_apart = _set_outliers_apart(source, folder, limit)
        precision = _round_to_int8(source, folder, report)
    pooling = source.pooling or (None if source.fastembed_name else _pooling_of_outputs(folder / source.model_file))
    if pooling == "mean" and weighs_tokens(source.name):
        pooling = _weigh_tokens(source, folder, limit)
    spec = ModelSpec(source.name, precision, dimension=0, max_tokens=limit, query_prefix=source.query_prefix)
    manifest = ModelManifest(
        spec=spec,
        model_file=source.model_file,
        fastembed_name=source.fastembed_name,
        pooling=pooling,
        passage_prefix=source.passage_prefix,
        origin=source.origin,
        files={},
        weights=weights,
        outliers_apart=outliers_apart,
    )
    engine = open_engine(folder, manifest)
    manifest = replace(manifest, spec=replace(spec, dimension=dimension_of(engine, manifest)))
    embedder = FastembedEmbedder(engine, manifest)
    if source.has_written_graph:
        check_reference(embedder)
    report("measuring the scale of its similarities")
    manifest = replace(manifest, question_centres=question_centres(embedder))
    embedder = FastembedEmbedder(engine, manifest)
    scale = calibrate(embedder)
    if scale is None:
        report(f"{source.name} does not tell English texts apart: its scores are plain cosines")
    else:
        manifest = replace(manifest, spec=replace(manifest.spec, **asdict(scale)))
    manifest = manifests.with_digest(replace(manifest, files=manifests.checksums_of(folder)))
    manifests.write(folder, manifest)
    return manifest


def _set_outliers_apart(source: SourceFiles, folder: Path, limit: int) -> bool:
    """Set the largest channels of a model apart by built-in texts in six languages, if it has such channels."""
    tokenizer = UnigramTokenizer.load(folder, limit)
    if tokenizer is None or not source.has_written_graph or not has_outliers(source.name):
        return False
    set_outliers_apart(folder / source.model_file, _samples(source, tokenizer))
    return True


def _samples(source: SourceFiles, tokenizer: UnigramTokenizer) -> list[Sequence[int]]:
    """Built-in texts and questions in several languages, as numbers of tokens."""
    samples = [text for subject in SUBJECTS[:_SUBJECTS_READ] for text in subject]
    texts = [f"{source.passage_prefix}{text.passage}" for text in samples]
    texts += [f"{source.query_prefix}{text.questions[0]}" for text in samples]
    return [tokenizer.encode(text).ids for text in texts]


def _weigh_tokens(source: SourceFiles, folder: Path, limit: int) -> str:
    """Put the pooling into the graph, if the tokenizer knows how rare tokens are. Returns the name of the pooling."""
    tokenizer = UnigramTokenizer.load(folder, limit)
    if tokenizer is None:
        return "mean"
    prefixes = (source.query_prefix, source.passage_prefix)
    ends = {number for prefix in prefixes for number in tokenizer.encode(prefix, add_special_tokens=False).ids[-1:]}
    if len(ends) != 1:
        return "mean"
    weights = token_weights(tokenizer.scores, marks=tokenizer.marks)
    model = folder / source.model_file
    pool_by_weights(model, weights, prefix_end=ends.pop())
    if not has_state(model):
        return manifests.SIF
    directions = directions_of(width_of(model), TOKEN_DIMENSION)
    add_token_vectors(model, _samples(source, tokenizer), marks=tokenizer.marks, directions=directions)
    return manifests.SIF_AND_TOKENS


def _round_to_int8(source: SourceFiles, folder: Path, report: Report) -> Precision:
    """Replace the model by its int8 form, or report why it stays at fp32. Returns the precision of the result."""
    report("rounding its weights to int8")
    model = folder / source.model_file
    rounded = folder / "rounded"
    rounded.mkdir()
    try:
        quantize(model, rounded / model.name)
    except ModelError as error:
        shutil.rmtree(rounded)
        report(f"{source.name} stays at fp32: {error}")
        return Precision.FP32
    for data in model.parent.glob(f"{model.name}[._]data*"):
        data.unlink()
    for file in rounded.iterdir():
        file.replace(model.with_name(file.name))
    rounded.rmdir()
    return Precision.INT8


def correct_tokenizer(folder: Path) -> int:
    """Correct the stored tokenizer's truncation and padding. Returns the model's limit in tokens.

    `tokenizer.json` truncates nothing, so that chunks can be measured with it, and pads to no fixed length. fastembed
    truncates at the limit in `tokenizer_config.json`.
    """
    settings = read_json(folder / "tokenizer_config.json")
    config = read_json(folder / "config.json")
    tokenizer = read_json(folder / "tokenizer.json")
    limit = _max_tokens(folder, config, settings)
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


def _max_tokens(folder: Path, config: dict[str, Any], settings: dict[str, Any]) -> int:
    """The smallest limit that the model's files state."""
    positions = config.get("max_position_embeddings")
    if positions and config.get("model_type") in _POSITIONS_AFTER_PADDING:
        positions -= config.get("pad_token_id", 1) + 1
    stated = (
        read_json(folder / "sentence_bert_config.json").get("max_seq_length"),
        settings.get("model_max_length"),
        settings.get("max_length"),
        positions,
    )
    limits = [int(value) for value in stated if isinstance(value, int | float) and 0 < value < _UNSTATED_TOKENS]
    return min(limits, default=_DEFAULT_MAX_TOKENS)


def _pad_token(tokenizer: dict[str, Any]) -> str:
    added = {token["content"] for token in tokenizer.get("added_tokens", [])}
    for token in ("[PAD]", "<pad>", "<|endoftext|>", "</s>"):
        if token in added:
            return token
    raise ModelError("the tokenizer names no padding token: add 'pad_token' to tokenizer_config.json")


def _pooling_of_outputs(model: Path) -> str:
    """`none` for a model that returns a vector for each text, `mean` for one that returns a vector for each token."""
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{model.name} is not a model that onnxruntime can load ({error}): export it again") from error
    sequence = session.get_outputs()[0].shape[1:-1]  # between batch and dimension
    return "mean" if sequence else "none"
