"""Where embed workers compute: on the processor unless there is a GPU, with the real model."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from magicfs.domain.models import Precision, StoredModel
from magicfs.embedding import device, embedder
from magicfs.embedding import manifest as manifests
from magicfs.embedding.device import CPU_PROVIDER, CUDA_PROVIDER, Device, check_provider, providers
from magicfs.embedding.embedder import FastembedEmbedder, open_engine
from magicfs.errors import ModelError
from magicfs.models.store import ModelStore
from tests.plugins.models import MODEL

if CUDA_PROVIDER in onnxruntime.get_available_providers():
    pytest.skip("this onnxruntime has CUDA", allow_module_level=True)


def test_without_cuda_the_processor_is_used(stored_model: StoredModel) -> None:
    assert providers(Device.AUTO, Precision.FP32) == [CPU_PROVIDER]
    loaded = FastembedEmbedder.load(stored_model.folder, device=Device.AUTO)
    assert loaded.texts_per_call == embedder.TEXTS_PER_CALL
    assert loaded.embed_passages(["a text"]).shape == (1, 384)


def test_cuda_that_is_missing_is_an_error_of_one_line(stored_model: StoredModel) -> None:
    with pytest.raises(ModelError, match=r"^MAGICFS_DEVICE is 'cuda' and this onnxruntime has no CUDA: [^\n]+$"):
        FastembedEmbedder.load(stored_model.folder, device=Device.CUDA)


def test_several_texts_in_one_call_have_the_vectors_that_each_has_alone(model_store: ModelStore) -> None:
    folder = model_store.pull(MODEL, precision="fp32").folder
    alone, manifest = FastembedEmbedder.load(folder), manifests.read(folder)
    together = FastembedEmbedder(open_engine(folder, manifest), manifest, texts_per_call=embedder.TEXTS_PER_CALL_OF_GPU)
    texts = [f"the text of number {number}, {'and more of it ' * number}" for number in range(40)]
    cosines = (alone.embed_passages(texts) * together.embed_passages(texts)).sum(axis=1)
    assert np.allclose(cosines, 1, atol=1e-4)


class TestAnOnnxruntimeWithCuda:
    """Its list of providers has CUDA, on a machine that may have no GPU all the same."""

    @pytest.fixture(autouse=True)
    def listed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA_PROVIDER, CPU_PROVIDER])

    def test_a_model_of_int8_stays_on_the_processor_unless_cuda_is_asked_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(device, "DEVICES", ("/dev/null",))
        assert providers(Device.AUTO, Precision.FP32) == [CUDA_PROVIDER, CPU_PROVIDER]
        assert providers(Device.AUTO, Precision.INT8) == [CPU_PROVIDER]
        assert providers(Device.CPU, Precision.FP32) == [CPU_PROVIDER]
        assert providers(Device.CUDA, Precision.INT8) == [CUDA_PROVIDER, CPU_PROVIDER]

    def test_a_machine_without_a_gpu_does_not_load_the_libraries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(device, "DEVICES", ("/dev/no-such-device",))
        monkeypatch.delattr(onnxruntime, "preload_dlls")
        assert providers(Device.AUTO, Precision.FP32) == [CPU_PROVIDER]

    def test_a_gpu_that_cannot_be_used_is_an_error_only_if_it_must_be(self) -> None:
        assert not check_provider(Device.AUTO, [CPU_PROVIDER])
        assert check_provider(Device.AUTO, [CUDA_PROVIDER, CPU_PROVIDER])
        with pytest.raises(ModelError, match="no GPU can be used"):
            check_provider(Device.CUDA, [CPU_PROVIDER])
