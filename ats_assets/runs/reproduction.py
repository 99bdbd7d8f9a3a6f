"""Partitions, or a backtest, rebuilt in an empty folder from the raw vintages, and compared byte for byte."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ats_assets.automation.lineage_rules import rules_of
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, how_many
from ats_assets.lineage import LineageIndex, LineageRules, contiguous
from ats_assets.lineage.closure import Closure, closure
from ats_assets.lineage.rebuilding import Comparison, compare_files, copy_vintages, empty_world
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets.runs.planned_runs import PlannedRun
from ats_assets.runs.run_progress import RunProgress
from ats_assets.runs.runner import HISTORY, REPORTS, Outcome, Runner
from ats_assets.runs.writing import say
from ats_assets.storage.vintages import DELIVERED
from ats_assets.trials import copy_ledger

CHUNK = 126
"""Sessions in one Dagster run."""


@dataclass(frozen=True, kw_only=True)
class Reproduced:
    """What was rebuilt, how it compares, and what has changed since (see `Closure.changed`)."""

    files: Comparison
    changed: tuple[str, ...]


def reproduced(deployment: Deployment, asset: str, sessions: Sequence[date], folder: Path) -> Reproduced:
    """Rebuild partitions, or (no sessions) an asset without partitions, and everything upstream under `folder`, and compare.

    Raises
    ------
    AtsError
        If something of it is missing or damaged, or can't be made.
    """
    world = empty_world(deployment, folder)
    definitions = build(deployment)
    rules = rules_of(deployment, definitions.resolve_asset_graph())
    _require(rules, asset, sessions)
    index = LineageIndex(deployment)
    index.refresh()
    behind = closure(deployment, rules, index.entries(), asset, sessions)
    copy_vintages(deployment, world, behind.vintages)
    if not sessions:
        copy_ledger(deployment, world)  # a report says how much was tried
    parts = _parts(rules, behind, deployment)
    for change in behind.changed:
        say(f"ats reproduce: {change}")
    world.asked_sessions = tuple(day for part in parts for day in part.sessions)
    made = sum(len(days) for name, days in behind.wanted.items() if name not in DELIVERED)
    say(
        f"{how_many(made, 'partition is', 'partitions are')} rebuilt from {how_many(len(behind.vintages), 'delivery', 'deliveries')}, in {how_many(len(parts), 'run')}"
    )
    with listed_instance() as instance, RunProgress(sum(len(part.sessions) for part in parts)) as progress:
        outcome = Outcome.of([], [])
        Runner(world, build(world), instance, checks=False).run(parts, outcome, progress)
    if outcome.interrupted:
        raise KeyboardInterrupt
    if outcome.messages:
        raise AtsError("; ".join(outcome.messages))
    return Reproduced(files=compare_files(deployment, world, behind.wanted, behind.compared), changed=behind.changed)


def _require(rules: LineageRules, asset: str, sessions: Sequence[date]) -> None:
    choices = ", ".join(rule.asset for rule in rules if rule.asset not in DELIVERED)
    if asset in DELIVERED:
        raise AtsError(f"{asset} is a delivery, which has no upstream; ats doctor --deep verifies it. Choose one of {choices}")
    if asset not in rules:
        raise AtsError(f"there is no asset {asset}: choose one of {choices}")
    if rules[asset].partitioned != bool(sessions):
        raise AtsError(f"{asset} has sessions: name one or more" if rules[asset].partitioned else f"{asset} has no sessions: name none")


def _parts(rules: LineageRules, behind: Closure, deployment: Deployment) -> list[PlannedRun]:
    """The runs: each asset after all that it reads."""
    parts: list[PlannedRun] = []
    for assets in rules.steps():
        days = {day for asset in assets if asset not in DELIVERED for day in behind.wanted.get(asset, ())}
        if "" in days:
            parts.append(PlannedRun(job=REPORTS, assets=assets))
            continue
        runs = contiguous(map(date.fromisoformat, days), deployment.calendar, CHUNK)
        parts += [PlannedRun(job=HISTORY, assets=assets, sessions=tuple(run)) for run in runs]
    return parts
