"""From fp32 to int8: weights rounded once, per channel; activations at run time. Used when a model is prepared."""

from __future__ import annotations

import logging
from pathlib import Path

from onnx import TensorProto

from magicfs.errors import ModelError


def quantize(source: Path, target: Path) -> None:
    """Write the int8 form of the ONNX model `source` to `target`. Raises `ModelError`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # It advises a preparation that our graphs have behind them, on the root logger.
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(
            source,
            target,
            per_channel=True,
            weight_type=QuantType.QInt8,
            # The type of values whose shape is not inferred: fused operators have no shape inference.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
    except Exception as error:
        target.unlink(missing_ok=True)
        raise ModelError(f"the model cannot be quantised to int8 ({error}): use precision fp32") from error
    finally:
        root.setLevel(level)
