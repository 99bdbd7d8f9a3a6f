"""Pictures of an options backtest: equity and margin, premium by month, greeks, and what the P&L is owed to."""

from typing import Final, Literal

import numpy as np
import polars as pl

from ats_assets.option_backtests.greek_attribution import PARTS
from ats_assets.option_backtests.option_metrics import total_equity
from ats_assets.reports.charts import BarGroup, Chart, Line, LinePanel, bar_chart, line_chart

TONES: Final = ("own", "third", "fourth", "other", "gain", "loss")
GREEK_LABELS: Final = {
    "delta": "delta, in shares",
    "gamma": "gamma, shares for 1 of price",
    "theta": "theta, a calendar day",
    "vega": "vega, for one point of volatility",
}
PART_TONES: Final[dict[str, tuple[str, Literal["line", "dashed"]]]] = {
    "delta": ("own", "line"),
    "gamma": ("third", "line"),
    "theta": ("gain", "line"),
    "vega": ("fourth", "line"),
    "income": ("gain", "dashed"),
    "spread": ("loss", "line"),
    "fees": ("loss", "dashed"),
    "carry": ("other", "dashed"),
    "rest": ("other", "line"),
}


def equity_chart(equity: pl.DataFrame) -> Chart:
    """Equity of all strategies and of each, and the margin that is asked for."""
    total = total_equity(equity)
    days = total["session"].to_list()
    lines = [Line(name="equity", values=total["equity"], tone="ink")]
    names = equity["strategy"].unique(maintain_order=True).to_list()
    for n, name in enumerate(names if len(names) > 1 else []):
        lines.append(Line(name=name, values=equity.filter(strategy=name)["equity"], tone=TONES[n % len(TONES)]))
    need = equity.group_by("session", maintain_order=True).agg(pl.col("margin_need").sum()).sort("session")
    margin = [Line(name="margin asked for", values=need["margin_need"], tone="other", style="area")]
    note = "At the end of each session and the night after it. The strategies may lose what is above the margin before anything must be closed."
    panels = [
        LinePanel(lines=lines, height=220, unit="money", label="equity"),
        LinePanel(lines=margin, height=90, unit="money", zero=True, label="margin"),
    ]
    return line_chart("option-equity", "Equity of the strategies of options", note, days, panels)


def premium_chart(flows: pl.DataFrame) -> Chart:
    """What was received and paid for contracts, by month."""
    months = flows.filter(kind="premium").with_columns(month=pl.col("session").dt.strftime("%Y-%m"))
    by_month = (
        months.group_by("month")
        .agg(received=pl.col("cash").clip(lower_bound=0).sum(), paid=pl.col("cash").clip(upper_bound=0).sum())
        .sort("month")
    )
    groups = [
        BarGroup(name="received", values=by_month["received"].to_list(), tone="gain"),
        BarGroup(name="paid", values=by_month["paid"].to_list(), tone="loss"),
    ]
    note = "For contracts that were sold, and that were bought, fees left out. What was assigned or expired is not among what was paid."
    return bar_chart("option-premium", "Premium by month", note, by_month["month"].to_list(), groups, unit="money")


def greeks_chart(greeks: pl.DataFrame, equity: pl.DataFrame) -> Chart:
    """The greeks of all that is held."""
    days = total_equity(equity).select("session")
    held = greeks.group_by("session", maintain_order=True).agg(pl.col(*GREEK_LABELS).sum())
    rows = days.join(held, on="session", how="left", maintain_order="left").fill_null(0.0)
    panels = [
        LinePanel(lines=[Line(name=name, values=rows[name], tone=TONES[n])], height=84, zero=True, label=label)
        for n, (name, label) in enumerate(GREEK_LABELS.items())
    ]
    unknown = int(greeks["contracts_without"].sum())
    note = "Of contracts and shares together, at the end of each session."
    note += f" Contracts count as none where their greeks are not known ({unknown:,} contracts times sessions)." if unknown else ""
    return line_chart("option-greeks", "Greeks over time", note, rows["session"].to_list(), panels)


def attribution_charts(attribution: pl.DataFrame) -> list[Chart]:
    """What the P&L is owed to: in sum, and as it came to be."""
    sums = [float(attribution[name].sum()) for name in PARTS]
    note = (
        "The parts add up to the P&L to the cent: by the greeks of the close before, income, costs, and a rest that none of these explains."
    )
    bars = bar_chart(
        "option-attribution",
        "What the P&L is owed to",
        note,
        [*PARTS, "P&L"],
        [BarGroup(name="currency", values=[*sums, float(attribution["pnl"].sum())], tone="gain", below="loss")],
        unit="money",
    )
    by_session = attribution.group_by("session", maintain_order=True).agg(pl.col(*PARTS).sum()).sort("session")
    lines = [
        Line(name=name, values=np.cumsum(by_session[name].to_numpy()), tone=tone, style=style)
        for name, (tone, style) in PART_TONES.items()
        if by_session[name].abs().sum()
    ]
    panels = [LinePanel(lines=lines, height=220, unit="money", zero=True)]
    return [bars, line_chart("option-attribution-over-time", "The same over time", "Added up.", by_session["session"].to_list(), panels)]
