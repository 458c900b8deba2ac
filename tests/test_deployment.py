"""The files that start Willcall elsewhere: Procfile, docker-compose.yml, Dockerfile."""

import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from honcho.environ import parse_procfile

from tests.processes import ROOT, run_alone
from worker.runtime.settings import Settings

PROCESSES = parse_procfile((ROOT / "Procfile").read_text()).processes
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
SECRETS = {
    "POSTGRES_PASSWORD": "postgrespassword",
    "WILLCALL_OWNER_PASSWORD": "ownerpassword",
    "WILLCALL_DATABASE_PASSWORD": "databasepassword",
    "BROKER_PASSWORD": "brokerpassword",
    "WILLCALL_FLOWER_BASIC_AUTH": "someone:flowerpassword",
    "WILLCALL_SECRET_KEY": "0a" * 32,
    "WILLCALL_PUBLIC_URL": "https://tickets.example.com",
}
# What the Procfile calls by a word that platforms fix, compose calls by what it does.
SERVICE_OF_PROCESS = {process: process for process in PROCESSES} | {"release": "migrate"}


@pytest.fixture(scope="module")
def docker_compose() -> list[str]:
    """Return the words that start Docker Compose."""
    plugin = ["docker", "compose"]
    if shutil.which("docker") and run_alone([*plugin, "version"]).returncode == 0:
        return plugin
    pytest.skip("Docker Compose is not installed")


def _config(docker_compose: list[str], *options: str, **variables: str) -> dict[str, Any]:
    """Return docker-compose.yml as Docker Compose understands it."""
    words = [*docker_compose, "--env-file", os.devnull, *options, "config", "--format", "json"]
    result = run_alone(words, **variables)
    assert result.returncode == 0, result.stderr
    config: dict[str, Any] = json.loads(result.stdout)
    return config


def test_procfile_names_the_processes() -> None:
    assert set(PROCESSES) == {"release", "intake", "worker", "relay", "documents", "beat", "flower"}


@pytest.mark.parametrize("process", PROCESSES)
def test_procfile_command_is_one_that_willcall_knows(process: str) -> None:
    program, *words = shlex.split(PROCESSES[process])
    assert program == "willcall"

    installed = Path(sys.executable).parent / program
    result = run_alone([str(installed), *words, "--help"])

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("process", PROCESSES)
def test_compose_service_runs_the_same_words_as_the_procfile(process: str) -> None:
    entrypoint = re.search(r"^ENTRYPOINT (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert entrypoint is not None
    service = SERVICES[SERVICE_OF_PROCESS[process]]

    assert "entrypoint" not in service
    assert json.loads(entrypoint[1]) + service["command"] == shlex.split(PROCESSES[process])


def test_compose_file_fits_the_specification() -> None:
    schema = json.loads((ROOT / "tests/data/compose-spec.json").read_text())

    jsonschema.Draft202012Validator(schema).validate(COMPOSE)


def test_compose_file_holds_no_password() -> None:
    text = (ROOT / "docker-compose.yml").read_text()

    assert re.findall(r"//\w+:(?!\$\{\w+:\?)[^@\s]*@", text) == []
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASS|AUTH|SECRET", variable):
                assert value.startswith("${"), f"{variable} of {name}"


def test_only_the_intake_is_published() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"intake": ["${WILLCALL_INTAKE_PORT:-8000}:8000"]}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_bounded_and_changes_nothing_of_its_image(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["tmpfs"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"] > 0


def test_images_are_named_by_exact_versions() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    for image in images:
        assert re.search(r":\d+\.\d+(\.\d+)?(-slim)?$", image), image


def test_only_migrations_run_as_the_owner_of_the_tables() -> None:
    for process in PROCESSES:
        url = SERVICES[SERVICE_OF_PROCESS[process]]["environment"]["WILLCALL_DATABASE_URL"]
        owner = re.match(r"postgresql\+psycopg://(\w+):", url)
        assert owner is not None
        assert owner[1] == ("willcall_owner" if process == "release" else "willcall")
    # The superuser's password is the server's alone.
    assert [name for name, one in SERVICES.items() if "POSTGRES_PASSWORD" in one.get("environment", {})] == [
        "postgres"
    ]


def test_flower_asks_for_a_login() -> None:
    login = SERVICES["flower"]["environment"]["WILLCALL_FLOWER_BASIC_AUTH"]

    assert login.startswith("${WILLCALL_FLOWER_BASIC_AUTH:?")


def test_the_secret_key_is_given_to_those_who_seal_or_sign_and_to_nobody_else() -> None:
    given = {name for name, service in SERVICES.items() if "WILLCALL_SECRET_KEY" in _environment(service)}

    assert given == {"migrate", "intake", "worker"}


def test_links_lead_where_the_operator_says() -> None:
    address = _environment(SERVICES["intake"])["WILLCALL_PUBLIC_URL"]

    assert address.startswith("${WILLCALL_PUBLIC_URL:?")


# What compose decides itself, and why nobody changes it there.
DECIDED = {
    "WILLCALL_DATABASE_URL",  # made of the passwords
    "WILLCALL_BROKER_URL",
    "WILLCALL_SECRET_KEY",  # for some services only
    "WILLCALL_HOME",  # no server is embedded
    "WILLCALL_INTAKE_HOST",  # inside the container; WILLCALL_INTAKE_PORT is the published one
    "WILLCALL_INTAKE_PORT",
    "WILLCALL_PUBLIC_URL",
    "WILLCALL_FLOWER_HOST",
    "WILLCALL_FLOWER_PORT",
    "WILLCALL_FLOWER_BASIC_AUTH",
    "WILLCALL_METRICS_HOST",
    "WILLCALL_INTAKE_METRICS_PORT",
    "WILLCALL_WORKER_METRICS_PORT",
}

# Where the spans go, and how many: OpenTelemetry reads these itself.
OPENTELEMETRY = {
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
}


@pytest.mark.parametrize("process", PROCESSES)
def test_every_setting_that_an_operator_may_change_is_passed_on(process: str) -> None:
    environment = _environment(SERVICES[SERVICE_OF_PROCESS[process]])
    settings = {f"WILLCALL_{name.upper()}" for name in Settings.model_fields}

    assert settings >= DECIDED
    # Without a value here, it is that of the host, and where there is none, the default.
    passed_on = {name for name, value in environment.items() if value is None}
    assert passed_on == (settings - DECIDED) | OPENTELEMETRY
    assert environment.keys() - passed_on <= DECIDED


def test_metrics_are_for_the_network_of_the_services_only() -> None:
    intake = _environment(SERVICES["intake"])
    (published,) = SERVICES["intake"]["ports"]
    others = {name: _environment(SERVICES[name]) for name in ("worker", "relay", "documents")}

    assert intake["WILLCALL_INTAKE_METRICS_PORT"] > 0  # so that /metrics of the published port is none
    assert str(intake["WILLCALL_INTAKE_METRICS_PORT"]) not in published
    assert {one["WILLCALL_METRICS_HOST"] for one in [intake, *others.values()]} == {"0.0.0.0"}
    assert all(one["WILLCALL_WORKER_METRICS_PORT"] > 0 for one in others.values())


def _environment(service: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = service.get("environment", {})
    return found


def test_services_come_back_and_migrations_run_once() -> None:
    policies = {name: service["restart"] for name, service in SERVICES.items()}

    assert policies.pop("migrate") == "no"
    assert set(policies.values()) == {"unless-stopped"}
    assert all("stop_grace_period" in service for service in SERVICES.values())


def test_services_wait_for_the_schema() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for process in PROCESSES.keys() - {"release"}:
        wait = SERVICES[process]["depends_on"]["migrate"]
        assert wait == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("broker", ["rabbitmq", "valkey"])
def test_neither_broker_is_required(broker: str) -> None:
    for process in PROCESSES.keys() - {"release"}:
        wait = SERVICES[process]["depends_on"][broker]
        assert wait == {"condition": "service_healthy", "required": False}


def test_valkey_starts_only_with_its_profile() -> None:
    profiles = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}

    assert profiles == {"valkey": ["redis"]}


def test_docker_compose_takes_rabbitmq_by_default(docker_compose: list[str]) -> None:
    services = _config(docker_compose, **SECRETS)["services"]

    assert services.keys() == SERVICES.keys() - {"valkey"}
    environment = services["worker"]["environment"]
    assert environment["WILLCALL_BROKER_URL"] == "amqp://willcall:brokerpassword@rabbitmq:5672//"
    assert environment["WILLCALL_DATABASE_URL"] == (
        "postgresql+psycopg://willcall:databasepassword@postgres/willcall"
    )


def test_docker_compose_takes_valkey_where_it_is_told_to(docker_compose: list[str]) -> None:
    url = "redis://:brokerpassword@valkey:6379/0"

    config = _config(docker_compose, "--profile", "redis", WILLCALL_BROKER_URL=url, **SECRETS)

    assert config["services"].keys() == SERVICES.keys()
    for process in PROCESSES:
        environment = config["services"][SERVICE_OF_PROCESS[process]]["environment"]
        assert environment["WILLCALL_BROKER_URL"] == url


@pytest.mark.parametrize("missing", SECRETS)
def test_docker_compose_names_the_secret_that_is_missing(docker_compose: list[str], missing: str) -> None:
    secrets = {name: value for name, value in SECRETS.items() if name != missing}

    result = run_alone([*docker_compose, "--env-file", os.devnull, "config", "--quiet"], **secrets)

    assert result.returncode != 0
    assert missing in result.stderr
