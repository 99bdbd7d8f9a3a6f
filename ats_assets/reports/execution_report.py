"""The report of execution quality: one HTML file that needs nothing else, about what orders cost and how well they were filled."""

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ats_assets.orders.quality import REFERENCES, summary
from ats_assets.reports.backtest_report import TEMPLATES, plotly_script, script_json
from ats_assets.reports.figures import account_figure, slippage_figure
from ats_assets.reports.formatting import DASH, decimal, percent, whole
from ats_assets.reports.report_tables import Headline, Table

LARGEST = 10
NAMES = {"decision": "decision price (close before)", "arrival": "arrival price (open)", "vwap": "VWAP of the session"}


def execution_report(account: pl.DataFrame, quality: pl.DataFrame, *, broker: str, live: bool) -> str:
    """The report as HTML.

    Parameters
    ----------
    account, quality
        Rows of the contracts `Account` and `ExecutionQuality`, sorted by session; at least one of the account.
    broker, live
        Of the orders.
    """
    told = summary(quality)
    figures = {figure.id: figure for figure in (account_figure(account), slippage_figure(_by_session(quality)))}
    first, last = account["session"][0], account["session"][-1]
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("execution.html").render(
        title="Execution",
        subtitle=f"{first} to {last}, {account.height:,} sessions, broker {broker}{', LIVE' if live else ''}, account {account['account_id'][-1]}",
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        plotly=Markup(plotly_script()),  # noqa: S704 - the library's own file
        figures=figures,
        figure_data=script_json({name: {"data": f.data, "layout": f.layout} for name, f in figures.items()}),
        differences=account.filter(pl.col("differences").is_not_null()).select("session", "differences").rows(),
        headlines=_headlines(account, told),
        slippage=_slippage(quality),
        dearest=_dearest(quality),
        unfilled=_unfilled(quality),
        sessions=_sessions(account, quality),
        footer="From the assets account and execution_quality, as they were recorded.",
    )


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
    for day, equity, cash in account.sort("session", descending=True).select("session", "equity", "cash").iter_rows():
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
        rows.append((str(day), decimal(equity), decimal(cash), *figures))
    return Table(columns=("session", "equity", "cash", "orders", "fill rate", "traded", "bp against the open", "fees"), rows=rows)
