"""What `/proc` says of a process that names its command line and environment itself."""

import subprocess
import sys
from pathlib import Path

SHOW = """
import sys
from magicfs.linux.command_line import show_as
show_as(["a part", "", "of 50%\\udce4"], {"COLOUR": "blue", "EMPTY": ""})
bytes_of_heap = [bytearray(1000) for _ in range(20_000)]
print("shown", flush=True)
sys.stdin.read()
"""


def test_a_process_shows_another_command_line_and_environment() -> None:
    with subprocess.Popen([sys.executable, "-c", SHOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"shown\n"
        folder = Path(f"/proc/{process.pid}")
        assert (folder / "cmdline").read_bytes() == b"a part\0\0of 50%\xe4\0"
        assert (folder / "environ").read_bytes() == b"COLOUR=blue\0EMPTY=\0"
        process.communicate()
    assert process.returncode == 0
