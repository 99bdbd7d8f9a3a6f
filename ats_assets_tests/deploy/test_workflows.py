"""The workflows of GitHub Actions: versions, rights, limits, and nothing that a pull request can put into a shell."""

import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from ats_assets_tests.deploy.files import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yaml"))
SET_BY_US = {"github.sha", "github.token", "github.actor", "github.ref", "github.workflow"}


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{path.stem}.{name}", job) for path in FILES for name, job in read(path)["jobs"].items()]


def test_there_is_one_for_each_purpose() -> None:
    assert [path.stem for path in FILES] == ["benchmarks", "checks", "images", "release"]
    assert all(read(path)["permissions"] == {"contents": "read"} for path in FILES)
    assert [path.stem for path in FILES if "tags" in (read(path)[True].get("push") or {})] == ["release"]  # YAML takes `on` for True


@pytest.mark.parametrize(("name", "job"), jobs(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_job_is_pinned_and_limited(name: str, job: dict[str, Any]) -> None:
    assert job["timeout-minutes"] <= 120
    assert re.fullmatch(r"ubuntu-\d+\.\d+", job["runs-on"])
    for step in job["steps"]:
        if "uses" in step:
            assert re.fullmatch(r"[\w/-]+@v\d+(\.\d+)*", step["uses"]), step["uses"]
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"] == {"persist-credentials": False}
        for expression in re.findall(r"\$\{\{\s*(.*?)\s*\}\}", step.get("run", "")):
            assert expression in SET_BY_US or expression.startswith(("matrix.", "vars.", "steps.")), expression
    assert set(job.get("permissions", {})) == set() or name.startswith("release.")


def test_no_workflow_names_an_index_or_holds_a_secret() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert "index-url" not in text
        assert set(re.findall(r"secrets\.(\w+)", text)) <= {"IMAGE_REGISTRY_PASSWORD"}


def test_what_is_run_is_there() -> None:
    for path in FILES:
        for name in re.findall(r"(?:python3?|run:) ([\w/]+\.py|\.ci/run)", path.read_text(encoding="utf-8")):
            assert (ROOT / name).is_file(), name
    (names,) = re.findall(r"for name in ([\w ]+); do\n\s+timeout", (ROOT / ".github/workflows/benchmarks.yaml").read_text())
    assert all((ROOT / "benchmarks" / f"{name}.py").is_file() for name in names.split())


CI = (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_what_tests_ask_for_is_installed_where_its_absence_fails_them() -> None:
    """A test that is skipped without a server names Debian's packages; continuous integration says that they must be there."""
    asked = [
        re.findall(r"apt-get install ([a-z -]+)\)", path.read_text(encoding="utf-8")) for path in (ROOT / "ats_assets_tests").rglob("*.py")
    ]
    packages = {name for found in asked for names in found for name in names.split()}
    assert {"postgresql", "redis-server", "prometheus"} <= packages
    installed = {name for line in re.findall(r"\binstall ([a-z0-9 -]+)", CI) for name in line.split()}
    assert packages <= installed


@pytest.mark.parametrize(
    ("beside", "stage", "passes"),
    [("true", "true", True), ("false", "sleep 0.2", False), ("sleep 300 & sleep 300", "sleep 0.5; false", False)],
    ids=["both pass", "what goes on fails", "the stage fails"],
)
def test_what_goes_on_beside_a_stage_is_told_and_its_failure_counts_and_none_of_it_is_left(
    tmp_path: Path, beside: str, stage: str, passes: bool
) -> None:
    (functions,) = re.findall(r"^own=.*^trap cut_off EXIT$", CI, re.MULTILINE | re.DOTALL)
    script = f"set -euo pipefail\n{functions}\nbeside() {{ echo told; {beside}; echo on; }}\nbegin beside\necho $begun >&2\n{stage}\nfinish\necho all"
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    ended = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode == 0, ended.stdout.split()) == (passes, ["told", "on", "all"] if passes else ["told"]), ended.stderr
    assert list(tmp_path.iterdir()) == []
    deadline = time.monotonic() + 10
    while members(int(ended.stderr.split()[0])):
        assert time.monotonic() < deadline


def members(group: int) -> list[str]:
    """The processes of a group that run."""
    stats = [path.read_text().rpartition(")")[2].split() for path in Path("/proc").glob("[0-9]*/stat") if path.exists()]
    return [stat[0] for stat in stats if int(stat[2]) == group and stat[0] != "Z"]
