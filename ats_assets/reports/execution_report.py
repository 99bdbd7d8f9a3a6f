"""The report of execution: one HTML file that needs nothing else, about what orders cost and how well they were filled, what is held, and how the account did beside the backtest."""

import numpy as np
import polars as pl

from ats_assets.backtests.metrics import session_returns
from ats_assets.orders.quality import REFERENCES, summary
from ats_assets.reports.book_blocks import book_blocks
from ats_assets.reports.charts import BarGroup, Line, LinePanel, bar_chart, line_chart
from ats_assets.reports.formatting import DASH, decimal, percent, whole
from ats_assets.reports.impact_blocks import OrderCosts, impact_blocks
from ats_assets.reports.page import page
from ats_assets.reports.page_blocks import Block, Callout, Cards, Heading, Headline, Note, Pair, Table
from ats_assets.reports.report_content import Part, ReportContent

LARGEST = 10
NAMES = {"decision": "decision price (close before)", "arrival": "arrival price (open)", "vwap": "VWAP of the session"}
COST_NOTE = (
    "Slippage is positive where it cost money, and weighted by what was traded. Decision price: the close at which the order was decided, so the move of the market overnight is "
    "in it. Arrival price: the open. VWAP: of the session, where the source has one."
)


def execution_report(
    account: pl.DataFrame,
    quality: pl.DataFrame,
    *,
    broker: str,
    live: bool,
    positions: pl.DataFrame | None = None,
    backtest: pl.DataFrame | None = None,
    books: tuple[pl.DataFrame, pl.DataFrame] | None = None,
    costs: OrderCosts | None = None,
) -> str:
    """The report as HTML.

    Parameters
    ----------
    account, quality
        Rows of the contracts `Account` and `ExecutionQuality`, sorted by session; at least one of the account.
    broker, live
        Of the orders.
    positions
        Rows of the contract `Positions` of the newest session.
    backtest
        Session and equity of the backtest, to compare with; of any sessions.
    books
        Rows of the contracts `BookEquity` and `Attribution`, where each strategy has a book of its own.
    costs
        What orders have cost beside the model of impact, where the settings name one.
    """
    first, last = account["session"][0], account["session"][-1]
    bars = _by_session(quality)
    parts = [
        Part(
            name="overview",
            title="Overview",
            short="Overview",
            blocks=[*_agreement(account), Cards(headlines=_headlines(account, summary(quality)))],
        ),
        Part(name="account", title="Account", short="Account", blocks=_account(account)),
        Part(name="backtest", title="Beside the backtest", short="Backtest", blocks=_beside(account, backtest)),
        Part(
            name="positions",
            title=f"Positions at the close of {last}",
            short="Positions",
            blocks=[_positions(positions, account["equity"][-1])],
        ),
        Part(
            name="costs",
            title="Cost of execution",
            short="Costs",
            blocks=[
                Note(text=COST_NOTE),
                _slippage(quality),
                _slippage_chart(bars),
                Pair(
                    cells=[
                        [Heading(text="Orders that cost most", note="Against the arrival price, in currency."), _dearest(quality)],
                        [
                            Heading(text="Not filled, or in part", note="They are not carried over: the next plan decides again."),
                            _unfilled(quality),
                        ],
                    ]
                ),
            ],
        ),
        *([Part(name="impact", title="Beside the model of impact", short="Impact", blocks=impact_blocks(costs))] if costs else []),
        *([Part(name="strategies", title="Strategies", short="Strategies", blocks=book_blocks(*books))] if books else []),
        Part(name="sessions", title="By session", short="Sessions", blocks=[_sessions(account, quality)]),
    ]
    content = ReportContent(
        parts=parts,
        title="Execution",
        subtitle=f"{first} to {last}, {account.height:,} sessions, broker {broker}{', LIVE' if live else ''}, account {account['account_id'][-1]}",
        footer="From the assets account, positions and execution_quality, as they were recorded, and the backtest.",
    )
    return page(content)


def _agreement(account: pl.DataFrame) -> list[Block]:
    differences = account.filter(pl.col("differences").is_not_null()).select("session", "differences").rows()
    if not differences:
        return [Callout(text="The account agreed with our own records after each session.", tone="gain")]
    told = [Callout(text="The account differed from our own records.", tone="loss")]
    return [*told, Table(columns=("session", "difference"), rows=[(str(day), text) for day, text in differences], wide=-1)]


def _account(account: pl.DataFrame) -> list[Block]:
    """Equity on an axis of its own, cash on another, and the profit of each session."""
    days = account["session"].to_list()
    panels = [
        LinePanel(lines=[Line(name="equity", values=account["equity"], tone="own")], height=170, unit="money", label="equity"),
        LinePanel(lines=[Line(name="cash", values=account["cash"], tone="other")], height=90, unit="money", zero=True, label="cash"),
    ]
    profit = account["equity"].diff().to_list()
    bars = BarGroup(name="profit or loss", values=profit, tone="gain", below="loss")
    note = "Change of equity from close to close; what is paid in or out of the account is in it."
    return [
        line_chart("account", "Equity and cash (currency)", "What the broker said at each close.", days, panels),
        bar_chart("pnl", "Profit and loss by session (currency)", note, [*map(str, days)], [bars], unit="money", height=150, most_names=6),
    ]


def _beside(account: pl.DataFrame, backtest: pl.DataFrame | None) -> list[Block]:
    """Returns of the account and of the backtest over the sessions that both have."""
    both = account.select("session", "equity").join(
        (backtest if backtest is not None else account.clear()).select("session", pl.col("equity").alias("tested")),
        on="session",
        how="inner",
    )
    if both.height < 2:
        return [Note(text="The backtest has fewer than two of these sessions. To extend it: ats run --select backtest,backtest_report")]
    both = both.sort("session")
    own, tested = (both[name].to_numpy() / both[name][0] - 1.0 for name in ("equity", "tested"))
    panels = [
        LinePanel(
            lines=[
                Line(name="account", values=own * 100.0, tone="own"),
                Line(name="backtest", values=tested * 100.0, tone="third", style="dashed"),
            ],
            height=160,
            unit="%",
            zero=True,
            label="return",
        ),
        LinePanel(
            lines=[Line(name="account less backtest, bp", values=(own - tested) * 1e4, tone="ink")],
            height=90,
            zero=True,
            label="difference, basis points",
        ),
    ]
    apart = session_returns(both["equity"].to_numpy()) - session_returns(both["tested"].to_numpy())
    told = (
        f"Over the {both.height:,} sessions that both have: account {percent(own[-1], 3, signed=True)}, backtest {percent(tested[-1], 3, signed=True)}. "
        f"Returns of a session differ by {decimal(float(np.abs(apart).mean()) * 1e4, 2)} basis points in the mean, by {decimal(float(np.abs(apart).max()) * 1e4, 2)} at most. "
        "They differ where fills differ from the backtest's, and while the account was built up from other holdings."
    )
    return [Note(text=told), line_chart("beside", "Return since the first session of both (%)", "", both["session"].to_list(), panels)]


def _positions(positions: pl.DataFrame | None, equity: float) -> Table:
    """What is held, the largest first; profit against what was paid."""
    held = positions.sort(pl.col("value").abs(), "symbol", descending=[True, False], nulls_last=True) if positions is not None else None
    rows = [
        (
            symbol,
            _shares(quantity),
            decimal(price),
            whole(value),
            percent(value / equity if value is not None and equity > 0 else None, 2),
            whole(cost),
            whole(value - cost if value is not None and cost is not None else None, signed=True),
        )
        for symbol, quantity, price, value, cost in (
            held.select("symbol", "quantity", "price", "value", "cost").iter_rows() if held is not None else ()
        )
    ]
    return Table(columns=("symbol", "shares", "price", "value", "weight", "paid", "unrealised P&L"), rows=rows)


def _slippage_chart(by_session: pl.DataFrame) -> Block:
    groups = [
        BarGroup(name="against the open", values=by_session["slippage_arrival_bps"].to_list(), tone="own"),
        BarGroup(name="against the VWAP", values=by_session["slippage_vwap_bps"].to_list(), tone="other"),
    ]
    note = "Positive where it cost money. Against the VWAP single sessions scatter widely; the mean of many should be near the costs."
    days = [*map(str, by_session["session"].to_list())]
    return bar_chart("slippage", "Slippage by session (basis points)", note, days, groups, height=170, most_names=6)


def _shares(number: float) -> str:
    return whole(number) if number == int(number) else decimal(number, 4)


def _headlines(account: pl.DataFrame, told: dict[str, float | int | None]) -> list[Headline]:
    change = account["equity"][-1] / account["equity"][0] - 1.0
    return [
        Headline(
            name="Equity", value=whole(account["equity"][-1]), note=f"{percent(change, 2, signed=True)} since {account['session'][0]}"
        ),
        Headline(name="Orders", value=whole(told["orders"]), note=f"{whole(told['filled_in_full'])} filled in full"),
        Headline(name="Fill rate", value=percent(told["fill_rate"]), note="shares filled / shares ordered"),
        Headline(
            name="Slippage", value=f"{decimal(told['slippage_arrival_bps'], 1, signed=True)} bp", note="against the open, mean by notional"
        ),
        Headline(name="Fees", value=decimal(told["fees"]), note=f"on {whole(told['notional'])} traded"),
        Headline(name="Latency", value=f"{decimal(told['latency_seconds'], 1)} s", note="open to first fill, median"),
    ]


def _by_session(quality: pl.DataFrame) -> pl.DataFrame:
    """One row a session: session and the mean slippages."""
    rows = [
        {"session": key[0]} | {f"slippage_{name}_bps": summary(rows)[f"slippage_{name}_bps"] for name in REFERENCES}
        for key, rows in quality.group_by("session", maintain_order=True)
    ]
    schema = {"session": pl.Date, **{f"slippage_{name}_bps": pl.Float64 for name in REFERENCES}}
    return pl.DataFrame(rows, schema=schema)


def _slippage(quality: pl.DataFrame) -> Table:
    rows = []
    for side in ("buy", "sell", "both"):
        told = summary(quality if side == "both" else quality.filter(side=side))
        means = [decimal(told[f"slippage_{name}_bps"], 1, signed=True) for name in REFERENCES]
        rows.append((side, whole(told["orders"]), whole(told["notional"]), *means, decimal(told["fees"])))
    columns = ("side", "orders", "traded", *(f"bp against {NAMES[name]}" for name in REFERENCES), "fees")
    return Table(columns=columns, rows=rows)


def _dearest(quality: pl.DataFrame) -> Table:
    cost = pl.col("slippage_arrival_bps") / 1e4 * pl.col("filled") * pl.col("arrival_price")
    worst = quality.with_columns(cost=cost).filter(pl.col("cost").is_not_null()).sort("cost", "client_order_id", descending=[True, False])
    rows = [
        (str(day), symbol, side, whole(shares), decimal(bps, 1, signed=True), decimal(money))
        for day, symbol, side, shares, bps, money in worst.head(LARGEST)
        .select("session", "symbol", "side", "filled", "slippage_arrival_bps", "cost")
        .iter_rows()
    ]
    return Table(columns=("session", "symbol", "side", "shares", "bp", "cost"), rows=rows, text_columns=3)


def _unfilled(quality: pl.DataFrame) -> Table:
    short = quality.filter(pl.col("filled") < pl.col("ordered")).sort("session", descending=True)
    rows = [
        (str(day), symbol, side, decimal(filled), decimal(ordered), reason or status)
        for day, symbol, side, filled, ordered, status, reason in short.head(2 * LARGEST)
        .select("session", "symbol", "side", "filled", "ordered", "status", "reason")
        .iter_rows()
    ]
    return Table(columns=("session", "symbol", "side", "filled", "ordered", "why"), rows=rows, text_columns=3)


def _sessions(account: pl.DataFrame, quality: pl.DataFrame) -> Table:
    of = {key[0]: summary(rows) for key, rows in quality.group_by("session")}
    rows = []
    profits = account.sort("session").select("session", "equity", "cash", pl.col("equity").diff().alias("profit")).reverse()
    for day, equity, cash, profit in profits.iter_rows():
        told = of.get(day)
        figures = (
            (
                whole(told["orders"]),
                percent(told["fill_rate"]),
                whole(told["notional"]),
                decimal(told["slippage_arrival_bps"], 1, signed=True),
                decimal(told["fees"]),
            )
            if told
            else (DASH,) * 5
        )
        rows.append((str(day), decimal(equity), decimal(profit, signed=True), decimal(cash), *figures))
    return Table(columns=("session", "equity", "P&L", "cash", "orders", "fill rate", "traded", "bp against the open", "fees"), rows=rows)
