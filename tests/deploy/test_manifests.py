"""deploy/kubernetes against Kubernetes' own schemas, and against what Willcall is."""

import copy
import re
import shlex
from typing import Any

import kubernetes_validate
import pytest
import yaml
from honcho.environ import parse_procfile

from intake.app import create_app
from intake.cli.commands.serve import check_flower, check_intake
from intake.dashboard.pages import refusal
from tests.deploy.manifests import (
    FOLDER,
    KUSTOMIZATIONS,
    MANIFESTS,
    PODS,
    ROOT,
    Manifest,
    Pod,
    name_of,
    of_kind,
    read,
    settings_file,
)
from worker.runtime.settings import Settings

PROCESSES = {
    "migrate" if name == "release" else name: shlex.split(command)[1:]
    for name, command in parse_procfile((ROOT / "Procfile").read_text()).processes.items()
}
OF_OTHERS = ("ScaledObject", "TriggerAuthentication", "PodMonitor")
"""Kinds that KEDA and the Prometheus Operator bring, of which Kubernetes itself has no schema."""

POD = pytest.mark.parametrize("pod", PODS.values(), ids=PODS)


def _check(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("manifest", [one for one in MANIFESTS if one["kind"] not in OF_OTHERS], ids=name_of)
def test_a_manifest_fits_the_schema_of_its_kind(manifest: Manifest) -> None:
    _check(manifest)


@POD
def test_a_misspelt_word_would_be_found_wherever_it_stands(pod: Pod) -> None:
    (manifest,) = [one for one in of_kind("Deployment", "Job") if one["metadata"]["name"] == pod.name]
    paths = [
        ("spec",),
        ("spec", "template", "spec"),
        ("spec", "template", "spec", "securityContext"),
        ("spec", "template", "spec", "containers", 0),
        ("spec", "template", "spec", "containers", 0, "resources"),
    ]
    for path in paths:
        wrong = copy.deepcopy(manifest)
        part: Any = wrong
        for step in path:
            part = part[step]
        part["readOnlyRootFileSystem"] = True
        with pytest.raises(kubernetes_validate.ValidationError):
            _check(wrong)


def test_every_file_is_in_the_kustomization_of_its_folder() -> None:
    assert {path.parent.name for path in KUSTOMIZATIONS} == {path.name for path in FOLDER.iterdir()}
    for path in KUSTOMIZATIONS:
        (kustomization,) = read(path)
        files = {one.name for one in path.parent.glob("*.yaml")} - {path.name}
        named = kustomization.get("resources", []) + kustomization.get("components", [])
        assert {one for one in named if one.endswith(".yaml")} == files
        assert all((path.parent / one).exists() for one in named)


def test_there_are_pods_for_each_process_of_the_procfile() -> None:
    assert {name: pod.container["args"] for name, pod in PODS.items()} == PROCESSES
    # The image's own command comes first, and nothing replaces it.
    assert not any("command" in pod.container for pod in PODS.values())


@POD
def test_every_variable_is_a_setting(pod: Pod) -> None:
    settings = {f"WILLCALL_{name.upper()}" for name in Settings.model_fields}

    assert pod.container["envFrom"] == [{"configMapRef": {"name": "willcall"}}]
    assert settings_file().keys() <= settings
    assert pod.secrets.keys() <= settings
    assert not pod.secrets.keys() & settings_file().keys()


def _settings(monkeypatch: pytest.MonkeyPatch, **more: str) -> Settings:
    for name, value in (settings_file() | more).items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_the_settings_are_such_that_intake_and_flower_start(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(monkeypatch, WILLCALL_FLOWER_BASIC_AUTH="someone:secret")

    check_intake(settings)
    check_flower(settings)


def test_a_secret_is_given_to_those_who_need_it_and_to_nobody_else() -> None:
    with_variable = {
        variable: {name for name, pod in PODS.items() if variable in pod.secrets}
        for variable in ("WILLCALL_SECRET_KEY", "WILLCALL_FLOWER_BASIC_AUTH", "WILLCALL_DATABASE_URL")
    }

    assert with_variable["WILLCALL_SECRET_KEY"] == {"migrate", "intake", "worker"}
    assert with_variable["WILLCALL_FLOWER_BASIC_AUTH"] == {"flower"}
    assert with_variable["WILLCALL_DATABASE_URL"] == PODS.keys()
    owners = {name for name, pod in PODS.items() if "willcall-owner" in dict(pod.secrets.values())}
    assert owners == {"migrate"}
    # Each in a secret of its own kind, so that who may read one may not read all.
    assert len({secret for pod in PODS.values() for secret, _ in pod.secrets.values()}) == 4


def test_no_secret_is_in_a_file() -> None:
    assert of_kind("Secret") == []
    for path in FOLDER.rglob("*"):
        if path.is_file():
            lines = [one for one in path.read_text().splitlines() if not one.lstrip().startswith("#")]
            assert re.findall(r"//[^/\s]*:[^/\s]*@", "\n".join(lines)) == []


def test_ports_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(monkeypatch)

    assert {name: pod.ports for name, pod in PODS.items()} == {
        "intake": {"http": settings.intake_port, "metrics": settings.intake_metrics_port},
        "worker": {"metrics": settings.worker_metrics_port},
        "relay": {"metrics": settings.worker_metrics_port},
        "documents": {"metrics": settings.worker_metrics_port},
        "flower": {"http": settings.flower_port},
        "beat": {"metrics": settings.worker_metrics_port},
        "migrate": {},
    }


def test_probes_ask_pages_that_need_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    routes = {getattr(route, "path", None) for route in create_app(_settings(monkeypatch)).routes}
    asked = {
        (name, probe["httpGet"]["port"], probe["httpGet"]["path"])
        for name, pod in PODS.items()
        for _, probe in pod.probes()
    }

    assert {path for name, _, path in asked if name == "intake"} == {"/healthz", "/readyz"}
    for name, port, path in asked:
        assert port in PODS[name].ports
        if port == "metrics":
            assert path == "/metrics"
        elif name == "intake":
            assert path in routes
        else:
            assert refusal("GET", path) is None


def test_an_outage_of_a_server_restarts_nothing_and_takes_no_intake_away() -> None:
    for name, pod in PODS.items():
        for kind, probe in pod.probes():
            if probe["httpGet"]["path"] == "/readyz":  # which asks the database and the broker
                assert (name, kind) == ("intake", "startupProbe")
                assert probe["periodSeconds"] * probe["failureThreshold"] >= 1800


@POD
def test_pods_run_as_the_user_of_the_image_with_nothing_to_write_to_and_no_rights(pod: Pod) -> None:
    (user,) = re.findall(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    own, container = pod.spec["securityContext"], pod.container["securityContext"]

    assert own["runAsNonRoot"] is True
    assert own["runAsUser"] == own["runAsGroup"] == own["fsGroup"] == int(user)
    assert own["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["readOnlyRootFilesystem"] is True
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert [one["mountPath"] for one in pod.container["volumeMounts"]] == ["/tmp"]
    assert all(one["emptyDir"]["sizeLimit"] for one in pod.spec["volumes"])
    assert pod.spec["automountServiceAccountToken"] is False
    assert pod.spec["serviceAccountName"] in {one["metadata"]["name"] for one in of_kind("ServiceAccount")}


@POD
def test_no_service_sets_variables_of_a_pod(pod: Pod) -> None:
    # A Service `flower` would set FLOWER_PORT=tcp://…, one `willcall-intake` WILLCALL_INTAKE_PORT.
    assert pod.spec["enableServiceLinks"] is False


@POD
def test_memory_is_bounded_and_the_processor_is_not(pod: Pod) -> None:
    resources = pod.container["resources"]

    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}  # a bound of the processor would hold up a batch's locks


def test_pods_get_the_time_that_the_processes_take_to_end() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    (graceful,) = re.findall(r"^_GRACEFUL_SECONDS = (\d+)$", (ROOT / "intake/server.py").read_text(), re.M)
    seconds = {name: pod.spec.get("terminationGracePeriodSeconds", 30) for name, pod in PODS.items()}
    sleep = PODS["intake"].container["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert compose["worker"]["stop_grace_period"] == "1m"
    assert seconds["worker"] >= 60
    assert seconds["intake"] >= sleep + int(graceful) + 5


def _labels_fit(selector: dict[str, str], pod: Pod) -> bool:
    return selector.items() <= pod.labels.items()


@pytest.mark.parametrize(
    "manifest",
    of_kind("Deployment", "PodDisruptionBudget", "NetworkPolicy", "Service", "PodMonitor"),
    ids=name_of,
)
def test_selectors_find_the_pods_that_they_are_for(manifest: Manifest) -> None:
    kind, name, spec = manifest["kind"], manifest["metadata"]["name"], manifest["spec"]
    selector = spec.get("podSelector") or spec.get("selector")
    if name == "nowhere":
        assert selector is None
        return
    found = {pod.name for pod in PODS.values() if _labels_fit(selector.get("matchLabels", selector), pod)}

    assert found == ({name} if name in PODS else PODS.keys()), f"{kind} {name}"


def test_every_process_that_shares_its_work_keeps_one_pod_in_a_disruption() -> None:
    replicas = {one["metadata"]["name"]: one["spec"]["replicas"] for one in of_kind("Deployment")}
    budgets = {one["metadata"]["name"]: one["spec"] for one in of_kind("PodDisruptionBudget")}

    assert budgets.keys() >= {name for name, count in replicas.items() if count > 1}
    # A budget that lets nothing go would keep a node from being emptied for ever.
    assert all(budget["maxUnavailable"] == 1 for budget in budgets.values())


def test_there_is_one_beat_and_never_two_of_different_versions() -> None:
    (beat,) = [one for one in of_kind("Deployment") if one["metadata"]["name"] == "beat"]

    assert beat["spec"]["replicas"] == 1
    assert beat["spec"]["strategy"] == {"type": "Recreate"}


def test_no_policy_lets_anybody_call_what_is_not_opened() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind("NetworkPolicy")}

    assert set(policies["willcall"]["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in policies["willcall"]
    opened = {
        (name, port["port"])
        for name, policy in policies.items()
        for rule in policy.get("ingress", ())
        if rule["from"]
        for port in rule["ports"]
    }
    assert opened == {("intake", "http"), ("metrics", "metrics")}
