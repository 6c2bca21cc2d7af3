"""What onnxruntime tells of its users: nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SUPPRESSES = {"CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_RUNNING_UNIT_TESTS", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"}
"""Variables for which onnxruntime keeps silent in a test, whatever MagicFS does, or keeps its notes elsewhere."""

LOAD = "import magicfs, onnxruntime; assert onnxruntime.get_available_providers()"


def test_onnxruntime_makes_no_identity_of_a_user_and_sends_nothing(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in SUPPRESSES}
    subprocess.run([sys.executable, "-c", LOAD], env=environment | {"HOME": str(tmp_path)}, check=True, timeout=60)
    assert list(tmp_path.rglob("*")) == []
