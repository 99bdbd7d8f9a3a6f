"""Strategies of options: their equity, the premium that they took in, the greeks that they held, what their P&L is owed to, and why they decided as they did."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.option_backtests.option_metrics import ALL, option_metrics
from ats_assets.reports.formatting import day, decimal, percent, whole
from ats_assets.reports.option_charts import attribution_charts, equity_chart, greeks_chart, premium_chart
from ats_assets.reports.page_blocks import Block, Cards, Heading, Headline, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

TABLES: Final = (
    *("equity", "cash_flows", "decisions", "option_fills", "unfilled", "greeks_over_time", "attribution", "closed_positions", "cycles"),
)
SHOWN: Final = 40
"""Decisions that traded, the newest ones; all are in the table `decisions`."""
ENDS: Final = {
    "traded": "bought back or sold",
    "assigned": "assigned",
    "exercised": "exercised",
    "expired": "expired",
    "adjusted": "ended by a corporate action",
}


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """Figures, pictures, then the decisions."""
    tables = inputs.tables.get("option_backtest", {})
    if not set(TABLES) <= tables.keys() or tables["equity"].is_empty():
        return None
    deposits = tables["cash_flows"].filter(kind="deposit")
    capital = dict(deposits.select("strategy", "cash").iter_rows())
    figures = option_metrics(tables, capital, inputs.settings.sessions_per_year)
    premium = [premium_chart(tables["cash_flows"])] if tables["option_fills"].height else []
    return [
        _cards(figures[ALL]),
        equity_chart(tables["equity"]),
        *premium,
        greeks_chart(tables["greeks_over_time"], tables["equity"]),
        *attribution_charts(tables["attribution"]),
        Heading(text="By strategy"),
        _by_strategy(figures),
        *_ends(tables),
        *_decisions(tables["decisions"]),
    ]


def _cards(figures: Mapping[str, Any]) -> Cards:
    ended, assigned = figures["short_contracts_ended"], figures["contracts_assigned"]
    return Cards(
        headlines=[
            Headline(
                name="Return",
                value=percent(figures["total_return"], 2, signed=True),
                note=f"{whole(figures['pnl'], signed=True)} on {whole(figures['initial_cash'])}",
                tone="gain" if figures["pnl"] > 0 else "loss" if figures["pnl"] < 0 else "",
            ),
            Headline(
                name="Premium capture",
                value=percent(figures["premium_capture"]),
                note=f"kept of {whole(figures['premium_received'])} received for short options that have ended",
            ),
            Headline(
                name="Assignment rate", value=percent(figures["assignment_rate"]), note=f"{whole(assigned)} of {whole(ended)} contracts"
            ),
            Headline(
                name="Win rate by cycle",
                value=percent(figures["win_rate"]),
                note=f"{whole(figures['cycles'])} cycles ended, {whole(figures['open_cycles'])} open",
            ),
            Headline(
                name="Return on margin",
                value=percent(figures["return_on_margin"], 2, signed=True),
                note=f"mean margin {whole(figures['mean_margin'])}, at most {whole(figures['max_margin'])}",
            ),
        ]
    )


def _by_strategy(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        (
            name,
            whole(one["final_equity"]),
            percent(one["total_return"], 2, signed=True),
            percent(one["max_drawdown"]),
            whole(one["premium_received"]),
            percent(one["premium_capture"]),
            percent(one["assignment_rate"]),
            percent(one["win_rate"]),
            decimal(one["days_in_trade"], 1),
            percent(one["return_on_margin"], 2, signed=True),
            whole(one["fees"]),
            whole(one["spread_paid"]),
        )
        for name, one in figures.items()
        if name != ALL or len(figures) > 2
    ]
    columns = (
        "strategy",
        "equity",
        "return",
        "drawdown",
        "premium",
        "capture",
        "assigned",
        "win rate",
        "days",
        "on margin",
        "fees",
        "spread",
    )
    return Table(columns=columns, rows=rows, caption="Figures by strategy")


def _ends(tables: Mapping[str, pl.DataFrame]) -> list[Block]:
    ended = tables["closed_positions"].with_columns(number=pl.col("quantity").abs())
    by_end = ended.group_by("how").agg(pl.col("number").sum(), pl.col("pnl").sum()).sort("how")
    rows = [(ENDS[how], whole(number), whole(pnl, signed=True)) for how, number, pnl in by_end.iter_rows()]
    found: list[Block] = [Heading(text="How contracts ended"), Table(columns=("end", "contracts", "P&L"), rows=rows)]
    reasons = tables["unfilled"].group_by("reason").agg(pl.len(), pl.col("detail").last()).sort("reason")
    if reasons.height:
        rows = [(reason, detail, whole(number)) for reason, number, detail in reasons.iter_rows()]
        note = "Nothing is carried over: the strategy decides again at the next close."
        found += [
            Heading(text="What was not traded", note=note),
            Table(columns=("reason", "such as", "decisions"), rows=rows, text_columns=2, wide=1),
        ]
    return found


def _decisions(decisions: pl.DataFrame) -> list[Block]:
    last = decisions["session"].max() if decisions.height else None
    tried = decisions.filter(pl.col("outcome") != "none", pl.col("session") < last)
    tried = tried.sort("session", "strategy", "number", descending=[True, False, False]).head(SHOWN)
    counted = decisions.group_by("action").len().sort("action").iter_rows()
    told = ", ".join(f"{whole(number)} {action}" for action, number in counted)
    note = f"All {whole(decisions.height)} are in the table decisions of option_backtest, hold and skip included ({told})."
    return [
        Heading(text=f"Decisions at the last session, {day(last)}", note="Orders among them wait for the next session."),
        _decision_table(decisions.filter(session=last)),
        Heading(text="The newest decisions before that were to be traded", note=note),
        _decision_table(tried) if tried.height else Note(text="None."),
    ]


def _decision_table(rows: pl.DataFrame) -> Table:
    columns = ("session", "strategy", "underlying", "action", "rule", "outcome", "legs and reason")
    shown = [
        (
            day(row["session"]),
            *(row[name] for name in columns[1:5]),
            row["outcome"].replace("_", " "),
            f"{row['legs']}: {row['reason']}" if row["legs"] else row["reason"],
        )
        for row in rows.iter_rows(named=True)
    ]
    return Table(columns=columns, rows=shown, text_columns=len(columns), wide=-1)


def tables(deployment: Deployment) -> dict[str, tuple[str, ...]]:
    """Those of `option_backtest`, where the settings name strategies of options."""
    return {"option_backtest": TABLES} if deployment.settings.option_strategies else {}


SECTION = ReportSection(title="Strategies of options", short="Options", place=58, make=make, tables=tables)
