"""What books of strategies come to, as blocks of a page: of the backtest, and of the account at the broker."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from ats_assets.reports.charts import BarGroup, Line, LinePanel, bar_chart, line_chart
from ats_assets.reports.formatting import percent, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Pair, Table

TONES: Final = ("own", "other", "third", "ink", "gain", "loss")
MOST_LINES, MOST_SYMBOLS = 6, 8
NOTE = (
    "Orders are netted over the strategies, and their fills split back: what one buys and another sells never goes to the market. Each table sums to the whole profit, to the cent. Returns are of the "
    "capital that a strategy may hold."
)


def book_blocks(equity: pl.DataFrame, attribution: pl.DataFrame) -> Sequence[Block]:
    """Tables and pictures of rows of the contracts `BookEquity` and `Attribution`, none of them empty; books that never held anything have no rows by symbol."""
    parts = {one: attribution.filter(dimension=one) for one in ("strategy", "model", "factor", "symbol")}
    symbols = parts["symbol"]
    return [
        Note(text=NOTE),
        _books(equity, parts["strategy"]),
        *_curves(equity),
        *(_bars(one, attribution) for one in (("strategy", "model"), ("factor", "cost"))),
        Pair(cells=[[_table("model", parts["model"])], [_table("factor", parts["factor"])]]),
        Heading(text="Symbols"),
        Pair(
            cells=[
                [_table("symbol", symbols.head(MOST_SYMBOLS), "Brought most")],
                [_table("symbol", symbols.reverse().head(MOST_SYMBOLS), "Brought least")],
            ]
        ),
    ]


def _books(equity: pl.DataFrame, parts: pl.DataFrame) -> Table:
    sums = equity.group_by("strategy").agg(
        pl.col("capital").last(), pl.col("allocated").mean(), pl.col("crossed").sum(), pl.col("n_positions").mean()
    )
    rows = [
        (
            name,
            percent(capital),
            whole(pnl, signed=True),
            whole(costs),
            whole(profit, signed=True),
            percent(share),
            percent(profit / allocated if allocated and allocated > 0 else None, 1, signed=True),
            whole(crossed),
            whole(positions),
        )
        for name, pnl, costs, profit, share, capital, allocated, crossed, positions in parts.drop("dimension")
        .join(sums, left_on="part", right_on="strategy", how="left", maintain_order="left")
        .iter_rows()
    ]
    columns = (
        "strategy",
        "capital",
        "before costs",
        "costs",
        "profit",
        "of all",
        "of its capital",
        "crossed with others",
        "positions, mean",
    )
    return Table(columns=columns, rows=rows, caption="Each strategy's book (currency)")


def _curves(equity: pl.DataFrame) -> list[Block]:
    """Profit so far of each strategy."""
    paid = pl.sum_horizontal("commission", "spread_cost", "slippage_cost", "borrow_cost", "interest")
    made = equity.with_columns(profit=pl.col("pnl") - paid)
    moved = made.filter(pl.col("profit") != 0)["strategy"].unique()
    names = [name for name in made["strategy"].unique(maintain_order=True) if name in moved][:MOST_LINES]
    if not names:
        return []
    lines = [
        Line(name=name, values=made.filter(strategy=name)["profit"].cum_sum(), tone=tone) for name, tone in zip(names, TONES, strict=False)
    ]
    days = made.filter(strategy=names[0])["session"].to_list()
    panel = LinePanel(lines=lines, height=190, unit="money", zero=True, label="profit so far")
    return [line_chart("strategy-profit", "Profit so far by strategy (currency)", "After costs, each of its own book.", days, [panel])]


def _bars(dimensions: tuple[str, str], attribution: pl.DataFrame) -> Block:
    """Two dimensions beside each other; parts that made nothing are left out."""
    shown = attribution.filter(pl.col("dimension").is_in(list(dimensions)) & (pl.col("profit") != 0))
    names = [part.removesuffix("_cost").replace("_", " ") for part in shown["part"]]
    group = BarGroup(name="profit", values=shown["profit"].to_list(), tone="gain", below="loss")
    title = f"Profit by {dimensions[0]}, and by {dimensions[1]} (currency)"
    note = f"The bars of each sum to the whole profit: first those by {dimensions[0]}."
    return bar_chart(f"attribution-{dimensions[0]}", title, note, names, [group], unit="money", height=150, most_names=10)


def _table(name: str, rows: pl.DataFrame, caption: str = "") -> Table:
    shown = [
        (part.replace("_", " "), whole(pnl, signed=True), whole(costs), whole(profit, signed=True), percent(share))
        for _, part, pnl, costs, profit, share in rows.iter_rows()
    ]
    return Table(columns=(name, "before costs", "costs", "profit", "of all"), rows=shown, caption=caption or f"By {name}")
