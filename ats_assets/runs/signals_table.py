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


def signals_rows(deployment: Deployment, session: date | None) -> Rows:
    """The signals of a session as JSON has them, best first, with the open that they are for; empty without a session.

    Of several strategies each row names its own, and those of one follow those of the other, in the order of the settings.
    """
    if session is None:
        return {}
    frame = signals_and_targets(deployment, session)
    fitted: date | None = frame["model_session"].max()  # pyright: ignore[reportAssignmentType]
    calendar = deployment.calendar
    following = calendar.after(session)
    return {
        "session": session.isoformat(),
        "for_open_of": following.isoformat(),
        "opens_at": calendar.opens_at(following).isoformat(),
        "model_session": fitted.isoformat() if fitted else None,
        "champion": champion_at(deployment, session),
        "backtest": held_against_wanted(deployment, session),
        "holding_sessions": deployment.settings.holding_sessions,
        "signals": frame.drop("session", "model_session").with_columns(pl.col(pl.Float64).fill_nan(None)).to_dicts(),
    }


def champion_at(deployment: Deployment, session: date) -> str | None:
    """The model or ensemble that is champion at a session; None with a single model, or where it is not stored."""
    if len(deployment.settings.candidates) < 2 or not deployment.warehouse.exists("champion", session):
        return None
    found: list[str] = deployment.warehouse.read("champion", [session]).filter("is_champion")["model"].to_list()
    return found[0] if found else None


def signals_and_targets(deployment: Deployment, session: date) -> pl.DataFrame:
    """The signals of a session as people read them: what a signal wants is `signal_weight`, and `target_weight` is what is to be held.

    `target_weight` is the share of equity in the targets, after holding period and risk rules, as orders follow it; null where no targets
    are stored. The stored signals call their own weight so: beside the targets that name would be read as what is traded.
    """
    signals = stored_signals(deployment, session).rename({"target_weight": "signal_weight"})
    if not deployment.warehouse.exists("targets", session):
        return signals.with_columns(target_weight=pl.lit(None, dtype=pl.Float64))
    targets = deployment.warehouse.read("targets", [session], ["symbol", "target_weight"])
    return signals.join(targets, on="symbol", how="left", maintain_order="left")


def held_against_wanted(deployment: Deployment, session: date) -> Rows | None:
    """What the backtest holds at a session against what is wanted, as JSON has it; None where it does not reach there."""
    if not deployment.warehouse.part("backtest", "wanted").is_file():
        return None
    found = deployment.warehouse.read_part("backtest", "wanted").filter(session=session).drop("session").to_dicts()
    return found[0] if found else None


def stored_signals(deployment: Deployment, session: date) -> pl.DataFrame:
    """The signals of each strategy, best first; with a column `strategy` in front where there are several."""
    frames = {name: deployment.warehouse.read(asset, [session]).sort("rank", "symbol") for name, asset in deployment.signals.items()}
    if len(frames) == 1:
        return next(iter(frames.values()))
    return pl.concat(frame.select(pl.lit(name).alias("strategy"), pl.all()) for name, frame in frames.items())


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
        write_table(out, _table(of_one if limit is None else (held or of_one)[:limit]))
        follows = deployment.settings.portfolio.holding_sessions == "optimised"
        out.print(_counted(of_one, rows["holding_sessions"], netted=len(deployment.signals) > 1, follows=follows))
    if rows["backtest"]:
        out.print(Text(session_text(rows["backtest"])))


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
    return "; ".join(dict.fromkeys(reasons)) or "no symbol of the universe has a score"
