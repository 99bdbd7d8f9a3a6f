"""What variants share: partitions that the same code makes of the same data by the same settings are made once, and linked.

A partition is a pure function of settings, code and partitions up to its session, so two deployments have the same one where all of these are the same. A signature of an asset
says so: it is the digest of the versions of its code and settings, of the windows that it reads, and of the signatures of what it reads; deliveries also have the source's settings,
the calendar and the kind of knowledge. Equal signatures over the same history are equal bytes.

What a base has stored counts only where nothing of it, or upstream of it, is stale. Files are never changed in place, only replaced, so one file can be in several warehouses.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.lineage import LineageIndex, LineageRules, judge
from ats_assets.lineage.footers import bring
from ats_assets.storage.artefacts import RECORD_FILE
from ats_assets.storage.stored_calendar import calendar_files

Signatures = Mapping[str, str]
"""Asset -> signature."""


@dataclass(frozen=True, kw_only=True)
class Seed:
    """What is made already: a deployment, and the signatures of those of its assets that are as they would be made now."""

    deployment: Deployment
    signatures: Signatures


def signatures(deployment: Deployment, rules: LineageRules) -> dict[str, str]:
    """The signature of each asset of a graph, by its name."""
    settings = deployment.settings
    common = [section.model_dump_json() for section in (settings.source, settings.calendar, settings.knowledge)]
    found: dict[str, str] = {}
    for rule in rules:
        read = [(window.asset, window.back, window.lag, found.get(window.asset, "")) for window in rule.windows]
        made = [rule.asset, rule.code_version, rule.settings_version, rule.refit, read, common if not read else ""]
        found[rule.asset] = hashlib.sha256(json.dumps(made).encode()).hexdigest()
    return found


def sound_signatures(deployment: Deployment, rules: LineageRules) -> dict[str, str]:
    """The signatures of the assets of which nothing stored is stale, nor of anything upstream of them."""
    index = LineageIndex(deployment)
    index.refresh()
    stale = {one.asset for one in judge(deployment, rules, index)}
    for rule in rules:
        if any(window.asset in stale for window in rule.windows):
            stale.add(rule.asset)
    return {asset: found for asset, found in signatures(deployment, rules).items() if asset not in stale}


def share(deployment: Deployment, rules: LineageRules, seeds: Sequence[Seed], sessions: Sequence[date]) -> frozenset[str]:
    """Link the assets that a seed has for all of the sessions, and return their names; those of one step are shared together or not at all.

    Seeds whose history begins elsewhere have other windows, and are passed over.
    """
    mine = signatures(deployment, rules)
    chosen: dict[str, Seed] = {}
    near = [seed for seed in seeds if seed.deployment.warehouse.history_start() == sessions[0]]
    for rule in rules:
        windows = [window for asset in rule.made_with for window in rules[asset].windows]
        if rule.partitioned and all(window.asset in chosen or window.asset in rule.made_with for window in windows):
            seed = next((one for one in near if _has(one, rule.made_with, mine, sessions)), None)
            chosen |= {rule.asset: seed} if seed else {}
    for seed in {id(seed): seed for seed in chosen.values()}.values():
        root = seed.deployment.warehouse.root
        seed.deployment.warehouse.root_folder.at_hand(calendar_files(seed.deployment.warehouse))
        for file in calendar_files(seed.deployment.warehouse):
            _link(file, deployment.warehouse.root / file.relative_to(root))
    for asset, seed in chosen.items():
        for session in sessions:
            _link_partition(seed.deployment, deployment, asset, session)
    return frozenset(chosen)


def _has(seed: Seed, assets: Sequence[str], wanted: Signatures, sessions: Sequence[date]) -> bool:
    if any(seed.signatures.get(asset) != wanted[asset] for asset in assets):
        return False
    return all(set(sessions) <= set(_stored(seed.deployment, asset)) for asset in assets)


def _stored(deployment: Deployment, asset: str) -> list[date]:
    of_models = asset in deployment.models
    return deployment.model_store(asset).stored_sessions() if of_models else deployment.warehouse.stored_sessions(asset)


def _link_partition(seed: Deployment, own: Deployment, asset: str, session: date) -> None:
    if asset in own.models:
        source, target = (one.model_store(asset).folder(session) for one in (seed, own))
    else:
        source, target = (one.warehouse.folder(asset, session) for one in (seed, own))
    names = [path.name for path in source.iterdir() if not path.name.startswith(".")]
    bring(seed, asset, [source / name for name in names])
    for name in sorted(names, key=lambda name: name == RECORD_FILE):  # a model's record comes last: with it the model is there
        _link(source / name, target / name)


def _link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the file system has no such thing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        try:
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:
            partial = target.with_name(f".{target.name}.part")
            shutil.copyfile(source, partial)
            partial.replace(target)
