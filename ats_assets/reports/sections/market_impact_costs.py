"""What trading has cost by the parts of the model of impact, and by how large the trades were in their markets; where settings name a model."""

from collections.abc import Sequence

import polars as pl

from ats_assets.backtests.impact_parts import trades_in_parts
from ats_assets.deployment import Deployment
from ats_assets.impact.schema import MARKET
from ats_assets.reports.formatting import DASH, decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

BOUNDS = ((0.001, "below 0.1 %"), (0.01, "0.1 % to 1 %"), (0.05, "1 % to 5 %"), (0.1, "5 % to 10 %"), (float("inf"), "above 10 %"))
NAMES = {
    "spread": "half spread",
    "fixed": "fixed slippage",
    "permanent": "impact that stays",
    "temporary": "impact that goes",
}


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """The costs by part, and by participation; None while costs are fixed rates."""
    impact = inputs.impact
    if impact is None or not impact.settings.is_on:
        return None
    parts = trades_in_parts(inputs.result.trades, impact, inputs.settings, inputs.sessions)
    unfilled = inputs.result.unfilled.filter(reason="participation").height
    unknown = parts.filter(pl.col("why").is_in(["no_volume", "no_volatility", "no_spread"])).height
    scaled = f", scaled as one's own fills had it, lately by {list(impact.scales.values())[-1]:.2f}" if impact.scales else ""
    told = [f"Costs by the model {impact.settings.model}{scaled}."]
    if impact.settings.max_participation is not None:
        told.append(
            f"No order was filled with more than {impact.settings.max_participation:.1%} of a session's volume: {unfilled:,} were left unfilled in part."
        )
    if unknown:
        told.append(f"Of {unknown:,} of {parts.height:,} trades too little was known of the symbol: they cost the fixed rates.")
    return [Note(text=" ".join(told)), _by_part(parts, inputs), _by_participation(parts)]


def _by_part(parts: pl.DataFrame, inputs: ReportInputs) -> Table:
    """In currency, of all, and of what was traded."""
    traded = float(parts["notional"].sum())
    paid = {"commission": float(inputs.result.trades["commission"].sum())}
    paid |= {name: float(parts[column].sum()) for column, name in NAMES.items()}
    total = sum(paid.values())
    rows = [
        (name, whole(own), percent(own / total if total else None), decimal(own / traded * 1e4 if traded else None, 2))
        for name, own in (*paid.items(), ("all", total))
        if own or name == "all"
    ]
    return Table(columns=("cost of trading", "paid", "share", "bp of what was traded"), rows=rows, caption="What trading has cost")


def _by_participation(parts: pl.DataFrame) -> Table:
    """Of trades of similar size in their markets: how much they were, and what they cost."""
    rows, least = [], 0.0
    for most, name in BOUNDS:
        some = parts.filter((pl.col("participation") >= least) & (pl.col("participation") < most))
        value = float(some["notional"].sum())
        moved = float((some["permanent"] + some["temporary"]).sum())
        rows.append((name, whole(some.height), whole(value), decimal(moved / value * 1e4, 1) if value else DASH))
        least = most
    columns = ("share of the day's volume", "trades", "value", "impact, bp")
    return Table(columns=columns, rows=rows, caption="Trades by their share of the symbol's usual dollar volume")


def reads(deployment: Deployment) -> tuple[str, ...]:
    """What was known of each symbol, where there is a model."""
    return (MARKET,) if deployment.settings.impact.is_on else ()


SECTION = ReportSection(title="Market impact", short="Impact", place=61, make=make, reads=reads, is_of_trading=True)
