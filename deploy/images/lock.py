#!/usr/bin/env python3
"""Cuts the locks of the images out of requirements.lock: the same pins and hashes, of fewer packages.

    python deploy/images/lock.py            in the project's environment, after `python3 dev.py lock`
    python deploy/images/lock.py --check    says whether they are those of requirements.lock; status 1 if not
    python deploy/images/lock.py --cluster  asks the index for what cluster.in names, beside the pins of requirements.lock

What a package depends on is read from what is installed, so that nothing but --cluster asks an index.
"""

import importlib.metadata
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
EXTRAS = (
    *("api", "bots", "celery", "docker", "kubernetes", "metrics", "payments", "pdf", "postgresql"),
    *("redis", "regimes", "shap", "tuning", "xgboost"),
)
"""Of pyproject.toml, in the image for training."""
HEAD = "# Made by deploy/images/lock.py out of requirements.lock: do not edit.\n"


def entries(text: str) -> dict[str, str]:
    """The lines of each package of a lock, by its normalised name."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines(keepends=True):
        if match := re.match(r"([A-Za-z0-9][\w.-]*)==", line):
            name = canonicalize_name(match[1])
            found.setdefault(name, [])  # twice where versions differ by Python
        if name and not line.startswith("#"):
            found[name].append(line)
    return {name: "".join(lines) for name, lines in found.items()}


def wanted_for_inference() -> tuple[list[Requirement], set[str]]:
    """What `inference.in` names, and what it leaves out."""
    lines = [line.partition("#")[0].strip() for line in (FOLDER / "inference.in").read_text(encoding="utf-8").splitlines()]
    out = {canonicalize_name(line[1:].strip()) for line in lines if line.startswith("!")}
    return [Requirement(line) for line in lines if line and not line.startswith("!")], out


def wanted_for_training() -> list[Requirement]:
    """What pyproject.toml depends on, with the extras of the image."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [Requirement(line) for line in [*project["dependencies"], *(line for extra in EXTRAS for line in extras[extra])]]


def closure(roots: Iterable[Requirement], without: Iterable[str] = ()) -> set[str]:
    """The names of all packages that these need here, with what they need."""
    left_out, seen = set(without), set[tuple[str, frozenset[str]]]()
    pending = list(roots)
    while pending:
        asked = pending.pop()
        name, key = canonicalize_name(asked.name), (canonicalize_name(asked.name), frozenset(asked.extras))
        if name in left_out or key in seen:
            continue
        seen.add(key)
        pending += _needs(asked)
    return {name for name, _ in seen}


def _needs(asked: Requirement) -> Iterator[Requirement]:
    for line in importlib.metadata.requires(asked.name) or ():
        needed = Requirement(line)
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in (*asked.extras, "")):
            yield needed


def lock_text(names: Iterable[str], locked: dict[str, str]) -> str:
    """The lines of these packages; one that is not locked is an error."""
    missing = sorted(set(names) - locked.keys())
    if missing:
        sys.exit(f"lock.py: requirements.lock does not have {', '.join(missing)}: python3 dev.py lock")
    return HEAD + "".join(locked[name] for name in sorted(names))


def write_cluster_lock(locked: dict[str, str]) -> None:
    """Pin and hash what `cluster.in` needs that the image for training does not have."""
    with tempfile.TemporaryDirectory() as scratch:
        constraints, made = Path(scratch) / "constraints.txt", Path(scratch) / "cluster.lock"
        pins = [line.partition(" \\")[0] for lines in locked.values() for line in lines.splitlines() if "==" in line]
        constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
        what = [
            "uv",
            "pip",
            "compile",
            str(FOLDER / "cluster.in"),
            "-c",
            str(constraints),
            "--python-platform",
            "linux",
            "--python-version",
            "3.11",
        ]
        form = ["--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header", "-q", "-o", str(made)]
        subprocess.run([*what, *form], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        found = entries(made.read_text(encoding="utf-8"))
    there = closure(wanted_for_training())
    lines = [found[name] for name in sorted(found.keys() - there)]
    (FOLDER / "requirements-cluster.lock").write_text(HEAD.replace("out of", "beside") + "".join(lines), encoding="utf-8")
    sys.stderr.write(f"deploy/images/requirements-cluster.lock: {len(lines)} packages\n")


def main(arguments: list[str]) -> int:
    """Write the locks, or compare them."""
    locked = entries((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    if "--cluster" in arguments:
        write_cluster_lock(locked)
        return 0
    made = {
        "requirements-inference.lock": lock_text(closure(*wanted_for_inference()), locked),
        "requirements-training.lock": lock_text(closure(wanted_for_training()), locked),
        "requirements-build.lock": lock_text({"setuptools"}, locked),
    }
    if "--check" in arguments:
        old = [name for name, text in made.items() if not (FOLDER / name).is_file() or (FOLDER / name).read_text(encoding="utf-8") != text]
        sys.stderr.write("".join(f"deploy/images/{name} is not that of requirements.lock: python deploy/images/lock.py\n" for name in old))
        return bool(old)
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f"deploy/images/{name}: {len(entries(text))} packages\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
