"""Metrics are read back with the parsers of Prometheus's own library, and keep its rules for names."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics import parser as openmetrics_parser

from magicfs.domain.models import ModelState, Precision
from magicfs.domain.status import (
    BrokerStatus,
    ChunkCounts,
    FileCounts,
    HostStatus,
    IndexMeasures,
    IndexStatus,
    ModelStatus,
    MountStatus,
    PartStatus,
    RootStatus,
    VectorIndexBuild,
    WordsProgress,
    WorkerStatus,
)
from magicfs.gateway.metrics import Observation, families, registry_of, text, write_file

COUNTS = FileCounts(total=15, pending=1, indexed=2, skipped=3, failed=4, named=5)
ODD_NAME = 'caf\u00e9 "x"\\\n'

STATUS = IndexStatus(
    model="m (int8)",
    building=None,
    building_chunks=None,
    files=COUNTS,
    chunks=ChunkCounts(total=10, embedded=7, failed=1),
    roots=(
        RootStatus(ODD_NAME, b"/data", "box", COUNTS, "present", None, 100.5),
        RootStatus("gone", b"/gone", "far", FileCounts(0, 0, 0, 0, 0), "missing", "not there", None),
    ),
    workers=(WorkerStatus("a", "box", "embed", 1), WorkerStatus("b", "box", "embed", 2)),
    mounts=(MountStatus("box", b"/mnt", 3),),
    vector_index_build=VectorIndexBuild("loading", done=1, total=4),
    words=WordsProgress(done=1, total=2),
    pending_pages=9,
    models=(
        ModelStatus("m", Precision.INT8, ModelState.ACTIVE, total=10, pending=1, second_vectors=2, failed=1, unread=2),
    ),
    hosts=(HostStatus("box", "here", 200.25, True), HostStatus("far", None, None, False)),
)
MEASURES = IndexMeasures({"crashed": 3, "too-large": 2}, {("m", "crashed"): 1}, 4096, schema=40, complete_until=50.0)
PARTS = (PartStatus("agent", "running", 5, 1.0, 0, ""), PartStatus("mount", "backoff", None, 0.0, 7, "no"))
OBSERVATION = Observation("1.2.3", (STATUS, MEASURES), BrokerStatus(ok=True, detail=None, queues={"embed": 6}), PARTS)
NOTHING = Observation("1.2.3", None, BrokerStatus(ok=False, detail="away", queues={}), (), "away")

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(shown: str) -> Samples:
    samples = [each for family in parser.text_string_to_metric_families(shown) for each in family.samples]
    found = {(each.name, frozenset(each.labels.items())): each.value for each in samples}
    assert len(found) == len(samples), "a sample comes twice"
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_what_status_knows_is_there() -> None:
    samples = parsed(text(OBSERVATION))
    assert value(samples, "magicfs_build_info", version="1.2.3", schema="40") == 1
    assert value(samples, "magicfs_database_up") == value(samples, "magicfs_broker_up") == 1
    for state, count in (("pending", 1), ("indexed", 2), ("skipped", 3), ("failed", 4), ("named", 5)):
        assert value(samples, "magicfs_files", root=ODD_NAME, host="box", state=state) == count
    assert value(samples, "magicfs_pending_pages") == 9
    assert value(samples, "magicfs_root_present", root=ODD_NAME, host="box") == 1
    assert value(samples, "magicfs_root_present", root="gone", host="far") == 0
    assert value(samples, "magicfs_root_last_scan_timestamp_seconds", root=ODD_NAME, host="box") == 100.5
    assert value(samples, "magicfs_chunks", state="embedded") == 7
    assert value(samples, "magicfs_chunks", state="pending") == 2
    model = {"model": "m", "precision": "int8", "role": "active"}
    assert value(samples, "magicfs_model_chunks", **model, state="embedded") == 4
    assert value(samples, "magicfs_model_chunks", **model, state="unread") == 2
    assert value(samples, "magicfs_queue_messages", queue="embed") == 6
    assert value(samples, "magicfs_workers", host="box", kind="embed") == 2
    assert value(samples, "magicfs_workers", host="box", kind="extract") == 0
    assert value(samples, "magicfs_mounts", host="box") == 1
    assert value(samples, "magicfs_agent_up", host="far") == 0
    assert value(samples, "magicfs_agent_last_heartbeat_timestamp_seconds", host="box") == 200.25
    assert value(samples, "magicfs_files_not_indexed", reason="crashed") == 3
    assert value(samples, "magicfs_failed_chunks", model="m", reason="crashed") == 1
    assert value(samples, "magicfs_database_size_bytes") == 4096
    assert value(samples, "magicfs_complete_until_timestamp_seconds") == 50
    assert value(samples, "magicfs_vector_index_build_ratio") == 0.25
    assert value(samples, "magicfs_words_renewed_ratio") == 0.5
    assert value(samples, "magicfs_part_up", part="mount") == 0
    assert value(samples, "magicfs_part_restarts_total", part="mount") == 7


def test_what_is_not_known_has_no_sample() -> None:
    samples = parsed(text(NOTHING))
    assert value(samples, "magicfs_database_up") == value(samples, "magicfs_broker_up") == 0
    assert {name for name, _ in samples} == {"magicfs_build_info", "magicfs_database_up", "magicfs_broker_up"}
    index = (replace(STATUS, vector_index_build=None, words=None), replace(MEASURES, complete_until=None))
    names = {name for name, _ in parsed(text(replace(OBSERVATION, index=index)))}
    assert not names & {"magicfs_complete_until_timestamp_seconds", "magicfs_vector_index_build_ratio"}
    assert ("magicfs_root_last_scan_timestamp_seconds", frozenset({("root", "gone"), ("host", "far")})) not in samples


@pytest.mark.parametrize("observation", [OBSERVATION, NOTHING], ids=["all", "nothing"])
def test_openmetrics_has_the_same_samples(observation: Observation) -> None:
    shown = openmetrics.generate_latest(registry_of(observation)).decode()
    families_read = openmetrics_parser.text_string_to_metric_families(shown)
    strict = {(e.name, frozenset(e.labels.items())): e.value for family in families_read for e in family.samples}
    assert strict == parsed(text(observation))


def test_names_follow_the_conventions() -> None:
    for family in families(OBSERVATION):
        assert re.fullmatch(r"magicfs_[a-z][a-z_]*[a-z]", family.name)
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter"), sample.name


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "magicfs.prom"
    path.write_text("old")
    with path.open() as reader:
        write_file(OBSERVATION, str(path))
        assert reader.read() == "old"
    assert path.read_text() == text(OBSERVATION)
    assert list(tmp_path.iterdir()) == [path]
