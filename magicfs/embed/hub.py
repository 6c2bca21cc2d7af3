"""Models by name from the model hub, by fastembed's own download. Used by the store while a model is pulled.

Where the hub cannot be reached that is found out within seconds and said in one line.
"""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.embed.known import prefixes_of
from magicfs.embed.recipes import Draft, copy_settings
from magicfs.errors import ModelError

if TYPE_CHECKING:
    from fastembed.common.model_description import DenseModelDescription

PROBE_SECONDS = 4.0
"""Longest wait for a sign of the hub; a name server that does not answer would take far longer to give up."""


LONGEST_REASON = 160
"""Characters."""


class HubUnreachable(ModelError):
    """The model hub does not answer, or does not give the files."""


def from_hub(name: str, into: Path) -> Draft:
    """Download a model into the folder `into`. Raises `HubUnreachable`."""
    description = _description(name)
    _probe(description)
    downloads = into / "downloads"
    folder = _download(description, downloads)
    for file in (description.model_file, *description.additional_files):
        (into / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, into / file)
    copy_settings(folder, into)
    shutil.rmtree(downloads)
    prefixes = prefixes_of(description.model)
    return Draft(
        name=description.model,
        fastembed_name=description.model,
        pooling=None,
        model_file=description.model_file,
        query_prefix=prefixes.query,
        passage_prefix=prefixes.passage,
        origin=f"model hub, {description.sources.hf or description.sources.url}",
    )


def _description(name: str) -> DenseModelDescription:
    from fastembed import TextEmbedding

    for kind in TextEmbedding.EMBEDDINGS_REGISTRY:
        for description in kind._list_supported_models():  # noqa: SLF001  the public list has lost the types
            if description.model.lower() == name.lower():
                return description
    raise ModelError(f"{name} is no model that fastembed knows, and no folder: check the spelling")


def _probe(description: DenseModelDescription) -> None:
    """Ask the hub for the model, in a thread of its own since a name server may keep us waiting."""
    if os.environ.get("HF_HUB_OFFLINE", "").strip().upper() in {"1", "ON", "YES", "TRUE"}:
        raise HubUnreachable("the model hub is switched off by HF_HUB_OFFLINE")
    failure: list[Exception] = []
    done = threading.Event()

    def ask() -> None:
        from huggingface_hub import model_info

        try:
            model_info(description.sources.hf or description.model, timeout=PROBE_SECONDS)
        except Exception as error:  # noqa: BLE001  whatever it is, the caller is told
            failure.append(error)
        done.set()

    threading.Thread(target=ask, name="hub-probe", daemon=True).start()
    if not done.wait(PROBE_SECONDS):
        raise HubUnreachable(f"the model hub did not answer within {PROBE_SECONDS:.0f} seconds")
    if failure:
        raise HubUnreachable(f"the model hub cannot be reached ({_reason(failure[0])})") from failure[0]


def _download(description: DenseModelDescription, downloads: Path) -> Path:
    from fastembed import TextEmbedding
    from loguru import logger as fastembed_logger

    fastembed_logger.disable("fastembed")
    try:
        for kind in TextEmbedding.EMBEDDINGS_REGISTRY:
            if description in kind._list_supported_models():  # noqa: SLF001  see _description
                downloads.mkdir()
                return kind.download_model(description, str(downloads), retries=1)
    except Exception as error:
        raise HubUnreachable(f"the download of {description.model} failed ({_reason(error)})") from error
    finally:
        fastembed_logger.enable("fastembed")
    raise ModelError(f"{description.model} has no download")


def _reason(error: Exception) -> str:
    """An error of another library in a few words: some of them fill a screen."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= LONGEST_REASON else f"{words[:LONGEST_REASON]}..."
