"""What a result comes from: the versions of settings and code of everything upstream, as the assets of the graph declare them.

So a family of features, a strategy or a model of one's own counts as well as a setting. What is delivered does not: other data under the same settings is no other trial.
"""

import hashlib
import json
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ats_assets.deployment import Deployment
from ats_assets.trials.trial_ledger import TrialLedger

FOLDER = "trials"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """An asset of the graph: the versions of what makes it, and the assets that it reads."""

    made_by: str
    reads: tuple[str, ...]


def declared(deployment: Deployment) -> dict[str, Declared]:
    """The assets of the graph by name, each of which declares itself when it is defined; use it as `deployment.of(declared)`."""
    del deployment
    return {}


def declare(deployment: Deployment, name: str, *, code: str, settings: str, reads: Iterable[str]) -> None:
    """Say what makes an asset, and what it reads."""
    deployment.of(declared)[name] = Declared(made_by=f"{code} {settings}", reads=tuple(reads))


def ledger_of(deployment: Deployment) -> TrialLedger:
    """The ledger of a deployment, in its data folder: one for each kind of source, since what was tried on a synthetic market was not tried on a real one."""
    storage = deployment.settings.storage
    return TrialLedger(storage.data / FOLDER / deployment.settings.source.kind, fsync=storage.fsync)


def copy_ledger(deployment: Deployment, other: Deployment) -> None:
    """Copy the ledger to a deployment that is to show the same number of trials."""
    source = ledger_of(deployment).folder
    if source.is_dir():
        shutil.copytree(source, ledger_of(other).folder, dirs_exist_ok=True)


def behind(deployment: Deployment, names: Collection[str]) -> dict[str, str]:
    """Asset -> the versions of its code and settings, of these and of all upstream of them but what is delivered, which reads nothing."""
    assets, found = deployment.of(declared), {}
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name not in found and name in assets and assets[name].reads:
            found[name] = assets[name].made_by
            waiting += assets[name].reads
    return found


def digest_of(versions: Mapping[str, str]) -> str:
    """SHA-256 of versions by the names of what has them.

    Examples
    --------
    >>> digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})
    True
    """
    return hashlib.sha256(json.dumps(dict(versions), sort_keys=True).encode()).hexdigest()
