"""What the manifests start, started: with their words and their variables, on real servers."""

import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import kombu
import pytest
import yaml
from sqlalchemy import Engine

from tests.databases import fresh_database
from tests.deploy.manifests import FOLDER, KUSTOMIZATIONS, PODS, Pod, of_kind, settings_file
from tests.intake.cli.conftest import running_willcall
from tests.processes import Process, wait_until
from tests.rabbitmq import RabbitMQ, free_port, running_rabbitmq
from willcall.queues import DEAD_QUEUE, order_queues, queues

SERVED = [name for name, pod in PODS.items() if "startupProbe" in pod.container]

_OPTIONAL = {"WILLCALL_READ_DATABASE_URL"}


def _variables(pod: Pod, database: str, broker: RabbitMQ) -> dict[str, str]:
    """Return the pod's own variables, with these servers as its secrets, and with ports that are free."""
    secrets = {
        "WILLCALL_DATABASE_URL": database,
        "WILLCALL_BROKER_URL": broker.url,
        "WILLCALL_SECRET_KEY": "0a" * 32,
        "WILLCALL_FLOWER_BASIC_AUTH": "someone:secret",
    }
    variables = settings_file() | {name: secrets[name] for name in pod.secrets.keys() - _OPTIONAL}
    return variables | {name: str(free_port()) for name in variables if name.endswith("_PORT")}


def _port(pod: Pod, name: str, variables: dict[str, str]) -> int:
    """Return where a port of the manifest is here."""
    (variable,) = [one for one, value in settings_file().items() if value == str(pod.ports[name])]
    return int(variables[variable])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def _answers_or_ended(url: str, process: Process) -> bool:
    return _answers(url) or process.process.poll() is not None


@pytest.fixture
def database(migrated: Engine) -> Any:
    with fresh_database(migrated, "pods") as engine:
        yield engine.url.render_as_string(hide_password=False)


@pytest.mark.parametrize("name", SERVED)
def test_a_pod_answers_its_probes_writes_nothing_and_ends(
    name: str, database: str, rabbitmq: RabbitMQ, tmp_path: Path
) -> None:
    pod, home = PODS[name], tmp_path / "home"
    (tmp_path / "tmp").mkdir()
    home.mkdir()
    variables = _variables(pod, database, rabbitmq) | {"HOME": str(home), "TMPDIR": str(tmp_path / "tmp")}

    with running_willcall(*pod.container["args"], variables=variables, log=home / "log") as process:
        for _, probe in pod.probes():
            ask = probe["httpGet"]
            url = f"http://127.0.0.1:{_port(pod, ask['port'], variables)}{ask['path']}"
            wait_until(partial(_answers_or_ended, url, process), what=f"{name}: {url}")
            assert process.process.poll() is None, process.output()
        # The port of a worker's metrics answers while it still starts: 143.
        assert process.end(signal.SIGTERM) in (0, 143), process.output()

    # The root of its file system cannot be written to, and only /tmp can.
    assert [path.name for path in home.iterdir()] == ["log"]


def test_the_migration_ends_and_may_be_repeated(database: str, rabbitmq: RabbitMQ, tmp_path: Path) -> None:
    pod = PODS["migrate"]
    for _ in range(2):
        with running_willcall(
            *pod.container["args"], variables=_variables(pod, database, rabbitmq), log=tmp_path / "log"
        ) as process:
            assert process.process.wait(300) == 0, process.output()


def test_a_worker_waits_for_its_servers_alive(tmp_path: Path, database: str, rabbitmq: RabbitMQ) -> None:
    pod = PODS["worker"]
    variables = _variables(pod, database, rabbitmq)
    nobody = free_port()
    variables["WILLCALL_BROKER_URL"] = f"amqp://guest:guest@127.0.0.1:{nobody}//"
    path = pod.container["livenessProbe"]["httpGet"]["path"]

    with running_willcall(*pod.container["args"], variables=variables, log=tmp_path / "log") as process:
        wait_until(lambda: str(nobody) in process.output(), what="a word about the broker")
        assert _answers(f"http://127.0.0.1:{_port(pod, 'metrics', variables)}{path}")
        assert process.process.poll() is None


def test_rabbitmq_finds_the_queues_that_scaling_asks_for(tmp_path: Path) -> None:
    (scaled,) = of_kind("ScaledObject")
    trigger = scaled["spec"]["triggers"][0]["metadata"]
    port = free_port()
    with running_rabbitmq(
        tmp_path,
        config=f"management.tcp.port = {port}\nmanagement.tcp.ip = 127.0.0.1\n",
        plugins="rabbitmq_management",
    ) as server:
        declared = (
            {queue.name for queue in queues(server.url)} | {DEAD_QUEUE.name} | set(order_queues(server.url))
        )
        with kombu.Connection(server.url) as connection:
            for name in declared:
                kombu.Queue(name, durable=True)(connection.channel()).queue_declare()
        # As KEDA asks.
        query = {
            "page": 1,
            "use_regex": "true",
            "pagination": "false",
            "name": trigger["queueName"],
            "page_size": trigger["pageSize"],
        }
        url = f"http://127.0.0.1:{port}/api/queues/{quote(trigger['vhostName'], safe='')}?{urlencode(query)}"
        answer = httpx.get(url, auth=("guest", "guest"), timeout=60).json()

    assert {one["name"] for one in answer["items"]} == set(order_queues(server.url))


@pytest.mark.parametrize("folder", [path.parent.name for path in KUSTOMIZATIONS])
def test_kubectl_puts_the_files_together(folder: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    (kustomization,) = yaml.safe_load_all((FOLDER / folder / "kustomization.yaml").read_text())
    if kustomization["kind"] == "Component":
        folder = "example"  # which has all of them

    made = subprocess.run(["kubectl", "kustomize", FOLDER / folder], capture_output=True, text=True)

    assert made.returncode == 0, made.stderr
    found = list(yaml.safe_load_all(made.stdout))
    names = {(one["kind"], one["metadata"]["name"]) for one in found}
    (settings,) = [name for kind, name in names if kind == "ConfigMap"]
    for one in found:
        template = one["spec"].get("template", {}) if "spec" in one else {}
        for container in template.get("spec", {}).get("containers", ()):
            assert container["envFrom"] == [{"configMapRef": {"name": settings}}]
    assert re.fullmatch("willcall-[0-9a-z]+", settings)


def test_the_example_takes_every_part_and_leaves_the_number_of_workers_to_keda() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    made = subprocess.run(
        ["kubectl", "kustomize", FOLDER / "example"], capture_output=True, text=True, check=True
    )
    found = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(made.stdout)}

    assert {kind for kind, _ in found} >= {"Ingress", "ScaledObject", "TriggerAuthentication", "PodMonitor"}
    assert "replicas" not in found["Deployment", "worker"]["spec"]
    deployments = [one for (kind, _), one in found.items() if kind == "Deployment"]
    images = {one["spec"]["template"]["spec"]["containers"][0]["image"] for one in deployments}
    assert images == {"registry.example.com/willcall:0.1.0"}
