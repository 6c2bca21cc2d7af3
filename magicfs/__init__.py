"""MagicFS: a filesystem you can ask."""

import os

__version__ = "0.1.0"

# onnxruntime tells its maker about each process that loads it, unless this is set before. What people index stays here.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
