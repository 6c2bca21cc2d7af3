"""How much of the machine's embedding speed reaches the index.

The limit is one bare process for each core. Each embeds its share of the same chunks, one at a time, with the same
model. One half is measured before the pipeline and one after it, so that a machine whose speed changes favours
neither. The default is one process that calls fastembed's `embed()` on the fp32 model as its documentation shows, with
the operators of the model that it would download. It embeds a random sample of the chunks: fastembed pads all texts of
a batch to the longest one, so its speed depends on how much their lengths differ.

Figures: `ratio_limit` = pipeline / limit, `ratio_default` = pipeline / default (chunks a second each), and the
resident memory of an embedding worker's child and of the mount process, in MB.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import psutil
from _report import parser, report
from _stack import Stack, stack
from tokenizers import Tokenizer

from magicfs.config import Settings
from magicfs.domain.chunks import model_input
from magicfs.domain.contents import Document
from magicfs.domain.models import StoredModel
from magicfs.ingest.ignore import IgnoreRules
from magicfs.ingest.walk import Walk
from magicfs.models.store import ModelStore
from magicfs.text.chunking import TokenChunker
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.options import Limits

MODEL = "sentence-transformers/all-MiniLM-L6-v2"

BARE = """
import json, sys, time
from pathlib import Path
from magicfs.embedding.embedder import FastembedEmbedder
texts = json.load(open(sys.argv[2]))
embedder = FastembedEmbedder.load(Path(sys.argv[1]))
embedder.embed_passages(texts[:4])
print("ready", flush=True)
sys.stdin.readline()
began = time.monotonic()
for text in texts:
    embedder.embed_passages([text])
print(len(texts) / (time.monotonic() - began), flush=True)
"""

DEFAULT = """
import json, sys, time
from fastembed import TextEmbedding
texts = json.load(open(sys.argv[2]))
model = TextEmbedding("sentence-transformers/all-MiniLM-L6-v2", specific_model_path=sys.argv[1])
list(model.embed(texts[:4]))
print("ready", flush=True)
sys.stdin.readline()
began = time.monotonic()
list(model.embed(texts))
print(len(texts) / (time.monotonic() - began), flush=True)
"""


def write_corpus(folder: Path, *, files: int, characters: int, seed: int) -> None:
    """Real prose and code that every Python has: pieces of the standard library's sources."""
    randomness = random.Random(seed)
    sources = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    folder.mkdir()
    for number in range(files):
        text = sources[number % len(sources)].read_text(encoding="utf-8", errors="replace")
        start = randomness.randrange(max(1, len(text) - characters))
        (folder / f"{number:04}.txt").write_text(f"part {number}\n{text[start : start + characters]}")


def wanted_files(corpus: Path) -> list[Path]:
    """The files that the pipeline will index."""
    root = os.fsencode(corpus)
    walk = Walk(root, corpus.stat().st_dev, b"", IgnoreRules().enter(root, relative=b""))
    paths = [os.path.join(listing.path, name) for listing in walk.listings() for name in listing.signatures()]
    return sorted(corpus / os.fsdecode(path) for path in paths)


def chunk_texts(files: list[Path], model: StoredModel) -> list[str]:
    """The texts of these files' chunks, as the pipeline gives them to the model."""
    chunker = TokenChunker(model.tokenizer_path, max_tokens=Settings().chunk_tokens)
    texts: dict[str, None] = {}
    with FileExtractor(limits=Limits()) as extractor:
        for path in files:
            document = extractor.extract(path.read_bytes(), name=os.fsencode(path.name))
            if isinstance(document, Document):
                texts |= {model_input(chunk): None for chunk in chunker.chunks(document)}
    return list(texts)


def as_published(model: Path, into: Path) -> Path:
    """The fp32 model as fastembed would download it: with fused sum and norm, which our graph does not have."""
    import onnx
    from onnx import helper

    shutil.copytree(model, into)
    graph = onnx.load(str(model / "model.onnx"))
    makers = {output: node for node in graph.graph.node for output in node.output}
    nodes = []
    for node in graph.graph.node:
        total = makers.get(node.input[0]) if node.op_type == "LayerNormalization" else None
        if total is None or total.op_type != "Sum":
            nodes.append(node)
            continue
        biased, residual = total.input
        dense, bias = makers[biased].input
        inputs = [dense, residual, *node.input[1:], bias]
        epsilon = helper.get_node_attr_value(node, "epsilon")
        nodes.append(
            helper.make_node(
                "SkipLayerNormalization", inputs, node.output, node.name, domain="com.microsoft", epsilon=epsilon
            )
        )
    used = {name for node in nodes for name in node.input} | {output.name for output in graph.graph.output}
    del graph.graph.node[:]
    graph.graph.node.extend(node for node in nodes if used & set(node.output))
    onnx.save(graph, str(into / "model.onnx"))
    return into


def lengths(texts: list[str], model: StoredModel) -> list[int]:
    """The number of tokens of each text, with the tokens that mark its ends."""
    tokenizer = Tokenizer.from_file(str(model.tokenizer_path))
    tokenizer.no_padding()
    return [len(encoding.ids) for encoding in tokenizer.encode_batch(texts)]


def shares(texts: list[str], count: int) -> list[list[str]]:
    """The texts divided among `count` processes."""
    return [texts[number::count] for number in range(count)]


def rates(program: str, model: Path, parts: list[list[str]]) -> float:
    """Run one process for each part, all at the same time; returns the sum of their speeds in chunks a second."""
    with tempfile.TemporaryDirectory() as folder:
        processes = []
        for number, share in enumerate(parts):
            path = Path(folder) / f"{number}.json"
            path.write_text(json.dumps(share))
            command = [sys.executable, "-c", program, str(model), str(path)]
            processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return sum(float(process.communicate()[0]) for process in processes)


def measure_pipeline(running: Stack, corpus: Path, *, files: int) -> float:
    """Index the corpus; returns chunks a second, from the moment the root is added to the last vector."""
    running.wait(lambda: len(embedding_children(running)) == psutil.cpu_count(), seconds=60)
    time.sleep(2.0)
    began = time.monotonic()
    running.run("roots", "add", str(corpus))
    indexed = "SELECT count(*) FROM files WHERE state <> 'pending'"
    running.wait(lambda: running.rows(indexed)[0][0] == files and running.pending() == 0, seconds=900, pause=0.1)
    return running.embedded() / (time.monotonic() - began)


def embedding_children(running: Stack) -> list[psutil.Process]:
    """The children of the embed workers."""
    return [child for worker in running.processes("worker", "embed") for child in worker.children()]


def resident_mb(processes: list[psutil.Process]) -> float:
    """Resident memory of the largest of these processes."""
    return max((process.memory_info().rss for process in processes), default=0) / 2**20


def main() -> None:
    """Measure and print."""
    options = parser(__doc__ or "")
    options.add_argument("folder", nargs="?", type=Path, help="documents instead of pieces of Python's library")
    options.add_argument("--files", type=int, default=600, help="files of the corpus")
    options.add_argument("--characters", type=int, default=5000, help="characters of a file")
    options.add_argument("--default-chunks", type=int, default=256, help="chunks for fastembed's default call")
    chosen = options.parse_args()
    cores = psutil.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="mfs-") as place:
        store = ModelStore(Path(place) / "models")
        int8 = store.pull(MODEL, precision="int8")
        fp32 = store.pull(MODEL, precision="fp32")
        corpus = chosen.folder or Path(place) / "corpus"
        if chosen.folder is None:
            write_corpus(corpus, files=chosen.files, characters=chosen.characters, seed=1)
        files = wanted_files(corpus)
        texts = chunk_texts(files, int8)
        tokens = lengths(texts, int8)
        some = random.Random(1).sample(texts, min(chosen.default_chunks, len(texts)))
        halves = [texts[::2], texts[1::2]]
        lines = [f'model = "{MODEL}"', 'precision = "int8"']
        limits = [rates(BARE, int8.folder, shares(halves[0], cores))]
        with stack("--workers", str(cores), mounted=True, models=store.directory, settings=lines) as running:
            pipeline = measure_pipeline(running, corpus, files=len(files))
            worker_mb = resident_mb(embedding_children(running))
            mount_mb = resident_mb(running.processes("mount"))
        limits.append(rates(BARE, int8.folder, shares(halves[1], cores)))
        default = rates(DEFAULT, as_published(fp32.folder, Path(place) / "published"), [some])
    limit = sum(limits) / len(limits)
    figures = {
        "ratio_limit": pipeline / limit,
        "ratio_default": pipeline / default,
        "pipeline_chunks_s": pipeline,
        "limit_chunks_s": limit,
        "default_chunks_s": default,
        "worker_rss_mb": worker_mb,
        "mount_rss_mb": mount_mb,
    }
    sizes = {
        "folder": "/".join(corpus.resolve().parts[-2:]) if chosen.folder else "pieces of Python's library",
        "files": len(files),
        "chunks": len(texts),
        "tokens_mean": round(sum(tokens) / len(tokens)),
        "tokens_longest": max(tokens),
        "default_chunks": len(some),
        "processes": cores,
    }
    report("indexing", figures, sizes=sizes, as_json=chosen.json)


if __name__ == "__main__":
    main()
