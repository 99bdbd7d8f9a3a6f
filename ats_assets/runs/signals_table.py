"""The signals of a session, as JSON has them and as a table."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.reports.turnover_limit import session_text
from ats_assets.runs.writing import console, write_table

Rows = dict[str, Any]


def show_signals(deployment: Deployment, rows: Rows, limit: int | None) -> None:
    """Write the signals as a table to standard output; with a limit, only so many of those that have a weight or a target. One table a strategy."""
    out = console()
    listed: Sequence[Rows] = rows["signals"]
    out.print(Text(signals_heading(rows), style="bold"))
    if not listed:
        out.print(Text(f"No signals: {_why_none(deployment, date.fromisoformat(rows['session']))}"))
        return
    for name in deployment.signals:
        of_one = [row for row in listed if row.get("strategy", name) == name]
        held = [row for row in of_one if row["signal_weight"] or row["target_weight"]]
        if len(deployment.signals) > 1:
            out.print(Text(f"\n{name}, {deployment.settings.capital[name]:.0%} of the equity", style="bold"))
        if not of_one:
            out.print(Text(_staying(deployment, date.fromisoformat(rows["session"]), name)))
            continue
        write_table(out, _table(of_one if limit is None else (held or of_one)[:limit]))
        follows = deployment.settings.portfolio.holding_sessions == "optimised"
        out.print(_counted(of_one, rows["holding_sessions"], netted=len(deployment.signals) > 1, follows=follows))
    if rows["backtest"]:
        out.print(Text(session_text(rows["backtest"])))


def _staying(deployment: Deployment, session: date, name: str) -> str:
    """What becomes of a strategy without signals beside others that have some."""
    from ats_assets.portfolio.allowed_changes import COLUMN  # noqa: PLC0415 - mostly each strategy has signals
    from ats_assets.portfolio.choosing import holds_books  # noqa: PLC0415
    from ats_assets.portfolio.held_parts import NO_SIGNALS  # noqa: PLC0415

    if not deployment.settings.capital[name] or not deployment.of(holds_books) or not deployment.warehouse.exists("targets", session):
        return "No signals"
    targets = deployment.warehouse.read("targets", [session], ["reasons", COLUMN])
    holds = pl.col("reasons").list.eval(pl.element().str.starts_with(f"{name}: {NO_SIGNALS}")).list.any()
    own = targets.filter(holds, pl.col(COLUMN) != "any")
    smaller = own.filter(pl.col(COLUMN) == "smaller").height
    return f"No signals: what it holds stays, {how_many(own.height - smaller, 'position')}; {smaller} under a risk rule"


def _counted(of_one: Sequence[Rows], holding_sessions: int, *, netted: bool, follows: bool) -> str:
    weighted, held = (sum(bool(row[name]) for row in of_one) for name in ("signal_weight", "target_weight"))
    sessions = f"as many sessions as holding_period recommends, {holding_sessions} at most" if follows else f"{holding_sessions} sessions"
    why = f": the mean weight of {sessions}, under the risk rules" if holding_sessions > 1 else ""
    of_all = " (of all strategies together)" if netted else ""
    return f"{how_many(len(of_one), 'symbol')}, {weighted} with a signal weight; {held} with a target weight{of_all}{why}"


def _table(shown: Sequence[Rows]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("rank", "symbol", "direction", "score", "probability", "signal weight", "target weight"):
        table.add_column(name, justify="left" if name in {"symbol", "direction"} else "right")
    for row in shown:
        probability = row["probability"]
        table.add_row(
            str(row["rank"]),
            Text(row["symbol"]),
            row["direction"],
            f"{row['score']:+.4f}",
            "–" if probability is None else f"{probability:.1%}",
            f"{row['signal_weight']:+.2%}",
            "–" if row["target_weight"] is None else f"{row['target_weight']:+.2%}",
        )
    return table


def signals_heading(rows: Rows) -> str:
    """Of which session, for which open, by which model."""
    model = f"model of {rows['model_session']}" if rows["model_session"] else "no model"
    if rows["champion"]:
        model += f", champion {rows['champion']}"
    return f"Signals of {rows['session']} for the open of {rows['for_open_of']} ({rows['opens_at']}), {model}"


def _why_none(deployment: Deployment, session: date) -> str:
    """Why a session has no signals, as recorded by the active model of the session before."""
    before = deployment.calendar.offset(session, -1) if session > deployment.calendar.first else session
    stores = [deployment.model_store(name) for name in deployment.daily_models]
    stored = [store for store in stores if store.exists(before)]
    if not stored:
        return f"there was no model at {before} yet"
    reasons = [reason for store in stored if (reason := store.active(before).reason)]
    none = "no symbol of the universe has a score, or no book could be made of the scores, and then the run says why. What is held stays"
    return "; ".join(dict.fromkeys(reasons)) or none
