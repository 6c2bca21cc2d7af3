"""Pulling by name, through fastembed's own download, from a hub on this machine: present, absent and silent."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.models.catalog import MULTILINGUAL_MODEL
from magicfs.models.sources import PROBE_SECONDS
from magicfs.models.store import ModelStore
from tests.integration.models.tiny import DIMENSION, write_tiny_model

NAME = "BAAI/bge-small-en-v1.5"
REPOSITORY = "Qdrant/bge-small-en-v1.5-onnx-Q"
REVISION = "0123456789" * 4
OTHER = "snowflake/snowflake-arctic-embed-xs"

# The hub's address is read when its library is imported, so every pull has a process of its own.
PULL = """
import sys
from pathlib import Path
from magicfs.models import sources
from magicfs.models.store import ModelStore
from magicfs.errors import MagicFSError
sources.PROBE_SECONDS = float(sys.argv[3])
try:
    model = ModelStore(Path(sys.argv[1])).pull(sys.argv[2], report=print)
    print("GOT", model.spec.label, "BECAUSE", model.notice or "NOTHING")
except MagicFSError as error:
    print("ERROR", type(error).__name__, error)
"""


def pull(store: Path, name: str, hub: str, *, patience: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Pull a model in a process that waits so long for the first answer of a hub: those here may be slow."""
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    environment.pop("HF_HUB_OFFLINE", None)
    environment |= {"HF_ENDPOINT": hub, "HF_HOME": str(store.parent / "hub-home")}
    return subprocess.run(
        [sys.executable, "-c", PULL, str(store), name, str(patience)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def hub_with(folder: Path, repository: str = REPOSITORY) -> Iterator[str]:
    """A hub that has one repository, `folder`; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
            headers = {}
            if path.startswith(f"/api/models/{repository}/tree/"):
                body = json.dumps(
                    [
                        {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                        for name, data in files.items()
                    ]
                ).encode()
            elif path.startswith(f"/api/models/{repository}"):
                siblings = [{"rfilename": name} for name in files]
                body = json.dumps({"id": repository, "sha": REVISION, "siblings": siblings}).encode()
            elif path.startswith(f"/{repository}/resolve/"):
                body = files[path.removeprefix(f"/{repository}/resolve/").partition("/")[2]]
                headers = {"ETag": f'"{hashlib.sha1(body).hexdigest()}"', "X-Repo-Commit": REVISION}
            else:
                self.send_error(404)
                return
            self.send_response(200)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  the name that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The default model's repository, with a tiny model in it."""
    folder = write_tiny_model(tmp_path / "published")
    (folder / "model.onnx").rename(folder / "model_optimized.onnx")
    (folder / "config.json").write_text('{"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}')
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 512, "pad_token": "[PAD]"}')
    (folder / "special_tokens_map.json").write_text("{}")
    return folder


@pytest.fixture
def dead_hub() -> Iterator[str]:
    """The address of a port on which nobody listens, kept from others."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_a_model_is_downloaded_under_its_own_name(tmp_path: Path, published: Path, dead_hub: str) -> None:
    store = ModelStore(tmp_path / "models")
    with hub_with(published) as hub:
        result = pull(store.directory, NAME.lower(), hub)
    assert f"GOT {NAME} (fp32) BECAUSE NOTHING" in result.stdout, result.stdout + result.stderr
    model = store.find(NAME)
    assert model.spec.query_prefix.startswith("Represent this sentence")
    assert model.spec.max_tokens == 512
    assert model.origin == f"model hub, {REPOSITORY}"
    assert FastembedEmbedder.load(model.folder).embed_query("bread").shape == (DIMENSION,)
    assert not list(model.folder.glob("downloads*"))
    again = pull(store.directory, NAME, dead_hub)
    assert again.stdout == f"GOT {NAME} (fp32) BECAUSE NOTHING\n", "what is there needs no hub"


def test_without_a_hub_the_fallback_is_used_and_reported(tmp_path: Path, dead_hub: str) -> None:
    store = ModelStore(tmp_path / "models")
    result = pull(store.directory, NAME, dead_hub)
    notice = f"sentence-transformers/all-MiniLM-L6-v2 is in use instead of {NAME}: the model hub cannot be reached"
    assert f"GOT sentence-transformers/all-MiniLM-L6-v2 (int8) BECAUSE {notice}" in result.stdout
    assert result.stderr == ""
    assert store.find_or_fallback(NAME).notice.startswith(notice)


def test_without_a_hub_another_model_is_one_line(tmp_path: Path, dead_hub: str) -> None:
    result = pull(tmp_path / "models", OTHER, dead_hub)
    assert result.stdout.splitlines()[-1].startswith(f"ERROR ModelError {OTHER} cannot be pulled: the model hub")
    assert result.stderr == ""


def test_the_multilingual_model_is_downloaded_though_fastembed_does_not_list_it(
    tmp_path: Path, published: Path, dead_hub: str
) -> None:
    tokens = write_tiny_model(tmp_path / "tokens", pooled=False)
    (published / "onnx").mkdir()
    (tokens / "model.onnx").rename(published / "onnx" / "model.onnx")
    store = ModelStore(tmp_path / "models")
    with hub_with(published, MULTILINGUAL_MODEL) as hub:
        result = pull(store.directory, MULTILINGUAL_MODEL.lower(), hub)
    assert f"GOT {MULTILINGUAL_MODEL} (int8) BECAUSE NOTHING" in result.stdout, result.stdout + result.stderr
    model = store.find(MULTILINGUAL_MODEL)
    assert model.origin == f"model hub, {MULTILINGUAL_MODEL}"
    assert model.spec.query_prefix == "query: "
    assert FastembedEmbedder.load(model.folder).embed_query("bread").shape == (DIMENSION,)
    again = pull(store.directory, MULTILINGUAL_MODEL, dead_hub)
    assert again.stdout == f"GOT {MULTILINGUAL_MODEL} (int8) BECAUSE NOTHING\n", "what is there needs no hub"


def test_a_silent_hub_is_given_up(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        result = pull(tmp_path / "models", OTHER, address, patience=PROBE_SECONDS)
    assert "ERROR ModelError" in result.stdout
    assert "the model hub" in result.stdout
    assert result.stderr == ""


def test_a_hub_without_the_model_is_one_line(tmp_path: Path, published: Path) -> None:
    with hub_with(published) as hub:
        result = pull(tmp_path / "models", OTHER, hub)
    (_, error) = result.stdout.splitlines()
    assert error.startswith(f"ERROR ModelError {OTHER} cannot be pulled")
    assert result.stderr == ""
