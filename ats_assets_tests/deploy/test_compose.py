"""The Compose files: ports on this machine alone, secrets as files, limits, health, and who reaches whom."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ats_assets_tests.deploy.files import APPLICATIONS, DEPLOY, STORES, compose

PRODUCTION = compose("production")
DEVELOPMENT = compose("development")
SERVICES = [(name, service) for whole in (PRODUCTION, DEVELOPMENT) for name, service in whole["services"].items()]
SCHEMA = os.environ.get("ATS_COMPOSE_SCHEMA")  # before the tests' own settings hide it
HARDENED = sorted(PRODUCTION["services"].items())


def test_production_runs_all_of_it() -> None:
    assert set(PRODUCTION["services"]) == APPLICATIONS | STORES | {"postgres-exporter", "prometheus", "grafana"}


@pytest.mark.parametrize(("name", "service"), SERVICES)
def test_a_service_is_limited_watched_and_on_this_machine_alone(name: str, service: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert "healthcheck" in service
    assert re.search(r":[\w.$-]+[}\w.]*$", service["image"]), "an image has a version"


@pytest.mark.parametrize(("name", "service"), HARDENED)
def test_in_production_nothing_is_privileged_and_no_secret_is_in_the_environment(name: str, service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].partition(":")[0]) > 0
    assert service["deploy"]["resources"]["limits"]["pids"]
    for variable, value in service.get("environment", {}).items():
        assert not re.search(r"PASSWORD|TOKEN|SECRET|KEY", variable) or variable.endswith("_FILE"), variable
        assert "@" not in value, variable
    for used, declared in (("secrets", "secrets"), ("configs", "configs")):
        for one in service.get(used, ()):
            assert (one if isinstance(one, str) else one["source"]) in PRODUCTION[declared]
    assert set(service["networks"]) <= set(PRODUCTION["networks"])
    for volume in service.get("volumes", ()):
        source = volume.partition(":")[0]
        assert source in PRODUCTION["volumes"] or source.startswith("${") or (DEPLOY / "compose" / source).is_dir()


def test_databases_have_no_way_out_and_bots_no_way_to_them() -> None:
    networks = {name: set(service["networks"]) for name, service in HARDENED}
    outside = {name for name, network in PRODUCTION["networks"].items() if not network.get("internal")}
    assert outside == {"front", "internet"}
    assert all(networks[name] == {"stores"} for name in STORES)
    assert networks["bots"] == {"asking", "internet"}
    assert {name for name, reached in networks.items() if "internet" in reached} == {"code", "desk", "bots"}
    assert not networks["api"] & {"internet", "dagster"}


@pytest.mark.parametrize("whole", [PRODUCTION, DEVELOPMENT], ids=["production", "development"])
def test_what_is_mounted_to_be_written_is_the_users(whole: dict[str, Any]) -> None:
    """Docker gives a new volume the owner of the folder that it covers; where the image had none it was root's, and nothing could be stored. In a checkout that is mounted to be read none can be made."""
    covered = 0
    for name, service in whole["services"].items():
        if name not in APPLICATIONS | {"dagster"}:
            continue
        image = "inference" if "inference" in service["image"] else "training"
        (made,) = re.findall(r"install -d -o ats -g ats (.+)", (DEPLOY / f"images/{image}.Containerfile").read_text(encoding="utf-8"))
        mounts = [volume.removesuffix(":ro").rpartition(":")[::2] for volume in service["volumes"]]
        read_only = [volume.split(":")[-2] for volume in service["volumes"] if volume.endswith(":ro")]
        for source, place in mounts:
            if source in whole["volumes"] or source.startswith("${"):
                covered += 1
                assert place in made.split(), f"{name}: {place}"
            assert not any(place.startswith(f"{one}/") for one in read_only), f"{name}: {place}"
    assert covered > 2


def test_who_holds_which_secret() -> None:
    held = {name: {one if isinstance(one, str) else one["source"] for one in service.get("secrets", ())} for name, service in HARDENED}
    assert {name for name, secrets in held.items() if "trading_env" in secrets} == {"code", "desk", "backup"}
    assert held["api"] == {"serving_env"}
    assert held["bots"] == {"bots_env"}
    readme = (DEPLOY / "compose/secrets/README.md").read_text(encoding="utf-8")
    for secret in PRODUCTION["secrets"].values():
        assert f"`{Path(secret['file']).name}`" in readme
    assert (DEPLOY / "compose/secrets/.gitignore").read_text().splitlines()[0] == "*"


def test_files_that_are_mounted_are_there() -> None:
    for whole in (PRODUCTION, DEVELOPMENT):
        for config in whole.get("configs", {}).values():
            assert (DEPLOY / "compose" / config["file"]).is_file()


def test_prometheus_finds_what_it_watches_under_the_names_of_the_services() -> None:
    """The targets of the checkout are replaced by those of the containers."""
    for name, service in (("exporter", "exporter"), ("service", "api"), ("postgres", "postgres-exporter")):
        assert (DEPLOY / f"prometheus/targets/{name}.yml").is_file()
        (found,) = yaml.safe_load((DEPLOY / f"compose/config/targets/{name}.yml").read_text(encoding="utf-8"))
        host, _, port = found["targets"][0].partition(":")
        assert host == service
        assert port in " ".join(map(str, [*PRODUCTION["services"][host]["healthcheck"]["test"]]))
        assert set(PRODUCTION["services"][host]["networks"]) & set(PRODUCTION["services"]["prometheus"]["networks"])
    assert PRODUCTION["services"]["grafana"]["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"


def test_prometheus_has_a_key_of_the_service_and_else_the_settings_of_the_checkout() -> None:
    """Without one each scrape of the service fails in a container of its own, and AtsServiceGone would fire from the first minute on."""
    there, own = (yaml.safe_load((DEPLOY / name).read_text()) for name in ("prometheus/prometheus.yml", "compose/config/prometheus.yml"))
    (service,) = (job for job in own["scrape_configs"] if job["job_name"] == "ats-service")
    assert service.pop("authorization") == {"credentials_file": "/run/secrets/prometheus_key"}
    assert own == there
    for whole in (PRODUCTION, DEVELOPMENT):
        (config,) = whole["services"]["prometheus"]["configs"]
        assert config == {"source": "prometheus_yml", "target": "/etc/prometheus/prometheus.yml"}
    assert PRODUCTION["services"]["prometheus"]["secrets"] == ["prometheus_key"]
    assert "ats:/run/secrets:ro" in DEVELOPMENT["services"]["prometheus"]["volumes"]
    api = DEVELOPMENT["services"]["api"]
    assert "serve key add prometheus --role read > /var/lib/ats/prometheus_key" in api["command"][-1]
    assert "ats:/var/lib/ats" in api["volumes"]
    assert json.loads(api["environment"]["ATS_SERVING__HOSTS"]) == ["api"]


def test_compose_takes_the_files() -> None:
    """By Compose's own schema, where ATS_COMPOSE_SCHEMA names it (compose-spec.json of the specification); the workflow asks Compose itself."""
    if not SCHEMA:
        pytest.skip("ATS_COMPOSE_SCHEMA does not name compose-spec.json")
    schema = jsonschema.Draft7Validator(json.loads(Path(SCHEMA).read_text(encoding="utf-8")))
    for whole in (PRODUCTION, DEVELOPMENT):
        assert [error.message for error in schema.iter_errors(whole)] == []
