"""The manifests of deploy/kubernetes, read for the tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "deploy/kubernetes"
KUSTOMIZATIONS = sorted(FOLDER.glob("*/kustomization.yaml"))

Manifest = dict[str, Any]


def read(path: Path) -> list[Manifest]:
    """Return the manifests of a file."""
    return list(yaml.safe_load_all(path.read_text()))


MANIFESTS: list[Manifest] = [
    manifest
    for path in sorted(FOLDER.glob("*/*.yaml"))
    if path.name != "kustomization.yaml"
    for manifest in read(path)
]


def of_kind(*kinds: str) -> list[Manifest]:
    """Return the manifests of these kinds."""
    return [manifest for manifest in MANIFESTS if manifest["kind"] in kinds]


def name_of(manifest: Manifest) -> str:
    """Return what a test calls the manifest."""
    return f"{manifest['kind']}-{manifest['metadata']['name']}"


def settings_file() -> dict[str, str]:
    """Return the variables that all pods get, as kustomize reads them."""
    lines = (FOLDER / "settings/willcall.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


@dataclass(frozen=True)
class Pod:
    """The pods of one process."""

    name: str
    labels: dict[str, str]
    spec: dict[str, Any]

    @property
    def container(self) -> dict[str, Any]:
        """Return the only container."""
        (found,) = self.spec["containers"]
        assert isinstance(found, dict)
        return found

    @property
    def secrets(self) -> dict[str, tuple[str, str]]:
        """Return the variables that come from secrets: the secret's name and its key."""
        references = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in self.container.get("env", ())}
        return {name: (found["name"], found["key"]) for name, found in references.items()}

    @property
    def ports(self) -> dict[str, int]:
        """Return the ports by their names."""
        return {one["name"]: one["containerPort"] for one in self.container.get("ports", ())}

    def probes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return each probe with its name."""
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            if name in self.container:
                yield name, self.container[name]


def _pod(manifest: Manifest) -> Pod:
    template = manifest["spec"]["template"]
    return Pod(manifest["metadata"]["name"], template["metadata"]["labels"], template["spec"])


PODS = {pod.name: pod for pod in map(_pod, of_kind("Deployment", "Job"))}
