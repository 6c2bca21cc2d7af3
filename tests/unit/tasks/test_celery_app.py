"""The Celery application, as a Celery engineer reads it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from magicfs.config import Settings
from magicfs.errors import MagicFSError
from tasks.app import EMBED_TASK, EXTRACT_TASK, MAINTENANCE_TASK, declared_queue, make_app
from tasks.queue_names import EMBED_QUEUE, embed_queue


def test_queues_have_one_exchange_and_a_routing_key_of_their_own(tmp_path: Path) -> None:
    app = make_app(Settings(home=tmp_path, host="here"))
    queues = {queue.name: queue for queue in app.amqp.queues.values()}
    assert set(queues) == {"extract.here", "embed", "maintenance"}
    for name, queue in queues.items():
        assert (queue.exchange.name, queue.exchange.type, queue.routing_key) == ("magicfs", "direct", name)


def test_workers_of_one_model_have_a_queue_of_their_own() -> None:
    assert embed_queue(None) == EMBED_QUEUE
    assert embed_queue("intfloat/multilingual-e5-small") == "embed.intfloat-multilingual-e5-small"
    assert embed_queue("BAAI/bge-small-en-v1.5") == embed_queue("baai/BGE-Small-EN-v1.5")
    assert embed_queue("/Größe") == embed_queue("/GRÖSSE"), "a name is one whatever its case is"
    folders = ["/srv/models/mine", "/srv/models-mine", "/srv/模型", "/srv/модель", "/Größe", "models", "x" * 999]
    queues = [embed_queue(folder) for folder in folders]
    assert len(set(queues)) == len(folders)
    assert all(re.fullmatch(r"embed\.[a-z0-9-]{1,80}", queue) for queue in queues)
    queue = declared_queue(embed_queue("org/Model"))
    assert (queue.exchange.name, queue.exchange.type, queue.routing_key) == ("magicfs", "direct", "embed.org-model")


def test_each_task_has_a_route_and_the_default_queue_is_ours(tmp_path: Path) -> None:
    app = make_app(Settings(home=tmp_path, host="here"))
    tasks = (EXTRACT_TASK, EMBED_TASK, MAINTENANCE_TASK)
    routes = {task: app.amqp.router.route({}, task)["queue"].name for task in tasks}
    assert routes == {EXTRACT_TASK: "extract.here", EMBED_TASK: "embed", MAINTENANCE_TASK: "maintenance"}
    assert app.conf.task_default_queue == EMBED_QUEUE
    assert app.amqp.router.route({}, "some.other.task")["queue"].name == EMBED_QUEUE


def test_our_errors_are_expected_ones(tmp_path: Path) -> None:
    app = make_app(Settings(home=tmp_path))
    app.loader.import_default_modules()
    for task in (EXTRACT_TASK, EMBED_TASK, MAINTENANCE_TASK):
        assert app.tasks[task].throws == (MagicFSError,)


def run(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"MAGICFS_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_the_settings_are_read_when_they_are_first_used(tmp_path: Path) -> None:
    assert run("-c", "import tasks.app", home=tmp_path, MAGICFS_WORKERS="many").returncode == 0
    used = run("-c", "import tasks.app; tasks.app.app.conf.broker_url", home=tmp_path, MAGICFS_WORKERS="many")
    assert used.returncode == 1
    assert used.stderr.startswith("magicfs: MAGICFS_WORKERS is not valid")
    assert len(used.stderr.splitlines()) == 1


def test_a_worker_of_celery_itself_is_refused_in_one_line(tmp_path: Path) -> None:
    done = run("-m", "celery", "-A", "tasks.app", "worker", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("magicfs: start workers with 'magicfs worker")
