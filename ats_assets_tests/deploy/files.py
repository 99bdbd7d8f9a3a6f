"""The files of `deploy/`, read."""

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = ("production", "single-node")
APPLICATIONS = {"code", "webserver", "daemon", "desk", "api", "exporter", "bots", "backup"}
"""What this project runs, under one name in Compose and in Kubernetes."""
STORES = {"postgres", "valkey"}


def compose(name: str) -> dict[str, Any]:
    """A Compose file, with its anchors resolved."""
    return yaml.safe_load((DEPLOY / "compose" / f"{name}.yaml").read_text(encoding="utf-8"))


def overlay(name: str) -> list[dict[str, Any]]:
    """What `kubectl apply -k` would send; needs kubectl, which asks no cluster for it."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl here")
    built = subprocess.run([kubectl, "kustomize", KUBERNETES / "overlays" / name], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "Warning" not in built.stderr
    return [one for one in yaml.safe_load_all(built.stdout) if one]


def written() -> list[dict[str, Any]]:
    """The objects of the base, as they are written."""
    files = sorted((KUBERNETES / "base").glob("*.yaml"))
    return [one for file in files if file.name != "kustomization.yaml" for one in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def pod_of(thing: dict[str, Any]) -> dict[str, Any] | None:
    """The pod that an object makes; None where it makes none."""
    spec = thing.get("spec", {})
    if thing["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec.get("template", {}).get("spec")


def script(name: str) -> ModuleType:
    """A program of `deploy/images/`, as a module."""
    spec = importlib.util.spec_from_file_location(f"images_{name}", DEPLOY / "images" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
