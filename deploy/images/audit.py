#!/usr/bin/env python3
"""Known vulnerabilities of pinned packages, by a database of advisories on this machine: where no audit service is reached.

    python deploy/images/audit.py DATABASE FILE...      FILE: a lock, or an image's bill of materials (sbom.cdx.json)
    python deploy/images/audit.py osv.zip requirements.lock --ignore PYSEC-2026-1

DATABASE is a folder or a zip of records in the form of https://ossf.github.io/osv-schema/, as YAML or JSON, such as the Python Packaging Advisory Database
(`git archive --format=zip -o osv.zip HEAD vulns`) or OSV's own `PyPI/all.zip`. Status 0: nothing known; 1: something is; 2: the database or a file can't be used.
An answer is as new as its newest record, which is printed: what was found out later is not in it.
"""

import argparse
import functools
import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

SUFFIXES = (".yaml", ".yml", ".json")
MODIFIED = re.compile(r"^modified: *[\"']?(\d{4}-\d\d-\d\d)", re.MULTILINE)
PACKAGE_LINE = re.compile(r"\bname: *[\"']?([\w.-]+)")
YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""C's, where PyYAML has it: ten times as fast."""


class NotUsableError(Exception):
    """A database or a file that no answer can be built on."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A package and what is known of it.

    Attributes
    ----------
    fixed
        The lowest later version without the fault; None where no record says one.
    judged
        Whether the versions of the record could be read; where not, a person must.
    """

    package: str
    version: str
    ids: tuple[str, ...]
    fixed: str | None
    summary: str
    judged: bool = True


@dataclass(frozen=True, kw_only=True)
class Database:
    """Records by normalised name of the package, and when the newest was changed."""

    records: dict[str, list[dict[str, Any]]]
    size: int
    newest: date


def pins(path: Path) -> set[tuple[str, str]]:
    """Name and version of each package of a lock or of a bill of materials in CycloneDX."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        parts = re.findall(
            r"pkg:pypi/([\w.-]+)@([\w.!+-]+)", " ".join(one.get("purl", "") for one in json.loads(text).get("components", ()))
        )
    else:
        parts = re.findall(r"^([A-Za-z0-9][\w.-]*)==([\w.!+]+)", text, re.MULTILINE)
    if not parts:
        raise NotUsableError(
            f"{path} names no package: give a lock with pins (name==version), or a bill of materials of CycloneDX as .json"
        )
    return {(canonicalize_name(name), version) for name, version in parts}


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix in SUFFIXES:
                yield str(file), file.read_text(encoding="utf-8")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as whole:
            for name in sorted(whole.namelist()):
                if name.endswith(SUFFIXES):
                    yield name, whole.read(name).decode("utf-8")
    else:
        raise NotUsableError(f"{path} is neither a folder nor a zip of records of OSV")


def database(path: Path, asked: set[str]) -> Database:
    """The records of packages that are asked for, withdrawn ones left out; of others only that they are there, and their time."""
    found: dict[str, list[dict[str, Any]]] = {}
    size, newest, today = 0, date.min, datetime.now(UTC).date()
    for name, text in _texts(path):
        record = _record(name, text, asked)
        if not {"modified", "affected"} <= set(record):
            continue  # a file beside the records
        at = date.fromisoformat(str(record["modified"])[:10])
        size, newest = size + 1, max(newest, at if at <= today else date.min)  # there are records of next year
        for package in set() if record.get("withdrawn") else packages(record) & asked:
            found.setdefault(package, []).append(record)
    if not size:
        raise NotUsableError(f"{path} has no record of OSV (files {', '.join(SUFFIXES)} with `modified` and `affected`)")
    return Database(records=found, size=size, newest=newest)


def _record(name: str, text: str, asked: set[str]) -> dict[str, Any]:
    """What a file says; of YAML, which is slow to read, only its time where it plainly names no package that is asked for."""
    changed = None if name.endswith(".json") else MODIFIED.search(text)
    if changed and not asked & {canonicalize_name(one) for one in PACKAGE_LINE.findall(text)}:
        return {"modified": changed[1], "affected": []}
    try:
        read = json.loads(text) if name.endswith(".json") else yaml.load(text, YAML_LOADER)  # noqa: S506 - one of the two safe loaders
    except (ValueError, yaml.YAMLError) as error:
        raise NotUsableError(f"{name} can't be read: {error}") from error
    return read if isinstance(read, dict) else {}


def packages(record: dict[str, Any]) -> set[str]:
    """Those of PyPI that a record tells of."""
    named = [one.get("package", {}) for one in record.get("affected", ())]
    return {canonicalize_name(one["name"]) for one in named if one.get("ecosystem") == "PyPI"}


@functools.cache
def _version(text: str) -> Version:
    return Version("0.dev0" if text == "0" else text)  # OSV's 0 is before every version


def in_range(version: Version, events: Iterable[dict[str, str]]) -> tuple[bool, list[Version]]:
    """Whether a range of events has the version, and where it is fixed after it; an event that is no version raises InvalidVersion.

    Examples
    --------
    >>> in_range(Version("1.5"), [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "1.4"}, {"fixed": "1.6"}])
    (True, [<Version('1.6')>])
    >>> in_range(Version("1.6"), [{"introduced": "1.4"}, {"last_affected": "1.5"}])
    (False, [])
    """
    inside, fixes = False, []
    # at one version: what ends before what begins, as the specification sorts them
    order = {"fixed": 0, "introduced": 1, "last_affected": 2}
    pairs = [(_version(at), order[kind], kind) for event in events for kind, at in event.items() if kind in order]
    for at, _, kind in sorted(pairs):
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
        elif kind == "fixed":
            fixes.append(at)
    return inside, fixes if inside else []


def judge(package: str, version: str, record: dict[str, Any]) -> Finding | None:
    """What a record says of a version: by the versions that it lists, and by its ranges.

    A range with an end that is no version of Python's (`2.6.0-cu124`) says nothing; then the list decides, and where there is none, a person must.
    """
    here = Version(version)
    hit, unread, fixes = False, False, list[Version]()
    for affected in record["affected"]:
        if affected.get("package", {}).get("ecosystem") != "PyPI" or canonicalize_name(affected["package"]["name"]) != package:
            continue
        listed = [str(one) for one in affected.get("versions") or ()]
        hit = hit or version in listed or any(_same(here, one) for one in listed)
        for one in affected.get("ranges") or ():
            if one["type"] != "ECOSYSTEM":
                continue
            try:
                inside, later = in_range(here, [{kind: str(at) for kind, at in event.items()} for event in one["events"]])
            except InvalidVersion:
                unread = unread or not listed
                continue
            hit = hit or inside
            fixes += later
    if not hit and not unread:
        return None
    said = record.get("summary") or record.get("details") or ""
    return Finding(
        package=package,
        version=version,
        ids=(record["id"], *record.get("aliases", ())),
        fixed=str(min(fixes)) if fixes else None,
        summary=" ".join(said.split())[:160],
        judged=hit,
    )


def _same(version: Version, text: str) -> bool:
    try:
        return version == Version(text)
    except InvalidVersion:
        return False


def audit(pinned: Iterable[tuple[str, str]], known: Database) -> list[Finding]:
    """One finding a package and fault: records of two databases that name each other as aliases are one."""
    found: list[Finding] = []
    for package, version in sorted(pinned):
        of_package: list[Finding] = []
        for record in sorted(known.records.get(package, ()), key=lambda one: one["id"]):
            finding = judge(package, version, record)
            if finding and not any(set(finding.ids) & set(other.ids) for other in of_package):
                of_package.append(finding)
        found += of_package
    return found


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument(
        "--ignore", action="append", default=[], help="an id or alias that was looked at and does not concern this use; repeatable"
    )
    asked = parser.parse_args(arguments)
    try:
        pinned = set().union(*map(pins, asked.files))
        known = database(asked.database, {package for package, _ in pinned})
    except (NotUsableError, OSError, ValueError) as error:
        sys.stderr.write(f"audit.py: {error}\n")
        return 2
    found = audit(pinned, known)
    told = [one for one in found if not set(one.ids) & set(asked.ignore)]
    for one in told:
        fixed = f"fixed in {one.fixed}" if one.fixed else "no fixed version is named"
        doubt = "" if one.judged else " (its versions can't be read: look yourself)"
        sys.stdout.write(
            f"{one.package} {one.version}  {one.ids[0]} ({', '.join(one.ids[1:]) or 'no alias'})  {fixed}{doubt}\n    {one.summary}\n"
        )
    age = (datetime.now(UTC).date() - known.newest).days
    sys.stderr.write(
        f"{len(pinned)} packages, {len(known.records)} of them with records; {len(told)} found, {len(found) - len(told)} ignored. "
        f"{known.size} records, the newest of {known.newest}: {age} days old\n"
    )
    return bool(told)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
