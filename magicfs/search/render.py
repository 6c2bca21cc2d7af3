"""Results and status as JSON objects and as text lines: the same for the command line and for the mount.

Pure. Paths and names are bytes inside MagicFS; here undecodable ones become U+FFFD, so that what is printed is
always valid UTF-8. A program that needs the exact bytes reads them from the mount.
"""

from __future__ import annotations

from typing import Any

from magicfs.domain.results import Coverage, Hit, SearchResult
from magicfs.domain.status import ChunkCounts, IndexStatus

_SCORE_DIGITS = 4
_NANOSECONDS = 1_000_000_000


def readable(path: bytes) -> str:
    """A path or name for people: bytes that are not UTF-8 are replaced."""
    return path.decode("utf-8", "replace")


def result_json(result: SearchResult) -> dict[str, Any]:
    """What `magicfs search --json` prints and `.results.json` holds."""
    return {
        "query": _encodable(result.query),
        "took_ms": round(result.took_ms, 1),
        "coverage": coverage_json(result.coverage),
        "notices": list(result.notices),
        "results": [_hit_json(hit) for hit in result.hits],
    }


def coverage_json(coverage: Coverage) -> dict[str, int]:
    """How much of the corpus a search could see."""
    return {
        "files": coverage.files,
        "indexed": coverage.indexed,
        "chunks": coverage.chunks,
        "embedded": coverage.embedded,
    }


def _hit_json(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "score": round(hit.score, _SCORE_DIGITS),
        "path": readable(hit.absolute_path),
        "root": hit.root,
        "host": hit.host,
        "name": readable(hit.name),
        "size": hit.stat.size,
        "mtime": hit.stat.mtime_ns / _NANOSECONDS,
        "lines": [hit.first_line, hit.last_line],
        "page": hit.page,
        "snippet": hit.snippet,
        "vector": _rounded(hit.vector),
        "lexical": _rounded(hit.lexical),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _SCORE_DIGITS)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if _escaped(text) else text


def _escaped(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def passages_text(result: SearchResult) -> bytes:
    """One line a hit, best first, as `grep -n` prints: `path:first-last: text`. Paths keep their bytes."""
    return b"".join(
        b"%s:%d-%d: %s\n"
        % (
            hit.absolute_path.replace(b"\n", b"?"),
            hit.first_line,
            hit.last_line,
            hit.snippet.encode("utf-8", "replace"),
        )
        for hit in result.hits
    )


def _chunks_json(chunks: ChunkCounts) -> dict[str, int]:
    return {"total": chunks.total, "embedded": chunks.embedded, "failed": chunks.failed}


def status_json(status: IndexStatus) -> dict[str, Any]:
    """What `magicfs status --json` prints and `.magic/status.json` holds. Times are seconds since the epoch."""
    return {
        "model": status.model,
        "building": status.building,
        "building_chunks": _chunks_json(status.building_chunks) if status.building_chunks else None,
        "files": {
            "total": status.files.total,
            "pending": status.files.pending,
            "indexed": status.files.indexed,
            "skipped": status.files.skipped,
            "failed": status.files.failed,
        },
        "chunks": _chunks_json(status.chunks),
        "workers": [
            {"name": worker.name, "host": worker.host, "kind": worker.kind, "pid": worker.pid}
            for worker in status.workers
        ],
        "mounts": [{"host": mount.host, "path": readable(mount.path), "pid": mount.pid} for mount in status.mounts],
        "roots": [
            {
                "name": root.name,
                "path": readable(root.path),
                "host": root.host,
                "files": root.files,
                "state": root.state,
                "detail": root.detail,
                "scanned_at": root.scanned_at,
            }
            for root in status.roots
        ],
    }
