"""The rules of the graph as a file, so that a question about what is stale need not make the graph, which takes seconds.

They are kept under a key of all that they follow from: every source file of the package, the settings, the feature families and plugins of one's own,
the Python version.
Whatever changes any of it changes the key, and the graph is built again; so the file is a cache, and may be deleted.
"""

import contextlib
import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.lineage.rules import AssetRule, LineageRules, PartitionWindow
from ats_assets.storage.atomic_file import replace_file
from ats_assets.storage.versions import DATA

PACKAGE = Path(__file__).resolve().parents[1]


def read_rules(deployment: Deployment) -> LineageRules | None:
    """The rules, if the file holds them for the current code and settings."""
    try:
        stored = json.loads(_file(deployment).read_bytes())
        return LineageRules(map(_rule, stored["rules"])) if stored["key"] == graph_key(deployment) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_rules(deployment: Deployment, rules: LineageRules) -> None:
    """Keep the rules of the current code and settings; if the folder can't be written to, nothing is kept."""
    text = json.dumps({"key": graph_key(deployment), "rules": [asdict(rule) for rule in rules]})
    with contextlib.suppress(OSError, SettingsError):
        replace_file(_file(deployment), lambda file: file.write(text.encode()), fsync=False)


def _file(deployment: Deployment) -> Path:
    return deployment.settings.storage.data / "lineage-rules.json"


def graph_key(deployment: Deployment) -> str:
    """The digest of what the graph follows from: source files, settings, additions of one's own, the Python version."""
    digest = hashlib.sha256(f"{sys.version}\n{deployment.settings.model_dump_json()}\n".encode())
    for root in (PACKAGE, deployment.settings.features.folder, deployment.settings.plugins.folder):
        for file in sorted(root.rglob("*")) if root.is_dir() else ():
            if file.suffix in DATA and "__pycache__" not in file.parts and file.is_file():
                content = file.read_bytes()
                digest.update(f"{file.relative_to(root)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _rule(stored: dict[str, Any]) -> AssetRule:
    windows = tuple(PartitionWindow(**window) for window in stored["windows"])
    lists = {"windows": windows, "made_with": tuple(stored["made_with"]), "begins_with": tuple(stored["begins_with"])}  # as JSON has them
    return AssetRule(**{**stored, **lists})
