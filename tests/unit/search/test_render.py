"""Results and the status as JSON."""

import base64
import json
from dataclasses import replace

from magicfs.domain.files import FileStat
from magicfs.domain.models import ModelState, Precision
from magicfs.domain.results import Copy, Coverage, SearchResult, Snippet
from magicfs.domain.status import (
    ChunkCounts,
    FileCounts,
    IndexStatus,
    ModelStatus,
    MountStatus,
    RootStatus,
    VectorIndexBuild,
    WordsProgress,
    WorkerStatus,
)
from magicfs.search.render import path_json, result_json, status_json
from tests.fakes.hits import make_hit

HIT = make_hit(
    rank=1,
    score=0.87654321,
    host="box",
    root="papers",
    root_path=b"/data",
    path=b"in/caf\xe9.txt",
    stat=FileStat(size=12, mtime_ns=1_500_000_000, ctime_ns=0, ino=1, dev=1, mode=0o644, uid=0, gid=0),
    first_line=3,
    last_line=9,
    page=None,
    shown=Snippet("the\nsnippet", ((4, 11),)),
    vector=0.5,
    lexical=None,
    language="fr",
    copies=(Copy(b"/data/caf\xe9.txt", "other"),),
)
RESULT = SearchResult(
    query="bad \udce9 name",
    took_ms=12.345,
    coverage=Coverage(files=4, indexed=3, chunks=2, embedded=1),
    hits=(HIT,),
)


def test_only_a_path_that_is_no_text_is_there_as_bytes_too() -> None:
    for path in (b"/data/caf\xe9.txt", b"/data/\xff", b"/data/\xed\xa0\x80"):
        found = path_json(path)
        assert base64.b64decode(found["path_bytes"]) == path
    for text in ("/data/café.txt", "/data/🎉\n.txt", "/data/\ufffd.txt"):
        assert path_json(text.encode()) == {"path": text}


def test_results_are_valid_utf8_json_whatever_the_names() -> None:
    shown = json.loads(json.dumps(result_json(RESULT), ensure_ascii=False).encode())
    assert shown["query"] == "bad \ufffd name"
    assert shown["took_ms"] == 12.3
    assert shown["coverage"] == {"files": 4, "indexed": 3, "chunks": 2, "embedded": 1}
    first = shown["results"][0]
    assert first == {
        "rank": 1,
        "score": 0.8765,
        "path": "/data/in/caf\ufffd.txt",
        "path_bytes": "L2RhdGEvaW4vY2Fm6S50eHQ=",
        "root": "papers",
        "host": "box",
        "name": "caf\ufffd.txt",
        "size": 12,
        "mtime": 1.5,
        "lines": [3, 9],
        "page": None,
        "language": "fr",
        "snippet": "the\nsnippet",
        "matched": [[4, 11]],
        "vector": 0.5,
        "lexical": None,
        "copies": [{"path": "/data/caf\ufffd.txt", "path_bytes": "L2RhdGEvY2Fm6S50eHQ=", "host": "other"}],
    }


def test_a_passage_has_its_text() -> None:
    passage = HIT._replace(text="the\nwhole passage", page=3)
    (shown,) = result_json(replace(RESULT, hits=(passage,)))["results"]
    assert (shown["text"], shown["page"], shown["lines"]) == ("the\nwhole passage", 3, [3, 9])


def test_status_has_the_keys_that_programs_rely_on() -> None:
    status = IndexStatus(
        model="m (int8)",
        building="n (fp32)",
        building_chunks=ChunkCounts(total=5, embedded=2, failed=0),
        files=FileCounts(total=6, pending=1, indexed=1, skipped=1, failed=1, named=2),
        chunks=ChunkCounts(total=5, embedded=3, failed=1),
        roots=(RootStatus("papers", b"/data\xff", "box", FileCounts(4, 0, 4, 0, 0), "present", None, None),),
        workers=(WorkerStatus("w", "box", "embed", 42),),
        mounts=(MountStatus("box", b"/mnt", 43),),
        vector_index_build=VectorIndexBuild("building index: loading tuples", done=3, total=9),
        words=WordsProgress(done=1, total=4),
        models=(
            ModelStatus(
                "m", Precision.INT8, ModelState.MULTILINGUAL, total=9, pending=1, second_vectors=2, failed=1, unread=4
            ),
        ),
    )
    shown = json.loads(json.dumps(status_json(status)))
    assert shown["model"] == "m (int8)"
    assert shown["files"] == {"total": 6, "pending": 1, "indexed": 1, "named": 2, "skipped": 1, "failed": 1}
    assert shown["chunks"] == {"total": 5, "embedded": 3, "failed": 1}
    assert shown["building"] == "n (fp32)"
    assert shown["models"] == [
        {
            "name": "m",
            "precision": "int8",
            "role": "multilingual",
            "total": 9,
            "embedded": 1,
            "pending": 1,
            "second_vectors": 2,
            "failed": 1,
            "unread": 4,
        }
    ]
    assert shown["building_chunks"] == {"total": 5, "embedded": 2, "failed": 0}
    assert shown["vector_index_build"] == {"phase": "building index: loading tuples", "done": 3, "total": 9}
    assert shown["words"] == {"done": 1, "total": 4, "percent": 25}
    assert shown["workers"] == [{"name": "w", "host": "box", "kind": "embed", "pid": 42}]
    assert shown["mounts"] == [{"host": "box", "path": "/mnt", "pid": 43}]
    assert shown["roots"][0]["path"] == "/data\ufffd"
    assert shown["roots"][0]["files"] == 4
