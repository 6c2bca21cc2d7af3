"""Results and status as JSON objects, the same for the command line and for the mount. Pure.

Paths and names are bytes inside MagicFS. In JSON, bytes that are not UTF-8 become U+FFFD, so that the output is always
valid UTF-8, and a path that has such bytes is there once more in base64, as in the output of `rg --json`.
"""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import UTC
from typing import Any

from magicfs.domain.files import display_path
from magicfs.domain.results import AsOf, Coverage, Hit, SearchResult
from magicfs.domain.status import ChunkCounts, IndexStatus, ModelStatus

_SCORE_DIGITS = 4
_NANOSECONDS = 1_000_000_000


def result_json(result: SearchResult) -> dict[str, Any]:
    """The object that `magicfs search --json` prints and `.results.json` has."""
    return {
        "query": encodable(result.query),
        "took_ms": round(result.took_ms, 1),
        "coverage": coverage_json(result.coverage),
        "as_of": as_of_text(result.as_of),
        "notices": [*result.notices, *result.to_come],
        "results": [_hit_json(hit) for hit in result.hits],
    }


def as_of_text(as_of: AsOf) -> str | None:
    """The moment in ISO 8601, UTC, to the millisecond before it; None while it is not known."""
    return None if as_of.moment is None else as_of.moment.astimezone(UTC).isoformat(timespec="milliseconds")


def coverage_json(coverage: Coverage) -> dict[str, int]:
    """The part of the corpus that a search covers."""
    return {
        "files": coverage.files,
        "indexed": coverage.indexed,
        "chunks": coverage.chunks,
        "embedded": coverage.embedded,
        **({"pending_pages": coverage.pending_pages} if coverage.pending_pages else {}),
    }


def _hit_json(hit: Hit) -> dict[str, Any]:
    """The object of a hit; that of a passage has its text, too."""
    return {
        "rank": hit.rank,
        "score": round(hit.score, _SCORE_DIGITS),
        **path_json(hit.absolute_path),
        "root": hit.root,
        "host": hit.host,
        "name": display_path(hit.name),
        "size": hit.stat.size,
        "mtime": hit.stat.mtime_ns / _NANOSECONDS,
        "lines": [hit.first_line, hit.last_line],
        "page": hit.page,
        "language": hit.language,
        "snippet": hit.snippet,
        "matched": [list(place) for place in hit.matched],
        "vector": _rounded(hit.vector),
        "lexical": _rounded(hit.lexical),
        "copies": [{**path_json(copy.path), "host": copy.host} for copy in hit.copies],
        **({"text": hit.text} if hit.text else {}),
    }


def path_json(path: bytes) -> dict[str, str]:
    """A path as text, and its bytes in base64 if the text has lost some."""
    text = display_path(path)
    if text.encode() == path:
        return {"path": text}
    return {"path": text, "path_bytes": base64.b64encode(path).decode("ascii")}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _SCORE_DIGITS)


def encodable(text: str) -> str:
    """A text that UTF-8 can encode: what was typed may have escaped bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text


def _chunks_json(chunks: ChunkCounts) -> dict[str, int]:
    return {"total": chunks.total, "embedded": chunks.embedded, "failed": chunks.failed}


def _model_json(model: ModelStatus) -> dict[str, Any]:
    return {
        "name": model.name,
        "precision": str(model.precision),
        "role": str(model.role),
        "total": model.total,
        "embedded": model.embedded,
        "pending": model.pending,
        "second_vectors": model.second_vectors,
        "failed": model.failed,
        "unread": model.unread,
    }


def shortage_line(free_bytes: int) -> str:
    """Why nothing is indexed while the disk of the database has no room, and what to do."""
    return f"the disk of the database has {free_bytes >> 20} MB left: make room, and the work goes on"


def status_json(status: IndexStatus) -> dict[str, Any]:
    """The object that `magicfs status --json` prints and `.magic/status.json` has. Times are epoch seconds."""
    return {
        "model": status.model,
        "building": status.building,
        "building_chunks": _chunks_json(status.building_chunks) if status.building_chunks else None,
        "files": {
            "total": status.files.total,
            "pending": status.files.pending,
            "indexed": status.files.indexed,
            "named": status.files.named,
            "skipped": status.files.skipped,
            "failed": status.files.failed,
        },
        "chunks": _chunks_json(status.chunks),
        "pending_pages": status.pending_pages,
        "models": [_model_json(model) for model in status.models],
        "vector_index_build": asdict(status.vector_index_build) if status.vector_index_build else None,
        "words": {**asdict(status.words), "percent": status.words.percent} if status.words else None,
        "paused": None if status.free_bytes is None else shortage_line(status.free_bytes),
        "workers": [
            {"name": worker.name, "host": worker.host, "kind": worker.kind, "pid": worker.pid}
            for worker in status.workers
        ],
        "silent_hosts": list(status.silent_hosts),
        "mounts": [{"host": mount.host, "path": display_path(mount.path), "pid": mount.pid} for mount in status.mounts],
        "roots": [
            {
                "name": root.name,
                "path": display_path(root.path),
                "host": root.host,
                "files": root.files.total,
                "state": root.state,
                "detail": root.detail,
                "scanned_at": root.scanned_at,
                "watched": root.watched,
            }
            for root in status.roots
        ],
    }
