"""What a result comes from: the versions of settings and code of everything upstream, as the stored partitions name them.

It is found from what was made, not from the settings of today, so that a family of features or a strategy of one's own counts as well. Deliveries do not: other data under the same settings
is no other trial.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.errors import CorruptPartitionError, MissingPartitionError
from ats_assets.storage.footer import Upstream
from ats_assets.storage.vintages import DELIVERED
from ats_assets.trials.trial_ledger import TrialLedger

FOLDER = "trials"


def ledger_of(deployment: Deployment) -> TrialLedger:
    """The ledger of a deployment, in its data folder: one for each kind of source, since what was tried on a synthetic market was not tried on a real one."""
    storage = deployment.settings.storage
    return TrialLedger(storage.data / FOLDER / deployment.settings.source.kind, fsync=storage.fsync)


def copy_ledger(deployment: Deployment, other: Deployment) -> None:
    """Copy the ledger to a deployment that is to show the same number of trials."""
    source = ledger_of(deployment).folder
    if source.is_dir():
        shutil.copytree(source, ledger_of(other).folder, dirs_exist_ok=True)


def behind(deployment: Deployment, upstream: Upstream) -> dict[str, str]:
    """Asset -> the versions of its code and settings, of all that is named in `upstream` and of all upstream of that; of each the newest session that was read."""
    found: dict[str, str] = {}
    waiting = _newest(upstream)
    while waiting:
        asset, session = waiting.pop()
        if asset in found or asset in DELIVERED:
            continue
        try:
            code, settings, further = _made_by(deployment, asset, session)
        except (MissingPartitionError, CorruptPartitionError):  # no reason to fail what only wants to be told of
            continue
        found[asset] = made_by(code, settings)
        waiting += _newest(further)
    return found


def made_by(code: str, settings: str) -> str:
    """The versions of the code and the settings that made something, as one text."""
    return f"{code} {settings}"


def digest_of(versions: Mapping[str, str]) -> str:
    """SHA-256 of versions by the names of what has them.

    Examples
    --------
    >>> digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})
    True
    """
    return hashlib.sha256(json.dumps(dict(versions), sort_keys=True).encode()).hexdigest()


def made_of_models(deployment: Deployment, session: date, names: Iterable[str]) -> tuple[str, ...]:
    """The digests of the models that are active at a session, as those of their fits; what has none is left out."""
    found = {digest_of(versions) for name in names if (versions := behind(deployment, {name: {session.isoformat(): ""}}))}
    return tuple(sorted(found))


def _newest(upstream: Upstream) -> list[tuple[str, date]]:
    """Of each asset that was read by session the newest, the last name first, so that what is waiting is taken in one order."""
    sessions = {asset: [day for day in map(_day, versions) if day is not None] for asset, versions in upstream.items()}
    return sorted(((asset, max(days)) for asset, days in sessions.items() if days), reverse=True)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _made_by(deployment: Deployment, asset: str, session: date) -> tuple[str, str, Upstream]:
    """The versions of code and settings of a partition, and what was read for it; of a model those of the fit."""
    if asset not in deployment.models:
        footer = deployment.warehouse.footer(asset, session)
        return footer.code_version, footer.settings_version, footer.upstream
    store = deployment.model_store(asset)
    record = store.active(session)
    return record.versions.get("code", ""), record.versions.get("settings", ""), store.upstream(record)
