"""The tables of the backtest report: rows of written numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ats_assets.backtests import BacktestMetrics, BacktestResult
from ats_assets.evaluation.skill_summary import SkillSummary
from ats_assets.reports.formatting import DASH, day, decimal, percent, whole

LARGEST = 10
SHOWN_TARGETS = 40
_DEEPEST = 0.08
"""The monthly return at which the colour of a cell is full."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns and rows of text; the first `text_columns` are aligned to the left, numbers to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1


@dataclass(frozen=True, kw_only=True)
class Headline:
    """One large figure."""

    name: str
    value: str
    note: str
    tone: str = ""


def headlines(m: BacktestMetrics) -> list[Headline]:
    """The figures at the top of the page."""
    error = "" if m.sharpe_standard_error is None else f"± {decimal(m.sharpe_standard_error)} standard error"
    return [
        Headline(
            name="Total return",
            value=percent(m.total_return, signed=True),
            note=f"benchmark {percent(m.benchmark_return, signed=True)}",
            tone=_tone(m.total_return),
        ),
        Headline(
            name="Annual return",
            value=percent(m.annual_return, signed=True),
            note=f"benchmark {percent(m.benchmark_annual_return, signed=True)}",
            tone=_tone(m.annual_return),
        ),
        Headline(name="Sharpe ratio", value=decimal(m.sharpe), note=error or "not defined"),
        Headline(name="Volatility a year", value=percent(m.volatility), note=f"beta {decimal(m.beta)}"),
        Headline(name="Maximum drawdown", value=percent(m.max_drawdown), note=f"longest: {whole(m.max_drawdown_sessions)} sessions"),
        Headline(name="Turnover a session", value=percent(m.turnover), note=f"{whole(m.n_trades)} trades"),
        Headline(name="Costs a year", value=percent(m.costs_a_year, 2), note=f"{whole(m.costs)} in all"),
        Headline(name="Hit rate", value=percent(m.hit_rate_trades), note=f"of closing trades; sessions {percent(m.hit_rate_sessions)}"),
    ]


def figures_table(m: BacktestMetrics) -> Table:
    """All figures, each explained in a line."""
    rows = [
        ("Final equity", whole(m.final_equity), f"from {whole(m.initial_equity)}, over {whole(m.sessions)} sessions"),
        ("Annual return", percent(m.annual_return, 2, signed=True), "compound, after costs"),
        ("Volatility", percent(m.volatility, 2), "standard deviation of the returns of a session, a year"),
        ("Sharpe ratio", decimal(m.sharpe), f"excess return over volatility; the benchmark's is {decimal(m.benchmark_sharpe)}"),
        ("… standard error", decimal(m.sharpe_standard_error), "Lo (2002), for independent returns"),
        ("… probability above zero", percent(m.sharpe_probability), "with skewness and kurtosis; Bailey and López de Prado (2012)"),
        ("Sortino ratio", decimal(m.sortino), "excess return over downside deviation"),
        ("Calmar ratio", decimal(m.calmar), "annual return over maximum drawdown"),
        (
            "Maximum drawdown",
            percent(m.max_drawdown, 2),
            f"deepest fall from a peak; the benchmark's is {percent(m.benchmark_max_drawdown, 2)}",
        ),
        ("Longest drawdown", whole(m.max_drawdown_sessions), "sessions from a peak to its recovery, or to the end"),
        ("Current drawdown", percent(m.current_drawdown, 2), "at the last close"),
        ("Alpha", percent(m.alpha, 2, signed=True), "return a year that the benchmark's moves don't explain"),
        ("Beta", decimal(m.beta), "of the account's returns to the benchmark's"),
        ("Tracking error", percent(m.tracking_error, 2), "volatility of the return beyond the benchmark's"),
        ("Information ratio", decimal(m.information_ratio), "return beyond the benchmark's over tracking error"),
        ("Gross exposure", percent(m.gross_exposure), "mean of sum |position| over equity"),
        ("Net exposure", percent(m.net_exposure), "mean of longs less shorts over equity"),
        ("Sessions invested", percent(m.invested_share), "that ended with a position"),
        ("Turnover", percent(m.turnover, 2), "mean of a session: bought and sold over equity"),
        ("Costs", whole(m.costs), f"commission, half spread, slippage and borrowing; {percent(m.costs_a_year, 2)} of equity a year"),
        ("Hit rate, sessions", percent(m.hit_rate_sessions), "that gained, of those that moved"),
        ("Hit rate, trades", percent(m.hit_rate_trades), "closing trades that gained after costs, of all"),
        ("Margin calls", whole(m.margin_calls), "sessions at whose close the positions needed more equity than there was"),
        ("Unfilled orders", whole(m.n_unfilled), "not filled, or only in part; the reasons are under positions and costs"),
    ]
    return Table(columns=("figure", "value", "what it is"), rows=rows)


def skill_table(summary: SkillSummary) -> Table:
    """Skill by horizon."""
    rows = [
        (
            f"{h.horizon_sessions}",
            whole(h.sessions),
            decimal(h.mean_ic, 4, signed=True),
            decimal(h.mean_rank_ic, 4, signed=True),
            decimal(h.icir, 3, signed=True),
            decimal(h.t_statistic, 1, signed=True),
            percent(h.positive_share, 0),
            decimal(None if h.spread is None else h.spread * 1e4, 1, signed=True),
            percent(h.turnover, 0),
            h.verdict,
        )
        for h in summary.horizons
    ]
    columns = ("horizon, sessions", "sessions", "IC", "rank IC", "ICIR", "t", "rank IC > 0", "Q5 − Q1, bp", "turnover of Q5", "verdict")
    return Table(columns=columns, rows=rows, text_columns=0)


def monthly_returns(equity: pl.DataFrame) -> list[tuple[str, list[tuple[str, str]]]]:
    """By year: the text and the background of each month and of the year."""
    if len(equity) < 2:
        return []
    ends = equity.group_by(pl.col("session").dt.year().alias("year"), pl.col("session").dt.month().alias("month"), maintain_order=True).agg(
        pl.col("equity").last()
    )
    before = [equity["equity"][0], *ends["equity"].to_list()[:-1]]
    growth: dict[int, dict[int, float]] = {}
    for (year, month, value), start in zip(ends.iter_rows(), before, strict=True):
        growth.setdefault(year, {})[month] = value / start - 1 if start > 0 else float("nan")
    table = []
    for year, months in growth.items():
        total = float(np.prod([1 + value for value in months.values()])) - 1
        cells = [_cell(months.get(month)) for month in range(1, 13)]
        table.append((str(year), [*cells, _cell(total, 2.5)]))
    return table


def symbol_tables(result: BacktestResult) -> tuple[Table, Table]:
    """The instruments that gained and lost most, realised and not, after costs, under the newest ticker of each."""
    realised = result.trades.group_by("instrument", maintain_order=True).agg(
        pl.col("symbol").last(), pl.col("realised_pnl").sum(), pl.len().alias("trades")
    )
    last = result.equity["session"][-1] if len(result.equity) else None
    held = result.positions.filter(pl.col("session") == pl.lit(last, pl.Date)).select("instrument", "unrealised_pnl", held="symbol")
    total = (
        realised.join(held, on="instrument", how="left")
        .with_columns(pl.coalesce("held", "symbol").alias("symbol"))
        .with_columns(pl.col("unrealised_pnl").fill_null(0.0))
        .with_columns((pl.col("realised_pnl") + pl.col("unrealised_pnl")).alias("total"))
        .sort("total", "symbol", descending=[True, False])
    )
    columns = ("symbol", "P&L", "realised", "unrealised", "trades")

    def rows(frame: pl.DataFrame) -> list[tuple[str, ...]]:
        ordered = frame.select("symbol", "total", "realised_pnl", "unrealised_pnl", "trades").iter_rows()
        return [(s, whole(t, signed=True), whole(r, signed=True), whole(u, signed=True), whole(n)) for s, t, r, u, n in ordered]

    winners, losers = total.filter(pl.col("total") > 0).head(LARGEST), total.filter(pl.col("total") < 0).tail(LARGEST).reverse()
    return Table(columns=columns, rows=rows(winners)), Table(columns=columns, rows=rows(losers))


def trade_tables(trades: pl.DataFrame) -> tuple[Table, Table]:
    """The closing trades that gained and lost most."""
    closed = trades.filter(pl.col("realised_pnl").is_not_null()).sort(
        "realised_pnl", "session", "sequence", descending=[True, False, False]
    )
    columns = ("symbol", "closed", "side", "shares", "price", "P&L")

    def rows(frame: pl.DataFrame) -> list[tuple[str, ...]]:
        ordered = frame.select("symbol", "session", "side", "reason", "shares", "price", "realised_pnl").iter_rows()
        return [
            (s, day(d), side if reason == "rebalance" else reason, _shares(n), decimal(p), whole(gain, signed=True))
            for s, d, side, reason, n, p, gain in ordered
        ]

    gains, losses = (
        closed.filter(pl.col("realised_pnl") > 0).head(LARGEST),
        closed.filter(pl.col("realised_pnl") < 0).tail(LARGEST).reverse(),
    )
    return Table(columns=columns, rows=rows(gains), text_columns=3), Table(columns=columns, rows=rows(losses), text_columns=3)


UNFILLED_REASONS = {
    "no_bar": "the symbol had no bar: a halt, or not listed (any more)",
    "no_volume": "the bar had no volume: nobody traded",
    "cash": "the cash paid for a part only; all buys of the session were scaled alike",
    "too_small": "less than one share, or than a cent",
    "costs_exceed_value": "the sale would have cost more than it brought in",
    "no_equity": "the account was worth nothing any more",
    "margin_call": "the account was called for margin: nothing is opened, and what is held is cut",
    "corporate_action": "a split came between the decision and the open",
    "not_tradable": "the broker takes no orders for the symbol",
    "limit_short": "a short sale that orders.limits.allow_short, or the broker, does not allow",
    "limit_opening": "the broker takes no orders that open or enlarge a position in the symbol",
    "limit_order": "cut to the notional that one order may have",
    "limit_day": "cut to the notional that the orders of a session may have",
    "limit_position": "cut to the value that a position may have",
    "limit_gross": "cut to the value that all positions may have",
    "limit_margin": "cut to what the equity may bear as initial margin",
    "limit_buying_power": "cut to the broker's buying power",
    "limit_min_trade": "too small an order to be sent",
}


def unfilled_table(unfilled: pl.DataFrame) -> Table:
    """Orders that were not filled or only in part, by reason."""
    counted = unfilled.group_by("reason").agg(pl.len(), pl.col("symbol").n_unique(), pl.col("session").max()).sort("reason")
    rows = [(UNFILLED_REASONS[reason], whole(n), whole(symbols), day(last)) for reason, n, symbols, last in counted.iter_rows()]
    return Table(columns=("reason", "orders", "symbols", "last"), rows=rows)


def targets_table(targets: pl.DataFrame) -> Table:
    """What is wanted, or proposed, after the newest session, the largest first, and why a rule changed it."""
    sizes = pl.max_horizontal(pl.col("target_weight", "proposed_weight").abs())
    newest = targets.filter(pl.col("session") == targets["session"].max(), sizes > 0)
    shown = newest.sort(pl.col("target_weight").abs(), sizes, "symbol", descending=[True, True, False]).head(SHOWN_TARGETS)
    rows = [
        (
            r["symbol"],
            "long" if r["target_weight"] > 0 else "short" if r["target_weight"] < 0 else "flat",
            percent(r["proposed_weight"], 2, signed=True),
            percent(r["target_weight"], 2, signed=True),
            ", ".join(r["strategies"]),
            "; ".join(r["reasons"]),
        )
        for r in shown.iter_rows(named=True)
    ]
    columns = ("symbol", "direction", "proposed", "target weight", "strategies", "changed by")
    return Table(columns=columns, rows=rows, text_columns=2)


def _cell(value: float | None, scale: float = 1.0) -> tuple[str, str]:
    if value is None or not np.isfinite(value):
        return ("" if value is None else DASH, "")
    strength = round(min(1.0, abs(value) / (_DEEPEST * scale)) * 0.55, 2)
    colour = "42,125,79" if value > 0 else "179,55,47"
    return percent(value, signed=True).rstrip("%"), f"background:rgba({colour},{strength})"


def _shares(number: float) -> str:
    return whole(number) if number == int(number) else decimal(number, 4)


def _tone(value: float | None) -> str:
    return "" if not value else "gain" if value > 0 else "loss"
