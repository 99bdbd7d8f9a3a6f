"""What the market traded at inside a session: ticks where they are stored, else minute bars."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orders.trading_costs.transaction_costs import PRICES_SCHEMA

COLLECTED = "alpaca_minute_bars"
MINUTE = timedelta(minutes=1)


def session_prices(deployment: Deployment, session: date, symbols: Sequence[str]) -> pl.DataFrame:
    """`PRICES_SCHEMA`, of trades, of time bars of a sampler, or of collected minute bars: the first of them that are stored; no rows where none is."""
    timed = [name for name, own in deployment.settings.samplers.items() if own.get("kind", name) == "time"]
    spans = {
        "trades": ("at", pl.col("at"), "price", "size", pl.col("for_volume")),
        **{name: ("opened_at", pl.col("known_at"), "vwap", "volume", pl.lit(value=True)) for name in timed},
        COLLECTED: ("start", pl.col("start") + MINUTE, "vwap", "volume", pl.lit(value=True)),
    }
    for asset, (begins, ends, price, volume, counted) in spans.items():
        if symbols and deployment.warehouse.exists(asset, session):
            rows = deployment.warehouse.read(asset, [session]).filter(pl.col("symbol").is_in(list(symbols)) & counted)
            named = rows.select("symbol", begins_at=pl.col(begins), ends_at=ends, price=pl.col(price), volume=pl.col(volume))
            return named.select(pl.col(name).cast(kind) for name, kind in PRICES_SCHEMA.items()).drop_nulls()
    return PRICES_SCHEMA.to_frame()
