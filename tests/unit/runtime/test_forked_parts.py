"""Which parts supervisord forks, and what it has in memory for them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from magicfs.runtime import forked_part
from magicfs.runtime.parts import module_command
from magicfs.runtime.preloading import PreloadedModules
from magicfs.runtime.processes import dies_with_parent

PRELOAD = """
import json, os, sys
from magicfs.runtime import parts, supervisord
before = len(os.listdir("/proc/self/fd"))
supervisord.PRELOADED_MODULES.load_next()
child = supervisord.Options().fork()
assert os.waitpid(child, 0)[1] == 0 if child else os._exit(not set(parts.PRELOADED) <= set(sys.modules))
packages = sorted({name.partition(".")[0] for name in sys.modules})
threads, files = len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")) - before
print(json.dumps([packages, threads, files, supervisord.PRELOADED_MODULES.are_current()]))
"""


def test_what_supervisord_imports_before_it_forks_a_part_leaves_nothing_that_a_fork_may_not_share() -> None:
    variables = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", PRELOAD]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    packages, threads, files, is_current = json.loads(done.stdout)
    assert {"celery", "psycopg", "redis"} <= set(packages)
    # Its import starts a thread.
    assert not {"onnxruntime", "fastembed", "kreuzberg"} & set(packages)
    assert (threads, files, is_current) == (1, 0, True)


def test_a_part_is_not_forked_once_a_module_has_changed_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "module_of_a_part.py"
    module.write_text("VERSION = 1")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    modules = PreloadedModules([module.stem])
    modules.load_all()
    assert modules.are_current()
    module.write_text("VERSION = 10")
    assert not modules.are_current()
    module.unlink()
    assert not modules.are_current()


@pytest.mark.parametrize("death_signal", [signal.SIGTERM, None])
def test_the_module_of_a_part_is_found_in_its_command(death_signal: signal.Signals | None) -> None:
    command = list(module_command("magicfs.cli.part", "mount", "/mnt/a b"))
    if death_signal is not None:
        command = dies_with_parent(command, signal_name="TERM")
    assert forked_part.parse_command(command) == ("magicfs.cli.part", ["mount", "/mnt/a b"], death_signal)


@pytest.mark.parametrize(
    "command",
    [
        ["/bin/sleep", "1000"],
        [sys.executable, "-c", "print()"],
        ["/another/python", *module_command("magicfs.cli.part")[1:]],
        dies_with_parent(["/bin/sleep", "1000"], signal_name="INT"),
    ],
)
def test_another_program_is_executed(command: list[str]) -> None:
    assert forked_part.parse_command(command)[0] is None


@pytest.mark.parametrize(
    ("end", "code"), [(None, 0), (0, 0), (3, 3), (SystemExit(), 0), (SystemExit(4), 4), (SystemExit("no"), 1)]
)
def test_a_part_ends_with_the_exit_code_of_its_module(end: object, code: int) -> None:
    def main() -> object:
        if isinstance(end, SystemExit):
            raise end
        return end

    assert forked_part.exit_code_of(main) == code
