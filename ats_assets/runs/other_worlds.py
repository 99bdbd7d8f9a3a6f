"""The strategy made in an empty folder from other knowledge: that before a vendor's restatements, or of the other kind."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.automation.lineage_rules import rules_of
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, how_many
from ats_assets.lineage.effects import effects
from ats_assets.lineage.healing import Healing
from ats_assets.lineage.rebuilding import RAW, copy_vintages, empty_world
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets.reports.comparison import KnowledgeComparison, knowledge_figures, store_comparison
from ats_assets.runs.run_progress import RunProgress
from ats_assets.runs.runner import Outcome, Runner
from ats_assets.runs.selection import chosen_assets
from ats_assets.runs.writing import say
from ats_assets.storage.vintages import DELIVERED

CHUNK = 126
"""Sessions in one Dagster run."""


def before(deployment: Deployment, sessions: Sequence[date], folder: Path) -> Deployment:
    """Signals and backtest in an empty folder, made from all vintages but the newest of `sessions`, and all of the others.

    Raises
    ------
    AtsError
        If something stored is stale, so that more than the deliveries would differ; or if something can't be made.
    """
    world, chosen = empty_world(deployment, folder), set(sessions)
    _require_sound(deployment, "what is stored was made from the newest vintages")
    for asset in DELIVERED:
        for day in deployment.warehouse.stored_sessions(asset):
            vintages = [path for _, path in sorted(deployment.warehouse.vintages(asset, day).items())]
            gone = asset == RAW and day in chosen and len(vintages) > 1
            copy_vintages(deployment, world, vintages[:-1] if gone else vintages)
    say(
        f"signals, targets and backtest are rebuilt from the previous vintages: {how_many(len(world.warehouse.stored_sessions(RAW)), 'session')}"
    )
    _make(world, ", ".join([*world.signals.values(), "targets", "backtest"]))
    return world


def compared(deployment: Deployment, folder: Path) -> KnowledgeComparison:
    """The strategy as stored and, made in an empty folder, under the other kind of knowledge; kept for the report.

    Raises
    ------
    AtsError
        If something stored is stale, so that more than the knowledge would differ; or if something can't be made.
    """
    _require_sound(deployment, "what is stored was made under this knowledge mode")
    other = "point_in_time" if deployment.knowledge.is_restated else "restated"
    empty = empty_world(deployment, folder)
    knowledge = deployment.settings.knowledge.model_copy(update={"mode": other})
    world = Deployment(empty.settings.model_copy(update={"knowledge": knowledge}))
    for asset in DELIVERED:
        for day in deployment.warehouse.stored_sessions(asset):
            copy_vintages(deployment, world, (path for _, path in sorted(deployment.warehouse.vintages(asset, day).items())))
    say(f"{how_many(len(world.warehouse.stored_sessions(RAW)), 'session is', 'sessions are')} rebuilt with knowledge.mode = {other}")
    _make(world, ", ".join([*world.signals.values(), "targets", "backtest", "skill"]))
    came = effects(deployment, world)
    both = {deployment.settings.knowledge.mode: deployment, other: world}
    signals = pl.concat([_keys(one) for one in both.values()]).unique().height
    made = KnowledgeComparison(
        backtest=deployment.warehouse.footer_of(deployment.warehouse.part("backtest", "equity")).data_version,
        **{mode: knowledge_figures(one) for mode, one in both.items()},
        signals=signals,
        signals_that_differ=came.signals.height,
    )
    store_comparison(deployment, made)
    return made


def _keys(deployment: Deployment) -> pl.DataFrame:
    """Who has a signal, of each strategy."""
    read = {name: (asset, deployment.valid_sessions(asset)) for name, asset in deployment.signals.items()}
    parts = (
        deployment.warehouse.read(asset, days, ["session", "symbol"]).with_columns(strategy=pl.lit(name))
        for name, (asset, days) in read.items()
    )
    return pl.concat(parts)


def _require_sound(deployment: Deployment, so_that: str) -> None:
    stale = Healing(deployment, rules_of(deployment, build(deployment).resolve_asset_graph())).stale()
    others = [one for one in stale if one.asset != "backtest_report"]
    if others:
        raise AtsError(
            f"{how_many(len(others), 'partition is', 'partitions are')} stale, first {others[0].asset} {others[0].session}: run ats stale --heal first, so that {so_that}"
        )


def _make(world: Deployment, select: str) -> None:
    """Make assets and all that they need from the deliveries of a world."""
    chosen = world.valid_sessions(RAW)
    world.asked_sessions = tuple(chosen)
    definitions = build(world)
    assets = frozenset(chosen_assets(definitions, select, with_upstream=True)) - set(DELIVERED)
    with listed_instance() as instance, RunProgress(len(chosen)) as progress:
        runner, outcome = Runner(world, definitions, instance, checks=False), Outcome.of(chosen, assets)
        runner.run(runner.parts(chosen, assets, CHUNK), outcome, progress)
    if outcome.interrupted:
        raise KeyboardInterrupt
    if outcome.messages:
        raise AtsError("; ".join(outcome.messages))
