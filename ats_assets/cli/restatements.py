"""`ats restatements`: what a vendor changed in the sessions that it delivered anew, and what came of it for the signals and the backtest."""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from rich.table import Table

from ats_assets.automation.healing import Healing, rules_of
from ats_assets.runs.progress import RunProgress
from ats_assets.cli.run import Outcome, Runner
from ats_assets.runs.selection import chosen_assets
from ats_assets.runs.startup import prepare_environment, quiet
from ats_assets.runs.writing import console, say, write_table
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.lineage.effects import COMPARED, Effects, effects
from ats_assets.lineage.rebuilding import RAW, copy_vintages, empty_world
from ats_assets.lineage.restatements import Restatement, changed_rows
from ats_assets.lineage.restatements import restatements as by_symbol
from ats_assets.reports.comparison import KnowledgeComparison, comparison_rows, knowledge_figures, store_comparison
from ats_assets.settings import load_settings
from ats_assets.storage.warehouse import DELIVERED

SHOWN = 30
"""Symbols, or signals, in a table."""
CHUNK = 126
"""Sessions in one Dagster run."""


def restatements(
    *, first: date | None, last: date | None, as_json: bool, with_effects: bool, folder: Path | None, compare: bool = False
) -> None:
    """Write the changes by symbol to standard output; with `with_effects` signals and backtest before and now, with `compare` the strategy under both kinds of knowledge."""
    prepare_environment()
    deployment = Deployment(load_settings())
    if compare:
        with quiet(), tempfile.TemporaryDirectory() as temporary:
            made = compared(deployment, folder or Path(temporary) / "other")
        sys.stdout.write(json.dumps(made.plain(), indent=2) + "\n") if as_json else _show_comparison(made)
        return
    sessions = [day for day in deployment.sessions(RAW) if (first or date.min) <= day <= (last or date.max)]
    rows = changed_rows(deployment.warehouse, sessions)
    found = by_symbol(rows)
    came = None
    if with_effects and found:
        with quiet(), tempfile.TemporaryDirectory() as temporary:
            came = effects(before(deployment, sessions, folder or Path(temporary) / "before"), deployment)
    if as_json:
        said = [asdict(one) for one in found]
        whole = said if not with_effects else {"restatements": said, **_plain(came)}
        sys.stdout.write(json.dumps(whole, indent=2, default=str, ensure_ascii=False) + "\n")
        return
    _show(found, rows, len(sessions))
    if came is not None:
        _show_effects(came)


def before(deployment: Deployment, sessions: Sequence[date], folder: Path) -> Deployment:
    """Signals and backtest in an empty folder, made from all vintages but the newest of `sessions`, and all of the others.

    Raises
    ------
    AtsError
        If something stored is stale, so that more than the deliveries would differ; or if something can't be made.
    """
    world, chosen = empty_world(deployment, folder), set(sessions)
    _require_sound(deployment, "what is stored is what came of the newest vintages")
    for asset in DELIVERED:
        for day in deployment.warehouse.sessions(asset):
            vintages = [path for _, path in sorted(deployment.warehouse.vintages(asset, day).items())]
            gone = asset == RAW and day in chosen and len(vintages) > 1
            copy_vintages(deployment, world, vintages[:-1] if gone else vintages)
    say(f"signals and backtest are made from what was known before: {len(world.warehouse.sessions(RAW))} sessions")
    _make(world, "signals, backtest")
    return world


def compared(deployment: Deployment, folder: Path) -> KnowledgeComparison:
    """The strategy as stored and, made in an empty folder, under the other kind of knowledge; kept for the report.

    Raises
    ------
    AtsError
        If something stored is stale, so that more than the knowledge would differ; or if something can't be made.
    """
    _require_sound(deployment, "what is stored is what this kind of knowledge makes")
    other = "point_in_time" if deployment.knowledge.is_restated else "restated"
    empty = empty_world(deployment, folder)
    knowledge = deployment.settings.knowledge.model_copy(update={"mode": other})
    world = Deployment(empty.settings.model_copy(update={"knowledge": knowledge}))
    for asset in DELIVERED:
        for day in deployment.warehouse.sessions(asset):
            copy_vintages(deployment, world, (path for _, path in sorted(deployment.warehouse.vintages(asset, day).items())))
    say(f"{len(world.warehouse.sessions(RAW))} sessions are made with knowledge.mode = {other}")
    _make(world, "signals, backtest, skill")
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
    return deployment.warehouse.read("signals", deployment.sessions("signals"), ["session", "symbol"])


def _require_sound(deployment: Deployment, so_that: str) -> None:
    stale = Healing(deployment, rules_of(deployment, build(deployment).resolve_asset_graph())).stale()
    others = [one for one in stale if one.asset != "backtest_report"]
    if others:
        raise AtsError(
            f"{len(others)} partitions are stale, first {others[0].asset} {others[0].session}: make them first with ats stale --heal, so that {so_that}"
        )


def _make(world: Deployment, select: str) -> None:
    """Make assets and all that they need from the deliveries of a world."""
    definitions, chosen = build(world), world.sessions(RAW)
    assets = frozenset(chosen_assets(definitions, select, with_upstream=True)) - set(DELIVERED)
    with dg.DagsterInstance.ephemeral() as instance, RunProgress(len(chosen)) as progress:
        runner, outcome = Runner(world, definitions, instance, checks=False), Outcome.of(chosen, assets)
        runner.run(runner.parts(chosen, assets, CHUNK), outcome, progress)
    if outcome.interrupted:
        raise KeyboardInterrupt
    if outcome.messages:
        raise AtsError("; ".join(outcome.messages))


def _show_comparison(made: KnowledgeComparison) -> None:
    out = console()
    table = Table("", "as known at each close", "on corrected history", box=None, padding=(0, 2, 0, 0))
    for row in comparison_rows(made):
        table.add_row(*row)
    write_table(out, table)
    hindsight = made.return_from_hindsight
    out.print(f"{made.signals_that_differ} of {made.signals} signals differ.")
    out.print(f"Total return that comes from knowledge that nobody had: {'unknown' if hindsight is None else f'{hindsight:+.2%}'}.")
    out.print("The backtest report shows this once it is made again: ats stale --heal.")


def _plain(came: Effects | None) -> dict[str, Any]:
    if came is None:
        return {"signals": [], "backtest": {}}
    rows = came.signals.to_dicts()
    return {"signals": rows, "backtest": {name: {"before": was, "now": now} for name, (was, now) in came.metrics.items()}}


def _show(found: Sequence[Restatement], rows: pl.DataFrame, sessions: int) -> None:
    out = console()
    if not found:
        out.print(f"No row of {sessions} sessions differs from the vintage before.")
        return
    table = Table("symbol", "what", "sessions", "from", "to", "median size by field", box=None, padding=(0, 2, 0, 0))
    for one in found[:SHOWN]:
        sizes = ", ".join(f"{name} {'?' if size is None else f'{size:.2%}'}" for name, size in one.fields.items())
        what = one.kind + (f" {one.split}?" if one.split else "")
        table.add_row(one.symbol, what, str(one.sessions), str(one.first), str(one.last), sizes)
    write_table(out, table)
    more = f" ({SHOWN} of them shown; --json lists all)" if len(found) > SHOWN else ""
    days, symbols = rows["session"].n_unique(), rows["symbol"].n_unique()
    out.print(f"{rows.height} rows in {days} sessions differ from the vintage before: {symbols} symbols{more}.")


def _show_effects(came: Effects) -> None:
    out = console()
    out.print(f"\n{came.signals.height} signals differ, in {came.sessions[1]} of {came.sessions[0]} sessions.")
    weight = (pl.col("target_weight_now").fill_null(0) - pl.col("target_weight").fill_null(0)).abs()
    largest = came.signals.with_columns(moved=weight).sort("moved", "session", "symbol", descending=[True, True, False]).head(SHOWN)
    if largest.height:
        table = Table("session", "symbol", *COMPARED, box=None, padding=(0, 2, 0, 0))
        for row in largest.iter_rows(named=True):
            moves = (_move(row[name], row[f"{name}_now"]) for name in COMPARED)
            table.add_row(str(row["session"]), row["symbol"], *moves)
        write_table(out, table)
        if came.signals.height > SHOWN:
            out.print(f"The {SHOWN} with the largest changes of weight are shown; --json lists all.")
    out.print("\nThe backtest comes out the same." if not came.metrics else "")
    if came.metrics:
        table = Table("backtest", "before", "now", box=None, padding=(0, 2, 0, 0))
        for name, (was, now) in came.metrics.items():
            table.add_row(name.replace("_", " "), _value(was), _value(now))
        write_table(out, table)


def _move(was: object, now: object) -> str:
    return _value(now) if was == now else f"{_value(was)} → {_value(now)}"


def _value(value: object) -> str:
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
