"""The compose files against the rules of the Compose Specification, our CLI, our settings and the repository."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from magicfs import config
from tests.unit.infra import compose
from tests.unit.infra.command_lines import parse
from tests.unit.infra.compose import REPOSITORY, SAMPLE

BASE = compose.load("docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = compose.interpolate(BASE["services"], SAMPLE)
OUR_SERVICES = sorted(name for name, service in SERVICES.items() if "build" in service)
ROLES_WITH_FILES = ("agent", "extractor", "mount")

TOP_LEVEL_KEYS = {"name", "services", "networks", "volumes", "configs", "secrets", "include", "models"}
SERVICE_KEYS = set(Path(__file__).with_name("service_keys.txt").read_text(encoding="utf-8").splitlines()[1:])
BUILD_KEYS = {"context", "dockerfile", "args", "target", "labels", "cache_from", "platforms", "tags", "pull"}
HEALTHCHECK_KEYS = {"test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"}
BIND_KEYS = {"propagation", "create_host_path", "recursive", "selinux"}
VOLUME_KEYS = {"type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs", "image"}
DEPLOY_KEYS = {"mode", "replicas", "resources", "restart_policy", "placement", "labels", "update_config"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
DURATION = re.compile(r"^(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$")
BYTES = re.compile(r"^\d+(b|kb?|mb?|gb?)$")

each_service = pytest.mark.parametrize("name", sorted(SERVICES))
each_file = pytest.mark.parametrize("file", compose.FILES)


@each_file
def test_only_keys_of_the_specification(file: str) -> None:
    content = compose.load(file)
    assert {key for key in content if not key.startswith("x-")} <= TOP_LEVEL_KEYS
    for name, service in content["services"].items():
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)
        assert set(service) <= SERVICE_KEYS, name


@each_service
def test_parts_of_a_service_have_the_keys_and_forms_of_the_specification(name: str) -> None:
    service = SERVICES[name]
    assert "image" in service or "build" in service
    assert set(service.get("build", {})) <= BUILD_KEYS
    assert set(service.get("deploy", {})) <= DEPLOY_KEYS
    assert service["restart"] in {"no", "always", "on-failure", "unless-stopped"}
    assert all(isinstance(value, str) for value in service.get("environment", {}).values())
    for volume in service.get("volumes", []):
        assert set(volume) <= VOLUME_KEYS
        assert set(volume.get("bind", {})) <= BIND_KEYS
        assert volume["type"] in {"bind", "volume", "tmpfs"}
        assert volume["target"].startswith("/")
    for size in (
        service.get("shm_size"),
        service.get("deploy", {}).get("resources", {}).get("limits", {}).get("memory"),
    ):
        assert size is None or BYTES.match(size)
    assert int(service.get("deploy", {}).get("replicas", 1)) >= 1
    assert "container_name" not in service, "a name of its own keeps a service from being scaled"


@each_service
def test_a_service_has_a_health_check_and_ends_gracefully(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert set(check) <= HEALTHCHECK_KEYS
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert len(check["test"]) > 1
    for key in ("interval", "timeout", "start_period", "start_interval"):
        assert check[key]
        assert DURATION.match(check[key]), key
    assert DURATION.match(SERVICES[name].get("stop_grace_period", "10s"))


@pytest.mark.parametrize("name", OUR_SERVICES)
def test_a_role_that_ends_by_itself_is_started_again(name: str) -> None:
    """A worker ends when it has stopped taking messages, or when the schema is newer, with different codes."""
    assert SERVICES[name]["restart"] in {"always", "unless-stopped"}


@each_service
def test_what_a_service_refers_to_exists(name: str) -> None:
    service = SERVICES[name]
    for needed, how in service.get("depends_on", {}).items():
        assert how["condition"] in CONDITIONS
        assert "healthcheck" in SERVICES[needed]
    assert set(service["networks"]) <= set(BASE["networks"])
    for volume in service.get("volumes", []):
        if volume["type"] == "volume":
            assert volume["source"] in BASE["volumes"]
        elif volume["source"].startswith("."):
            assert (REPOSITORY / volume["source"]).exists()
    for kind in ("secrets", "configs"):
        assert set(service.get(kind, [])) <= set(BASE.get(kind, {}))
    if "build" in service:
        context = REPOSITORY / service["build"]["context"]
        assert (context / service["build"]["dockerfile"]).is_file()


def test_what_is_declared_is_used() -> None:
    networks = {network for service in SERVICES.values() for network in service["networks"]}
    volumes = {volume["source"] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert networks == set(BASE["networks"])
    assert set(BASE["volumes"]) <= volumes


@each_service
def test_a_missing_directory_is_an_error_and_not_created_by_root(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        if volume["type"] == "bind":
            assert volume["bind"]["create_host_path"] is False


def test_every_variable_is_documented_and_every_documented_variable_is_used() -> None:
    used = {variable.name for file in compose.FILES for variable in compose.variables(compose.load(file))}
    assert used == compose.documented_variables()


@each_file
def test_no_password_has_a_default(file: str) -> None:
    for variable in compose.variables(compose.load(file)):
        if variable.name == "MAGICFS_METRICS_PASSWORD":
            # Compose asks for the variables of services too that it does not start: without one, this one says so.
            assert (variable.operator, variable.argument) == (":-", "")
        elif "PASSWORD" in variable.name:
            assert variable.operator == ":?", variable.name


@pytest.mark.parametrize("missing", sorted(set(SAMPLE) - {"MAGICFS_HUB_ADDRESS"}))
def test_without_a_required_variable_compose_refuses(missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        compose.interpolate(BASE["services"], SAMPLE | {missing: ""})


def test_the_servers_ask_for_the_password_that_our_roles_use() -> None:
    postgres = SERVICES["postgres"]["environment"]
    assert postgres["POSTGRES_INITDB_ARGS"] == "--auth=scram-sha-256"
    for name in OUR_SERVICES:
        environment = SERVICES[name]["environment"]
        address = f"{postgres['POSTGRES_USER']}:{postgres['POSTGRES_PASSWORD']}@postgres:5432/{postgres['POSTGRES_DB']}"
        assert environment["MAGICFS_DATABASE_URL"] == f"postgresql://{address}"
        redis_password = SERVICES["redis"]["environment"]["REDISCLI_AUTH"]
        assert environment["MAGICFS_BROKER_URL"] == f"redis://:{redis_password}@redis:6379/0"


def test_a_dump_needs_nobody_to_type_the_password() -> None:
    postgres = SERVICES["postgres"]["environment"]
    assert postgres["PGPASSWORD"] == postgres["POSTGRES_PASSWORD"]


def test_nothing_but_flower_and_metrics_can_be_reached_and_they_from_this_host_alone() -> None:
    assert BASE["networks"]["backend"]["internal"] is True
    for name, service in SERVICES.items():
        ports = {"flower": 5555, "metrics": 9464}
        if name in ports:
            assert service["ports"] == [f"127.0.0.1:{ports[name]}:{ports[name]}"]
        else:
            assert "ports" not in service
            assert service["networks"] == ["backend"]
        assert "network_mode" not in service


@each_service
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["user"] not in {"root", "0", "0:0"}
    assert "privileged" not in service
    assert service["logging"]["options"].keys() >= {"max-size", "max-file"}
    if name == "mount":
        assert service["cap_add"] == ["SYS_ADMIN"]
        assert service["devices"] == ["/dev/fuse"]
    else:
        assert "cap_add" not in service
        assert "devices" not in service
        assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", ["agent", "extractor", "embedder"])
def test_the_health_of_a_role_is_that_of_its_servers(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "magicfs", "status", "--check"]


def test_the_health_of_redis_is_that_of_a_write() -> None:
    assert "redis-cli set" in SERVICES["redis"]["healthcheck"]["test"][1]


def test_the_mount_shows_up_on_the_host() -> None:
    command = SERVICES["mount"]["command"]
    binds = {volume["target"]: volume for volume in SERVICES["mount"]["volumes"]}
    assert binds[os.path.dirname(command[-1])]["bind"]["propagation"] == "rshared"


@pytest.mark.parametrize("name", OUR_SERVICES)
def test_our_commands_exist(name: str) -> None:
    service = SERVICES[name]
    assert parse(service["command"])
    check = service["healthcheck"]["test"][1:]
    if check[0] == "magicfs":
        assert parse(check)


@pytest.mark.parametrize("name", OUR_SERVICES)
def test_our_environment_makes_valid_settings(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = SERVICES[name]["environment"]
    fields = {f"MAGICFS_{field.upper()}" for field in config.Settings.table()}
    assert set(environment) <= fields
    monkeypatch.setenv("MAGICFS_HOME", str(tmp_path))
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    settings = config.load()
    assert not settings.embedded_database
    assert not settings.embedded_broker
    assert settings.host == SAMPLE["MAGICFS_HOST"]


def test_roles_that_touch_files_see_them_at_the_path_that_they_have_on_the_host() -> None:
    for name in ROLES_WITH_FILES:
        roots = [volume for volume in SERVICES[name]["volumes"] if volume["source"] == SAMPLE["MAGICFS_ROOT"]]
        assert [root["target"] for root in roots] == [SAMPLE["MAGICFS_ROOT"]], name
        assert roots[0].get("read_only", False) is (name != "mount")
    assert "volumes" not in SERVICES["embedder"]
    assert SERVICES["agent"]["command"][-1] == SAMPLE["MAGICFS_ROOT"]


def test_a_scaled_worker_does_not_fix_its_name() -> None:
    for service in SERVICES.values():
        if "replicas" in service.get("deploy", {}):
            assert "--name" not in service["command"], "workers of one name take each other's work away"


@pytest.mark.parametrize("file", compose.FILES[1:])
def test_a_further_file_changes_services_that_exist(file: str) -> None:
    content = compose.interpolate(compose.load(file), SAMPLE)
    for name, service in content["services"].items():
        assert name in SERVICES
        assert set(service.get("networks", [])) <= set(BASE["networks"])
        assert not service.get("depends_on")
        assert set(service.get("environment", {})) <= set(SERVICES[name].get("environment", {}))
        for port in service.get("ports", []):
            address, published, inside = port.split(":")
            assert address == SAMPLE["MAGICFS_HUB_ADDRESS"]
            assert published == inside


def test_env_with_its_passwords_stays_out_of_the_repository() -> None:
    assert "/.env" in (REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines()
    for line in (REPOSITORY / "infra" / "example.env").read_text(encoding="utf-8").splitlines():
        if "PASSWORD=" in line:
            assert line.endswith("PASSWORD="), "the example holds no password"
