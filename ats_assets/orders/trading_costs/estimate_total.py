"""An estimate in one row."""

import polars as pl

PARTS = ("commission", "spread", "fixed", "permanent", "temporary", "expected")


def total_row(estimate: pl.DataFrame) -> dict[str, float | int | None]:
    """Of all orders together: their number, notional, cost in currency, and its parts in basis points of the notional."""
    notional = float(estimate["notional"].sum())
    parts = [f"{name}_bps" for name in PARTS]
    means = {name: float((estimate[name] * estimate["notional"]).sum()) / notional if notional else None for name in parts}
    return {"orders": estimate.height, "notional": notional, "expected": float(estimate["expected"].sum()), **means}
