"""What the parts for KEDA, the Prometheus Operator and a proxy say, against what Willcall is."""

import re

from tests.deploy.manifests import PODS, of_kind
from willcall.queues import DEAD_QUEUE, order_queues, queues
from worker.runtime.settings import Settings

AMQP = "amqp://localhost"


def _trigger() -> dict[str, str]:
    (scaled,) = of_kind("ScaledObject")
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["type"] == "rabbitmq"
    metadata: dict[str, str] = trigger["metadata"]
    return metadata


def test_workers_are_counted_by_all_queues_of_orders_and_by_no_other() -> None:
    pattern = re.compile(_trigger()["queueName"])
    others = {queue.name for queue in queues(AMQP)} - {"orders"} | {DEAD_QUEUE.name}

    # RabbitMQ searches: without ^ and $ `orders` would find `orders.dead` too.
    assert all(pattern.search(name) for name in order_queues(AMQP))
    assert not any(pattern.search(name) for name in others)


def test_the_depths_of_all_queues_are_added_up() -> None:
    trigger = _trigger()

    # AMQP asks for one queue by its name, the management's HTTP for all that match.
    assert trigger["protocol"] == "http"
    assert trigger["useRegex"] == "true"
    assert trigger["operation"] == "sum"
    assert int(trigger["pageSize"]) >= len(order_queues(AMQP))
    assert trigger["mode"] == "QueueLength"
    assert all(isinstance(value, str) for value in trigger.values())


def test_scaling_is_of_the_workers_and_never_to_none() -> None:
    (scaled,) = of_kind("ScaledObject")
    (access,) = of_kind("TriggerAuthentication")

    assert scaled["apiVersion"] == access["apiVersion"] == "keda.sh/v1alpha1"
    assert scaled["spec"]["scaleTargetRef"] == {"kind": "Deployment", "name": "worker"}
    assert 2 <= scaled["spec"]["minReplicaCount"] < scaled["spec"]["maxReplicaCount"]
    assert scaled["spec"]["triggers"][0]["authenticationRef"] == {"name": access["metadata"]["name"]}
    (secret,) = access["spec"]["secretTargetRef"]
    assert secret == {"parameter": "host", "name": "willcall-rabbitmq-management", "key": "host"}


def test_prometheus_asks_the_port_that_the_pods_have() -> None:
    (monitor,) = of_kind("PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]

    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert endpoint["path"] == "/metrics"
    assert {name for name, pod in PODS.items() if endpoint["port"] in pod.ports} == {
        "intake",
        "worker",
        "relay",
        "documents",
        "beat",
    }


def test_the_proxy_refuses_before_the_intake_does_and_waits_longer() -> None:
    (ingress,) = of_kind("Ingress")
    words = ingress["metadata"]["annotations"]
    settings = Settings()

    assert words["nginx.org/client-max-body-size"] == "1m"
    assert settings.max_body_bytes >= 1024 * 1024
    assert int(words["nginx.org/proxy-read-timeout"].removesuffix("s")) >= 60  # Prefer: wait=30


def test_only_the_intake_is_public_and_its_readiness_is_not() -> None:
    (ingress,) = of_kind("Ingress")
    services = {one["metadata"]["name"]: one["spec"] for one in of_kind("Service")}
    (rule,) = ingress["spec"]["rules"]
    led = {
        path["path"]: (path["pathType"], path["backend"]["service"]["name"]) for path in rule["http"]["paths"]
    }

    assert led == {"/": ("Prefix", "intake"), "/readyz": ("Exact", "nowhere")}
    assert "selector" not in services["nowhere"]
    assert [rule["host"]] == ingress["spec"]["tls"][0]["hosts"]
    for path in rule["http"]["paths"]:
        backend = path["backend"]["service"]
        assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["ports"]}
