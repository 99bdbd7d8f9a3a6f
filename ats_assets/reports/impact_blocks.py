"""The part of the execution report on transaction costs: what orders have cost beside what the model of impact expects, and what the fills say of the model."""

from dataclasses import dataclass

import polars as pl

from ats_assets.orders.trading_costs.stored_estimate import told_costs
from ats_assets.reports.formatting import DASH, decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Note, Table

AGAINST = {"decision": "decision price", "arrival": "arrival price", "interval": "market meanwhile (VWAP)", "close": "close"}
FAR = 2.0


@dataclass(frozen=True, kw_only=True)
class OrderCosts:
    """Rows of the contracts `TransactionCosts` and `ImpactFit`, and what the newest plan is expected to cost (`expected_costs`), which may be empty."""

    costs: pl.DataFrame
    fits: pl.DataFrame
    expected: dict[str, object]


def impact_blocks(of: OrderCosts) -> list[Block]:
    """A table of slippage against each price, one of the differences from the model, and the newest fit."""
    blocks: list[Block] = [
        Note(text=_capital(told_costs(expected)) + ".") for expected in of.expected.values() if isinstance(expected, dict)
    ]
    if of.costs.is_empty():
        return [*blocks, Note(text="No order has been filled yet since the model of impact is in the settings.")]
    return [*blocks, _against(of.costs), _differences(of.costs), *_fit(of.fits)]


def _against(costs: pl.DataFrame) -> Table:
    value = pl.col("filled") * pl.col("average_price")
    rows = []
    for name, called in AGAINST.items():
        known = costs.filter(pl.col(f"slippage_{name}_bps").is_not_null())
        total = float(known.select(value.sum()).item())
        mean = float(known.select((pl.col(f"slippage_{name}_bps") * value).sum()).item()) / total if total else None
        rows.append((called, whole(known.height), decimal(mean, 1, signed=True)))
    total = float(costs.select(value.sum()).item())
    expected = float(costs.select((pl.col("expected_bps") * value).sum()).item()) / total if total else None
    rows.append(("expected by the model", whole(costs.height), decimal(expected, 1, signed=True)))
    return Table(columns=("against", "orders", "bp"), rows=rows, caption="Slippage, weighted by value; positive where it cost money")


def _differences(costs: pl.DataFrame) -> Table:
    z = costs["difference_z"].drop_nulls()
    latency = costs["latency_seconds"].median()
    mean, spread = z.mean(), z.std()
    rows = [
        ("orders with a difference", whole(len(z))),
        ("mean of z", decimal(mean, 2, signed=True) if isinstance(mean, float) else DASH),
        ("standard deviation of z", decimal(spread, 2) if isinstance(spread, float) else DASH),
        (f"beyond {FAR:g} standard deviations", percent((z.abs() > FAR).sum() / len(z)) if len(z) else DASH),
        ("from the venue's stamp to our record, median seconds", decimal(latency, 1) if isinstance(latency, float) else DASH),
    ]
    caption = "Arrival slippage less what the model expects, over what the market moves meanwhile"
    return Table(columns=("difference from the model", ""), rows=rows, caption=caption)


def _fit(fits: pl.DataFrame) -> list[Block]:
    if fits.is_empty():
        return []
    last = fits.sort("session").row(-1, named=True)
    if last["reason"]:
        return [Note(text=f"The model {last['model']} is not fitted to one's own fills: {last['reason']}. Its published parameters stand.")]
    fitted = f"{last['fitted']:.2f} ± {last['standard_error']:.2f}"
    told = f"{last['fills']:,} fills of {last['sessions']:,} sessions say that impact is {fitted} times that of the model {last['model']}"
    return [Note(text=f"{told}; shrunk toward the published parameters it is {last['scale']:.2f}.")]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
