"""Where a model runs: on the processor, or on a GPU for which onnxruntime has a CUDA provider.

Used by `embedder`. Embed workers choose by the setting; questions and the preparation of models take the processor.
What runs on a GPU has not been measured on one. Any thread.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from enum import StrEnum

from magicfs.domain.models import Precision
from magicfs.errors import ModelError

log = logging.getLogger(__name__)

DEVICES = ("/dev/nvidiactl", "/dev/dxg")
"""What a machine with a GPU has: the driver's device, or that of Windows below Linux."""

CPU_PROVIDER, CUDA_PROVIDER = "CPUExecutionProvider", "CUDAExecutionProvider"
"""onnxruntime's names of what runs a model."""


class Device(StrEnum):
    """The values of the setting."""

    AUTO = "auto"
    """A GPU for fp32 models where there is one: CUDA has no arithmetic for int8 models, which the processor is for."""
    CPU = "cpu"
    CUDA = "cuda"


def providers(device: Device, precision: Precision) -> list[str]:
    """The providers to load a model with, the preferred one first. Raises `ModelError` if there is no CUDA but must be.

    A provider that is listed may still find no GPU: see `check_provider`.
    """
    import onnxruntime

    is_there = CUDA_PROVIDER in onnxruntime.get_available_providers()
    if device is Device.CUDA and not is_there:
        raise ModelError(
            "MAGICFS_DEVICE is 'cuda' and this onnxruntime has no CUDA: install magicfs[gpu] as docs/settings.md says, "
            "or set MAGICFS_DEVICE=cpu"
        )
    is_suitable = precision is Precision.FP32 and any(map(os.path.exists, DEVICES))
    if not is_there or device is Device.CPU or (device is Device.AUTO and not is_suitable):
        return [CPU_PROVIDER]
    # The libraries of CUDA come in packages, which the linker does not look into. It prints what it lacks.
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        onnxruntime.preload_dlls()
    if printed.getvalue():
        log.info("the libraries of CUDA: %s", printed.getvalue().strip())
    return [CUDA_PROVIDER, CPU_PROVIDER]


def check_provider(device: Device, used: list[str]) -> bool:
    """Whether a loaded model runs on a GPU; `used` has its providers. Raises `ModelError` if it must and does not."""
    if CUDA_PROVIDER in used:
        return True
    if device is Device.CUDA:
        raise ModelError(
            "MAGICFS_DEVICE is 'cuda' and no GPU can be used: check 'nvidia-smi' and the libraries of CUDA, "
            "or set MAGICFS_DEVICE=cpu"
        )
    return False


@contextlib.contextmanager
def fallback_expected() -> Iterator[None]:
    """Ignore that fastembed warns about a GPU that could not be used: `check_provider` says what that means."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="fastembed")
        yield
