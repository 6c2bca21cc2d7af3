"""What `magicfs hosts` shows of a host."""

from dataclasses import replace

import pytest

from magicfs.cli import terminal
from magicfs.cli.host_list import Host, agent_state, hosts_of, show_certificates
from magicfs.domain.host_certificates import HostCertificate
from magicfs.domain.status import HostStatus, MountStatus, WorkerStatus
from tests.unit.cli.summary import summary
from tests.unit.cli.test_bidi import root


def test_hosts_have_what_is_theirs_and_those_without_an_agent_are_there_too() -> None:
    index = summary(
        hosts=(HostStatus("box", "machine", 5.0, has_agent=True),),
        roots=(root("papers", "/papers"), root("notes", "/notes")),
        workers=(WorkerStatus("w", "cores", "embed", 1), WorkerStatus("v", "box", "embed", 1)),
        mounts=(MountStatus("desk", b"/mnt", 1),),
    ).index
    certificates = [
        HostCertificate("box", "SHA256:a", "PEM", "10.8.0.2:7420", admitted=True),
        HostCertificate("asks", "SHA256:b", "PEM", None, admitted=False),
    ]
    asks, box, cores, desk = hosts_of(index, certificates)
    assert box.as_json() == {
        "name": "box",
        "agent": True,
        "machine": "machine",
        "heartbeat": 5.0,
        "files": 24,
        "roots": ["papers", "notes"],
        "workers": 1,
        "mounts": 0,
        "address": "10.8.0.2:7420",
        "fingerprint": "SHA256:a",
        "admitted": True,
    }
    assert (asks.name, asks.agent, asks.fingerprint, asks.admitted) == ("asks", False, "SHA256:b", False)
    assert (cores.name, cores.agent, cores.workers, cores.fingerprint) == ("cores", False, 1, None)
    assert (desk.name, desk.mounts, desk.files) == ("desk", 1, 0)


@pytest.mark.parametrize(
    ("agent", "heartbeat", "words"),
    [
        (True, 1.0, "at work"),
        (False, None, "none yet"),
        (False, 40.0, "silent for 1 min"),
        (False, 170.0, "silent for 0 s"),
    ],
)
def test_an_agent_is_at_work_or_silent(agent: bool, heartbeat: float | None, words: str) -> None:
    host = Host("box", agent, None, heartbeat, files=0, roots=[], workers=0, mounts=0)
    assert agent_state(host, now=100.0) == words


def test_nothing_that_a_host_says_of_itself_reaches_the_terminal_as_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    clear = "\x1b[2J\x9b2J\r"
    host = Host("box" + clear, True, None, 1.0, files=0, roots=[], workers=0, mounts=0, admitted=True)
    show_certificates([replace(host, address=f"10.8.0.2{clear}", fingerprint=f"SHA256:a{clear}")])
    lines = capsys.readouterr().out
    assert "10.8.0.2?" in lines
    assert lines.replace("\n", "").isprintable()
