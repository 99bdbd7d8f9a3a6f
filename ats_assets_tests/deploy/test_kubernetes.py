"""The manifests of Kubernetes: every container is limited, watched and unprivileged, no secret has a value, and what is named is there."""

import tomllib
from typing import Any

import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type

from ats_assets.settings import load_settings
from ats_assets_tests.deploy.files import APPLICATIONS, DEPLOY, KUBERNETES, OVERLAYS, STORES, compose, overlay, pod_of, written

Thing = dict[str, Any]


def with_pods() -> list[tuple[str, Thing, Thing]]:
    return [(one["kind"], one, pod) for one in written() if (pod := pod_of(one)) is not None]


PODS = {one["metadata"]["name"]: (kind, pod) for kind, one, pod in with_pods()}


def test_what_runs_is_what_compose_runs() -> None:
    assert set(PODS) == APPLICATIONS | STORES


@pytest.mark.parametrize("name", sorted(PODS))
def test_a_pod_is_unprivileged_limited_and_watched(name: str) -> None:
    kind, pod = PODS[name]
    whole = pod["securityContext"]
    assert whole["runAsNonRoot"] is True
    assert whole["runAsUser"] > 0
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is (name in {"webserver", "daemon"})
    for container in pod["containers"]:
        own = container["securityContext"]
        assert own == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        assert set(container["resources"]) == {"requests", "limits"}
        assert set(container["resources"]["limits"]) == {"cpu", "memory"}
        if kind != "CronJob":
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
        assert "env" not in container or not any(
            "password" in str(one.get("value", "")) and "/" not in one["value"] for one in container["env"]
        )
        mounted = {one["name"] for one in container["volumeMounts"]}
        volumes = {one["name"] for one in pod.get("volumes", ())}
        assert mounted <= volumes | {name}  # a store's own is a claim of its set
        assert "tmp" in mounted
        assert any(one["mountPath"] == "/tmp" for one in container["volumeMounts"])


def test_nobody_is_restarted_because_a_store_is_silent() -> None:
    """The exporter was asked for its metrics, which wait for each database in turn."""
    asked = {
        name: container["livenessProbe"]["httpGet"]["path"]
        for name, (_, pod) in PODS.items()
        for container in pod["containers"]
        if "httpGet" in container.get("livenessProbe", ())
    }
    assert asked == {"api": "/health", "exporter": "/health", "postgres": "/", "webserver": "/server_info"}
    assert "9108/health" in str(compose("production")["services"]["exporter"]["healthcheck"])


def secrets_of(pod: Thing) -> set[str]:
    found = set[str]()
    for volume in pod.get("volumes", ()):
        if "secret" in volume:
            found.add(volume["secret"]["secretName"])
        found |= {source["secret"]["name"] for source in volume.get("projected", {}).get("sources", ()) if "secret" in source}
    return found


def test_who_holds_which_secret() -> None:
    held = {name: secrets_of(pod) for name, (_, pod) in PODS.items()}
    trading = {name for name, secrets in held.items() if "trading" in secrets}
    assert trading == {"code", "desk", "backup"}
    assert held["api"] == {"serving"}
    assert held["bots"] == {"bots"}
    examples = [one for one in written() if one["kind"] == "Secret"]
    assert {one["metadata"]["name"] for one in examples} == set().union(*held.values())
    assert not any(value for one in examples for value in one["stringData"].values())


def test_the_bots_see_no_store_and_no_warehouse() -> None:
    _, pod = PODS["bots"]
    assert not any("artefacts" in str(volume) for volume in pod["volumes"])
    (template,) = [one["spec"]["template"] for one in written() if one["metadata"]["name"] == "bots" and one["kind"] == "Deployment"]
    assert set(template["metadata"]["labels"]) == {"app.kubernetes.io/name", "ats/internet", "ats/asks"}


def test_each_pod_of_the_service_has_a_history_of_the_stream_of_its_own() -> None:
    """The claim of the data may be on a network, over which SQLite's log can't be shared."""
    _, pod = PODS["api"]
    (container,) = pod["containers"]
    (folder,) = [one["value"] for one in container["env"] if one["name"] == "ATS_SERVING__STREAM__HISTORY_FOLDER"]
    (name,) = [one["name"] for one in container["volumeMounts"] if one["mountPath"] == folder]
    (volume,) = [one for one in pod["volumes"] if one["name"] == name]
    assert "emptyDir" in volume
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATS_SERVING__STREAM__HISTORY_FOLDER", folder)
        assert str(load_settings().serving.stream.history_folder) == folder


def test_all_traffic_is_denied_but_what_is_named() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in written() if one["kind"] == "NetworkPolicy"}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = {label for one in written() if (pod_of(one)) for label in _template(one)["metadata"]["labels"] if label.startswith("ats/")}
    used = {label for spec in policies.values() for label in spec["podSelector"].get("matchLabels", {}) if label.startswith("ats/")}
    assert labels == used == {"ats/stores", "ats/internet", "ats/asks"}
    private = policies["to-internet"]["egress"][0]["to"][0]["ipBlock"]["except"]
    assert "169.254.0.0/16" in private  # a cloud's metadata


def _template(one: Thing) -> Thing:
    spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
    return spec["template"]


def test_runs_are_jobs_with_what_the_code_location_has() -> None:
    instance = yaml.safe_load((KUBERNETES / "base/config/dagster.yaml").read_text(encoding="utf-8"))
    launcher = instance["run_launcher"]
    assert (launcher["module"], launcher["class"]) == ("dagster_k8s", "K8sRunLauncher")
    run = launcher["config"]["run_k8s_config"]
    assert run["container_config"]["resources"]["limits"]
    assert run["container_config"]["security_context"]["read_only_root_filesystem"] is True
    assert run["pod_spec_config"]["security_context"]["run_as_non_root"] is True
    assert "trading" in str(run["pod_spec_config"]["volumes"])
    _, code = PODS["code"]
    mounted = {(one["name"], one["mountPath"]) for one in code["containers"][0]["volumeMounts"]}
    assert {(one["name"], one["mount_path"]) for one in run["container_config"]["volume_mounts"]} == mounted
    assert {one["name"] for one in run["pod_spec_config"]["volumes"]} == {one["name"] for one in code["volumes"]}
    generated = {one["name"] for one in yaml.safe_load((KUBERNETES / "base/kustomization.yaml").read_text())["configMapGenerator"]}
    assert {launcher["config"]["instance_config_map"], "settings"} <= generated
    with_compose = yaml.safe_load((DEPLOY / "compose/config/dagster.yaml").read_text(encoding="utf-8"))
    assert {name: value for name, value in instance.items() if name != "run_launcher"} == with_compose


def test_dagster_takes_what_is_said_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its library is: a misspelt field is found when the first run is started, else."""
    dagster_k8s = pytest.importorskip("dagster_k8s", reason="dagster-k8s is in the image for training alone")
    monkeypatch.setenv("POD_NAMESPACE", "ats")
    monkeypatch.setenv("ATS_IMAGE", "ats-training:1")
    said = yaml.safe_load((KUBERNETES / "base/config/dagster.yaml").read_text(encoding="utf-8"))["run_launcher"]["config"]
    assert process_config(resolve_to_config_type(dagster_k8s.K8sRunLauncher.config_type()), said).success


def test_settings_are_those_of_compose() -> None:
    for name in ("ats.toml", "bots.toml", "workspace.yaml", "databases.sh"):
        assert (KUBERNETES / "base/config" / name).read_bytes() == (DEPLOY / "compose/config" / name).read_bytes()
    queries = "postgres_queries.yml"  # kustomize reads nothing outside its folder
    assert (KUBERNETES / "base/config" / queries).read_bytes() == (DEPLOY / "prometheus" / queries).read_bytes()


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_is_whole(name: str) -> None:
    things = overlay(name)
    kinds = {(one["kind"], one["metadata"]["name"]) for one in things}
    assert {one["metadata"].get("namespace") for one in things if one["kind"] != "Namespace"} == {"ats"}
    pods = [(one, pod) for one in things if (pod := pod_of(one)) is not None]
    assert {one["metadata"]["name"] for one, _ in pods} == APPLICATIONS | STORES
    for one, pod in pods:
        for volume in pod.get("volumes", ()):
            if "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in kinds
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in kinds
        assert ("ServiceAccount", pod["serviceAccountName"]) in kinds
        assert _template(one)["metadata"]["labels"]["app.kubernetes.io/part-of"] == "ats"
    assert not any(one["kind"] == "Secret" for one in things)
    if name == "production":
        images = {container["image"] for _, pod in pods for container in pod["containers"]}
        (started,) = [one["data"]["training"] for one in things if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "images"]
        assert started in images  # runs are started from what the code location is
        (settings,) = [one["data"]["ats.toml"] for one in things if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "settings"]
        (ingress,) = [one for one in things if one["kind"] == "Ingress"]
        assert set(ingress["spec"]["tls"][0]["hosts"]) < set(tomllib.loads(settings)["serving"]["hosts"])
        assert "webserver" not in str(ingress)
