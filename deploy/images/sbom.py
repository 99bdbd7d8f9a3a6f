#!/usr/bin/env python3
"""Writes the software bill of materials of an image, in CycloneDX 1.5, to standard output: what is installed, by whom it may be used, and the hashes that were accepted.

    python sbom.py --lock requirements-inference.lock --base python:3.11-slim-bookworm@sha256:… --revision 1a2b3c

Status 1 if a package is installed that the lock does not have, or in another version: then the image is not what was reviewed.
"""

import argparse
import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import Any

NOT_IN_THE_LOCK = {"ats-assets", "pip", "setuptools"}
"""The package itself, and what a virtual environment brings; the images take the last two out again."""


def normalised(name: str) -> str:
    """The name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path) -> dict[tuple[str, str], list[str]]:
    """Name and version -> SHA-256 of each file that may be installed."""
    found: dict[tuple[str, str], list[str]] = {}
    pin = ("", "")
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9][\w.-]*)==([\w.!+]+)", line):
            pin = (normalised(match[1]), match[2])
            found[pin] = []
        if pin in found and (digest := re.search(r"--hash=sha256:([0-9a-f]{64})", line)):
            found[pin].append(digest[1])
    return found


def licences(package: importlib.metadata.Distribution) -> list[dict[str, Any]]:
    """As its metadata says: the expression, else the classifiers, else the text where it is a name."""
    said = package.metadata
    if expression := said.get("License-Expression"):
        return [{"expression": expression}]
    names = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or () if line.startswith("License :: ")]
    text = (said.get("License") or "").strip()
    if not names and text and "\n" not in text and len(text) < 80:
        names = [text]
    return [{"license": {"name": name}} for name in names]


def component(package: importlib.metadata.Distribution, digests: list[str]) -> dict[str, Any]:
    """One package."""
    name, version = normalised(package.metadata["Name"]), package.version
    reference = f"pkg:pypi/{name}@{version}"
    made: dict[str, Any] = {"type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference}
    if found := licences(package):
        made["licenses"] = found
    if digests:
        made["properties"] = [{"name": "ats:accepted-sha256", "value": digest} for digest in digests]
    return made


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", type=Path, required=True, action="append")
    parser.add_argument("--base", default="")
    parser.add_argument("--revision", default="")
    asked = parser.parse_args(arguments)
    pins = {pin: digests for lock in asked.lock for pin, digests in locked(lock).items()}
    installed = {normalised(one.metadata["Name"]): one for one in importlib.metadata.distributions()}
    strange = [name for name, one in installed.items() if name not in NOT_IN_THE_LOCK and (name, one.version) not in pins]
    if strange:  # what the lock has and is not installed is for another platform
        sys.stderr.write(f"sbom.py: installed, and not as {', '.join(map(str, asked.lock))} says: {', '.join(sorted(strange))}\n")
        return 1
    own = installed.pop("ats-assets", None)
    root = {"type": "application", "name": "ats-assets", "version": own.version if own else "", "bom-ref": "ats-assets"}
    about = {"ats:base": asked.base, "ats:revision": asked.revision, "ats:python": sys.version.split()[0]}
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": root, "properties": [{"name": name, "value": value} for name, value in about.items() if value]},
        "components": [component(one, pins[name, one.version]) for name, one in sorted(installed.items()) if (name, one.version) in pins],
    }
    sys.stdout.write(json.dumps(bom, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
