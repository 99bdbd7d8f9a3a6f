"""Bars from frame to frame: two threads and a shuffled delivery come to the same bits."""

import numpy as np
import polars as pl
import pytest

from ats_assets.intraday import information_bars as module
from ats_assets.intraday.schema import INFORMATION_BARS_SCHEMA
from ats_assets.plugins import SAMPLERS
from ats_assets_tests.kits.tick_market import TICK_DAYS, tick_frames


def sampled(trades: pl.DataFrame, kind: str, **values: float) -> pl.DataFrame:
    return SAMPLERS.made(kind, values).bars({"trades": trades}, TICK_DAYS, TICK_DAYS)


@pytest.mark.parametrize(("kind", "values"), [("tick", {"threshold": 3.0}), ("dollar", {"bars_per_session": 40}), ("time", {})])
@pytest.mark.parametrize("silent", [0.0, 0.6, 1.0])
def test_bars_have_the_same_bits_by_one_thread_and_by_two(
    kind: str, values: dict[str, float], silent: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the price of most trades does not count, so that a bar may begin, or pass, without one: it takes that of the bar before, which the other thread may have."""
    rows = tick_frames()["trades"]
    random = np.random.default_rng(5).random(rows.height)
    trades = rows.with_columns(for_price=pl.col("for_price") & pl.Series(random >= silent * 0.98))
    monkeypatch.setattr(module, "MANY", 1)
    two = sampled(trades, kind, **values)
    monkeypatch.setattr(module, "MANY", 10**9)
    one = sampled(trades, kind, **values)
    assert two.height > 50 or silent == 1.0
    assert two.equals(one)
    assert two.schema == INFORMATION_BARS_SCHEMA


def test_the_order_of_delivery_does_not_matter() -> None:
    trades = tick_frames()["trades"]
    assert sampled(trades.sample(fraction=1.0, shuffle=True, seed=1), "dollar").equals(sampled(trades, "dollar"))
    one = trades.filter(symbol=trades["symbol"][0], session=trades["session"][0])
    assert sampled(one.reverse(), "tick", threshold=5.0).equals(sampled(one, "tick", threshold=5.0))


def test_trades_that_count_for_nothing_are_left_out() -> None:
    trades = tick_frames()["trades"]
    without = trades.with_columns(pl.lit(value=False).alias(name) for name in ("for_price", "for_high_low", "for_volume"))
    mixed = pl.concat([trades, without.with_columns(sequence=pl.col("sequence") + 10_000_000)])
    assert sampled(mixed, "tick", threshold=5.0).equals(sampled(trades, "tick", threshold=5.0))
