"""What a call of `magicfs up` asks for, and the options that follow from it, from the settings and from the last call.

Used by `starting`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from magicfs.config import Settings
from magicfs.domain.parts import Part, UpOptions


@dataclass(frozen=True, slots=True)
class UpRequest:
    """What one call of `magicfs up` asks for. None keeps the value of the former call."""

    roots: Sequence[Path]
    mount: Path | None
    """Absolute."""
    workers: int | None
    gentle: bool | None
    tied: bool
    """Whether the supervisor ends with the calling process."""
    variables: Mapping[str, str]
    """The environment of the call, as it was before the settings were read."""


@dataclass(frozen=True, slots=True)
class Former:
    """What ran before this call."""

    parts: Sequence[Part]
    """The parts that run now; none when no supervisor runs."""
    options: UpOptions | None
    """Those of the last `up`, which a reboot has ended if no parts run; None if there was none, or `down` since."""

    @property
    def mount(self) -> Path | None:
        """Where the last `up` mounted; None for nowhere."""
        return self.options.mount if self.options else None

    @property
    def gentle(self) -> bool:
        """Whether the last `up` was gentle."""
        return self.options is not None and self.options.gentle


def embed_workers(settings: Settings, request: UpRequest, former: Former) -> int:
    """The number of embed workers to run: as asked for, else as in the last `up`, else as the settings say."""
    is_set = "workers" in settings.given
    if request.workers is not None:
        return request.workers
    if request.gentle and not is_set:
        return 1
    stops_being_gentle = former.gentle and request.gentle is False
    # A setting takes effect when everything is started, as after a reboot.
    if former.options is not None and not stops_being_gentle and (former.parts or not is_set):
        return former.options.embed_workers
    return 1 if settings.gentle and not is_set else settings.workers


def with_gentle(settings: Settings, request: UpRequest, former: Former) -> Settings:
    """The settings with `gentle` as asked for, else as the settings say, else as in the former options."""
    gentle = request.gentle
    if gentle is None and "gentle" not in settings.given:
        gentle = former.gentle or None
    return settings if gentle is None else settings.replace(gentle=gentle)
