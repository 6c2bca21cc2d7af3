import signal
import subprocess
import sys

import pytest

PROGRAM = """
import signal
from magicfs.linux.signals import stop_event

stop = stop_event()
# The signal goes to another thread: as with one that comes too late to interrupt it, nothing ends the wait of this one.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
print("waits", flush=True)
stop.wait()
print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_does_not_interrupt_the_main_thread_ends_its_wait(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "waits\n"
            process.send_signal(number)
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        assert (output, process.returncode) == ("stopped\n", 0)
