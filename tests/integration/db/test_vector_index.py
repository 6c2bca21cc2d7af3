"""The vector index: when it is built and dropped, and that searches use it."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import psutil
import pytest

from magicfs.db.pool import Database
from magicfs.db.server_resources import ServerResources, core_count, read_server_resources
from magicfs.db.status import read_status
from magicfs.db.vectors import vector_index
from magicfs.db.vectors.model_changes import activate_model, start_multilingual
from magicfs.db.vectors.partitions import partition
from magicfs.db.vectors.vector_index import IndexAction, choose_action, choose_build_settings, maintain_index
from magicfs.domain.models import IndexedModel
from magicfs.domain.status import VectorIndexBuild
from magicfs.linux.memory import memory_limit_paths
from magicfs.runtime import postgres, postgres_cluster
from magicfs.runtime.processes import wait_until
from tests.fakes.embedder import FAKE_SPEC
from tests.plugins.servers import Servers


@pytest.mark.parametrize(
    ("vectors", "pending", "valid", "action"),
    [
        (24_000, 0, None, IndexAction.NOTHING),
        (26_000, 0, None, IndexAction.BUILD),
        (60_000, 20_000, None, IndexAction.NOTHING),
        (60_000, 0, True, IndexAction.NOTHING),
        (40_000, 20_000, True, IndexAction.NOTHING),
        (20_000, 40_000, True, IndexAction.DROP),
        (60_000, 0, False, IndexAction.DROP),
        (0, 0, None, IndexAction.NOTHING),
    ],
)
def test_the_action_that_saves_most_time(vectors: int, pending: int, valid: bool | None, action: IndexAction) -> None:
    assert choose_action(vectors=vectors, pending=pending, valid=valid) is action


@pytest.mark.parametrize(
    ("rows", "memory_gb", "cores", "memory_mb", "workers"),
    [
        (1_000_000, 64, 8, 2080, 7),
        (1_000_000, 2, 4, 1024, 3),
        (50_000, 64, 2, 256, 1),
        (1_000_000, 64, 64, 2080, 7),
        (1_000_000, 0.1, 1, 256, 0),
    ],
)
def test_a_build_gets_the_memory_that_it_needs(
    rows: int, memory_gb: float, cores: int, memory_mb: int, workers: int
) -> None:
    server = ServerResources(memory_bytes=int(memory_gb * 2**30), cores=cores)
    settings = choose_build_settings(rows=rows, dimension=384, configured_kb=256 << 10, server=server)
    assert settings is not None
    assert (settings.memory_kb >> 10, settings.workers) == (memory_mb, workers)


def test_without_a_view_of_the_machine_the_server_decides() -> None:
    assert choose_build_settings(rows=1_000_000, dimension=384, configured_kb=1 << 18, server=None) is None


@pytest.fixture
def model(database: Database) -> IndexedModel:
    """A model with 600 vectors."""
    vectors = np.random.default_rng(1).standard_normal((600, FAKE_SPEC.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with database.transaction() as connection:
        model = activate_model(connection, FAKE_SPEC)
        for number, vector in enumerate(vectors):
            connection.execute(
                "INSERT INTO embeddings (model_id, chunk_id, state, vector) VALUES (%s, %s, 'done', %s::text::halfvec)",
                (model.id, number, str(vector.tolist())),
            )
    with database.transaction() as connection:
        connection.execute("ANALYZE embeddings_1")
    return model


def test_it_is_built_used_and_dropped(database: Database, model: IndexedModel) -> None:
    assert maintain_index(database, min_rows=500) is IndexAction.BUILD
    assert maintain_index(database, min_rows=500) is IndexAction.NOTHING
    with database.transaction() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        seventh = "(SELECT vector::halfvec(384) FROM embeddings_1 WHERE chunk_id = 7)"
        plan = connection.execute(
            f"EXPLAIN SELECT chunk_id FROM {partition(model.id).as_string()} WHERE vector IS NOT NULL "
            f"ORDER BY vector::halfvec(384) <#> {seventh} LIMIT 5"
        ).fetchall()
        assert "embeddings_1_vectors" in str(plan)
        options = connection.execute(
            "SELECT reloptions FROM pg_class WHERE relname = 'embeddings_1_vectors'"
        ).fetchone()
        assert options == (["m=20", "ef_construction=64"],), "those that were chosen by measurements"
    with database.transaction() as connection:
        connection.execute("INSERT INTO embeddings (model_id, chunk_id) SELECT 1, generate_series(1000, 3000)")
        connection.execute("ANALYZE embeddings_1")
    with database.autocommit() as connection:
        connection.execute("ANALYZE embeddings_1")
    assert maintain_index(database, min_rows=500) is IndexAction.DROP


def test_second_vectors_are_no_bulk_load(database: Database, model: IndexedModel) -> None:
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO embeddings (model_id, chunk_id, priority) SELECT 1, generate_series(1000, 3000), -1"
        )
        connection.execute("ANALYZE embeddings_1")
    assert maintain_index(database, min_rows=700) is IndexAction.NOTHING, "600 vectors are few"
    assert maintain_index(database, min_rows=500) is IndexAction.BUILD
    assert maintain_index(database, min_rows=500) is IndexAction.NOTHING
    with database.transaction() as connection:
        connection.execute("UPDATE embeddings SET priority = 0 WHERE state = 'pending'")
    assert maintain_index(database, min_rows=500) is IndexAction.DROP


def test_chunks_that_the_model_does_not_read_are_no_vectors(database: Database, model: IndexedModel) -> None:
    with database.transaction() as connection:
        connection.execute("UPDATE embeddings SET state = 'unread', vector = NULL WHERE chunk_id % 4 > 0")
        connection.execute("ANALYZE embeddings_1")
    assert maintain_index(database, min_rows=500) is IndexAction.NOTHING
    assert maintain_index(database, min_rows=140) is IndexAction.BUILD


def test_each_searched_model_has_one(database: Database, model: IndexedModel) -> None:
    assert maintain_index(database, min_rows=500) is IndexAction.BUILD
    with database.transaction() as connection:
        second = start_multilingual(connection, replace(FAKE_SPEC, name="fake/multilingual", digest="2" * 64))
        connection.execute(
            "INSERT INTO embeddings (model_id, chunk_id, state, vector)"
            " SELECT %s, chunk_id, state, vector FROM embeddings_1",
            (second.id,),
        )
    with database.autocommit() as connection:
        connection.execute("ANALYZE embeddings_2")
    assert maintain_index(database, min_rows=500) is IndexAction.BUILD
    assert maintain_index(database, min_rows=500) is IndexAction.NOTHING
    with database.transaction() as connection:
        indexes = connection.execute(
            "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
            " WHERE c.relname LIKE 'embeddings%%vectors' ORDER BY 1"
        ).fetchall()
    assert indexes == [("embeddings_1_vectors",), ("embeddings_2_vectors",)]


def test_its_build_is_in_the_status(database: Database, model: IndexedModel) -> None:
    def build() -> VectorIndexBuild | None:
        with database.transaction() as connection:
            return read_status(connection).vector_index_build

    assert build() is None
    with ThreadPoolExecutor() as pool, database.transaction() as writer:
        # A build waits for the transactions that wrote to the table before it began.
        writer.execute("UPDATE embeddings SET priority = 1 WHERE chunk_id = 0")
        building = pool.submit(maintain_index, database, min_rows=500)
        waiting = VectorIndexBuild(phase="waiting for writers before build", done=0, total=600)
        wait_until(lambda: build() == waiting, seconds=60, failed="no build is in the status")
        writer.commit()
        assert building.result(60) is IndexAction.BUILD
    assert build() is None


def test_searches_and_writes_go_on_during_a_build(database: Database, model: IndexedModel) -> None:
    with ThreadPoolExecutor() as pool, database.transaction() as writer:
        writer.execute("UPDATE embeddings SET priority = 1 WHERE chunk_id = 0")
        building = pool.submit(maintain_index, database, min_rows=500)
        with database.transaction() as connection:
            query = "SELECT FROM pg_class WHERE relname = 'embeddings_1_vectors'"
            wait_until(lambda: connection.execute(query).fetchone() is not None, seconds=60, failed="no build began")
        with database.transaction() as connection:
            connection.execute("SET LOCAL lock_timeout = '20s'")
            connection.execute("UPDATE embeddings SET state = 'unread', vector = NULL WHERE chunk_id = 1")
            connection.execute("INSERT INTO embeddings (model_id, chunk_id) VALUES (1, 5000)")
            nearest = "SELECT count(*) FROM (SELECT FROM embeddings_1 ORDER BY vector <#> vector LIMIT 5) AS nearest"
            assert connection.execute(nearest).fetchone() == (5,)
        assert not building.done()
        writer.commit()
        assert building.result(60) is IndexAction.BUILD


def test_the_settings_of_a_build_end_with_it(
    database_url: str, model: IndexedModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(vector_index, "GRAPH_BYTES_PER_ROW", 1_000_000)
    monkeypatch.setattr(
        vector_index, "read_server_resources", lambda _: ServerResources(memory_bytes=64 << 30, cores=4)
    )
    with caplog.at_level("INFO"), Database(database_url, application="test") as database:
        assert maintain_index(database, min_rows=500) is IndexAction.BUILD
        with database.transaction() as connection:
            memory = connection.execute("SHOW maintenance_work_mem").fetchone()
            workers = connection.execute("SHOW max_parallel_maintenance_workers").fetchone()
    assert (memory, workers) == (("256MB",), ("2",))
    assert "687 MB, 3 parallel workers" in caplog.text


def test_without_room_for_shared_memory_one_process_builds_it(
    database: Database, model: IndexedModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(vector_index, "GRAPH_BYTES_PER_ROW", 10**9)
    monkeypatch.setattr(vector_index, "read_server_resources", lambda _: ServerResources(memory_bytes=1 << 50, cores=2))
    with database.transaction() as connection:
        connection.execute("ALTER TABLE embeddings_1 SET (parallel_workers = 1)")
    assert maintain_index(database, min_rows=500) is IndexAction.BUILD
    assert "in one process, because could not resize shared memory" in caplog.text
    assert maintain_index(database, min_rows=500) is IndexAction.NOTHING


def test_the_embedded_server_tells_its_resources(database: Database) -> None:
    with database.transaction() as connection:
        server = read_server_resources(connection)
    assert server is not None
    assert server.cores == os.cpu_count()
    assert 2**20 < server.memory_bytes <= psutil.virtual_memory().total


@pytest.fixture
def of_a_superuser(servers: Servers, database_url: str) -> Iterator[Database]:
    """A database on a server of somebody's own, which lacks the function of the embedded one."""
    url = database_url.replace(f"user={postgres.OWNER}", f"user={postgres_cluster.USER}")
    with Database(url, application="test", size=4) as pool:
        with pool.transaction() as connection:
            connection.execute("DROP SCHEMA magicfs_server CASCADE")
        yield pool


def test_a_role_without_the_right_to_read_files_leaves_it_to_the_server(of_a_superuser: Database) -> None:
    with of_a_superuser.transaction() as connection:
        assert read_server_resources(connection) is not None
        connection.execute("CREATE ROLE ordinary")
        connection.execute("SET LOCAL ROLE ordinary")
        assert read_server_resources(connection) is None
        connection.rollback()


def test_a_server_that_refuses_its_files_to_a_role_with_the_right_is_built_with_its_own_settings(
    of_a_superuser: Database, model: IndexedModel
) -> None:
    """A provider's server may have a policy of its own beside the privileges."""
    database = of_a_superuser
    with database.transaction() as connection:
        connection.execute(
            "CREATE FUNCTION public.pg_read_file(text, bigint, bigint, boolean) RETURNS text LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'refused by policy' USING ERRCODE = 'insufficient_privilege'; END $$"
        )
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = public, pg_catalog')
    database.close_idle_connections()
    with database.autocommit() as connection:
        assert read_server_resources(connection) is None
    assert maintain_index(database, min_rows=500) is IndexAction.BUILD


def test_cores_and_control_groups_are_read_as_the_kernel_writes_them() -> None:
    assert [core_count(text) for text in ("0\n", "0-3\n", "0-3,6\n", "")] == [1, 4, 5, 0]
    assert memory_limit_paths("0::/user.slice/magicfs.service\n") == [
        "/sys/fs/cgroup/user.slice/magicfs.service/memory.max",
        "/sys/fs/cgroup/user.slice/memory.max",
        "/sys/fs/cgroup/memory.max",
    ]
    assert memory_limit_paths("0::/\n") == ["/sys/fs/cgroup/memory.max"]
    assert memory_limit_paths("5:memory:/old\n") == []


def test_nothing_happens_without_a_model(database: Database) -> None:
    assert maintain_index(database) is IndexAction.NOTHING
