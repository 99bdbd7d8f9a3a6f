"""`ats restatements`: what a vendor restated, and the effect on signals and backtest."""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.lineage.effects import COMPARED, Effects, effects
from ats_assets.lineage.rebuilding import RAW
from ats_assets.lineage.restatements import Restatement, changed_rows
from ats_assets.lineage.restatements import restatements as by_symbol
from ats_assets.reports.comparison import KnowledgeComparison, comparison_rows
from ats_assets.runs.other_worlds import before, compared
from ats_assets.runs.progress import LongJob
from ats_assets.runs.startup import prepare_environment, quiet
from ats_assets.runs.writing import console, write_table
from ats_assets.settings import load_settings
from ats_assets.sources.told_reading import each_told

SHOWN = 30
"""Symbols, or signals, in a table."""


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
    sessions = [day for day in deployment.valid_sessions(RAW) if (first or date.min) <= day <= (last or date.max)]
    with LongJob("comparing vintages", 0, "sessions") as job:
        rows = changed_rows(deployment.warehouse, each_told(sessions, job.reach))
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


def _show_comparison(made: KnowledgeComparison) -> None:
    out = console()
    table = Table("", "as known at each close", "on corrected history", box=None, padding=(0, 2, 0, 0))
    for row in comparison_rows(made):
        table.add_row(*row)
    write_table(out, table)
    hindsight = made.return_from_hindsight
    out.print(
        f"{made.signals_that_differ:,} of {how_many(made.signals, 'signal')} {'differs' if made.signals_that_differ == 1 else 'differ'}."
    )
    out.print(f"Total return that comes from hindsight: {'unknown' if hindsight is None else f'{hindsight:+.2%}'}.")
    out.print("The backtest report shows this after ats stale --heal.")


def _plain(came: Effects | None) -> dict[str, Any]:
    if came is None:
        return {"signals": [], "targets": [], "backtest": {}}
    rows = {"signals": came.signals.to_dicts(), "targets": came.targets.to_dicts()}
    return {**rows, "backtest": {name: {"before": was, "now": now} for name, (was, now) in came.metrics.items()}}


def _show(found: Sequence[Restatement], rows: pl.DataFrame, sessions: int) -> None:
    out = console()
    if not found:
        out.print(f"No row of {how_many(sessions, 'session')} differs from its previous vintage.")
        return
    table = Table("symbol", "what", "sessions", "from", "to", "median size by field", box=None, padding=(0, 2, 0, 0))
    for one in found[:SHOWN]:
        sizes = ", ".join(f"{name} {'?' if size is None else f'{size:.2%}'}" for name, size in one.fields.items())
        what = one.kind + (f" {one.split}?" if one.split else "")
        table.add_row(one.symbol, what, str(one.sessions), str(one.first), str(one.last), sizes)
    write_table(out, table)
    more = f" ({SHOWN} of them shown; --json lists all)" if len(found) > SHOWN else ""
    days, symbols = rows["session"].n_unique(), rows["symbol"].n_unique()
    out.print(
        f"{how_many(rows.height, 'row')} in {how_many(days, 'session')} {'differs' if rows.height == 1 else 'differ'} from the previous vintage: {how_many(symbols, 'symbol')}{more}."
    )


def _show_effects(came: Effects) -> None:
    out = console()
    out.print(
        f"\n{how_many(came.signals.height, 'signal differs', 'signals differ')}, in {came.sessions[1]} of {how_many(came.sessions[0], 'session')}."
    )
    out.print(
        f"{how_many(came.targets.height, 'target differs', 'targets differ')}, in {how_many(came.targets['session'].n_unique(), 'session')}."
    )
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
    out.print("\nThe backtest is unchanged." if not came.metrics else "")
    if came.metrics:
        table = Table("backtest", "before", "now", box=None, padding=(0, 2, 0, 0))
        for name, (was, now) in came.metrics.items():
            table.add_row(name.replace("_", " "), _value(was), _value(now))
        write_table(out, table)


def _move(was: object, now: object) -> str:
    return _value(now) if was == now else f"{_value(was)} → {_value(now)}"


def _value(value: object) -> str:
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
