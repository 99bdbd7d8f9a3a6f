"""Effective and realised spread and order flow of bars: by hand, and against a loop over trades and quotes."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from ats_assets.intraday.microstructure_rows import microstructure_rows
from ats_assets.intraday.schema import NANOSECONDS, QUOTES_SCHEMA, TRADES_SCHEMA
from ats_assets.plugins import SAMPLERS
from ats_assets_tests.kits.tick_market import TICK_DAYS, tick_frames

DAY = date(2024, 3, 4)
NAMES = ("effective_spread", "realised_spread", "order_flow")


def at(second: float) -> int:
    return (DAY - date(1970, 1, 1)).days * 86_400 * 10**9 + 15 * 3600 * 10**9 + int(second * 10**9)


def frame(schema: pl.Schema, rows: list[dict[str, float]]) -> pl.DataFrame:
    same = {"symbol": "A", "session": DAY, "exchange": "N", "conditions": [], "for_price": True, "for_high_low": True, "for_volume": True}
    full = [{name: (same | row | {"sequence": i}).get(name) for name in schema if name != "at"} for i, row in enumerate(rows)]
    made = pl.DataFrame(full, schema={name: dtype for name, dtype in schema.items() if name != "at"})
    times = pl.Series("at", [at(row["second"]) for row in rows], dtype=pl.Int64).cast(NANOSECONDS)
    return made.with_columns(times).select(schema.names())


def bars(trades: list[dict[str, float]], quotes: list[dict[str, float]], **settings: object) -> pl.DataFrame:
    frames = {"trades": frame(TRADES_SCHEMA, trades), "quotes": frame(QUOTES_SCHEMA, quotes)}
    return SAMPLERS.made("tick", {"threshold": 2, "spread": True, "sides": "lee_ready"} | settings).bars(frames, [DAY], [DAY])


def test_two_bars_by_hand() -> None:
    """Quotes 10.00 / 10.02, then 10.04 / 10.06: a buy at 10.02 and a sale at 10.03; a buy at 10.06 and one at 10.08.

    First bar: midpoints 10.01 and 10.05: (2 * 0.01 / 10.01 + 2 * 0.02 / 10.05) / 2. Realised, with the midpoint 10.05 at its end: (2 * (10.02 - 10.05) / 10.01 + 2 * -(10.03 - 10.05) / 10.05) / 2.
    Order flow: the bid rises (+300), the ask rises (+200 taken away from it): 500. Second bar: the bid stays with 100 more (+100).
    """
    quotes = [
        {"second": 0, "bid": 10.00, "ask": 10.02, "bid_size": 100.0, "ask_size": 200.0},
        {"second": 2, "bid": 10.04, "ask": 10.06, "bid_size": 300.0, "ask_size": 400.0},
        {"second": 4, "bid": 10.04, "ask": 10.06, "bid_size": 400.0, "ask_size": 400.0},
    ]
    trades = [{"second": s, "price": p, "size": 10.0} for s, p in ((1, 10.02), (3, 10.03), (5, 10.06), (6, 10.08))]
    first, second = bars(trades, quotes).select(NAMES).rows()
    effective = (2 * 0.01 / 10.01 + 2 * 0.02 / 10.05) / 2
    realised = (2 * (10.02 - 10.05) / 10.01 - 2 * (10.03 - 10.05) / 10.05) / 2
    assert first == pytest.approx((effective, realised, 500.0))
    paid = (2 * 0.01 / 10.05 + 2 * 0.03 / 10.05) / 2
    assert second == pytest.approx((paid, paid, 100.0))


def test_what_lacks_quotes_or_their_sizes_is_null() -> None:
    trades = [{"second": s, "price": 10.0 + 0.01 * s, "size": 10.0} for s in range(1, 7)]
    late = [{"second": 3.5, "bid": 10.0, "ask": 10.02}, {"second": 5.5, "bid": 10.01, "ask": 10.02}]
    found = bars(trades, late)
    assert found["effective_spread"].is_null().to_list() == [True, False, False]
    assert found["order_flow"].is_null().to_list() == [False, False, True]  # no quote yet, the first one, and one without sizes after it
    assert bars(trades, late, spread=False, sides="tick_rule").select(pl.col(NAMES).is_null().all()).row(0) == (True,) * 3


def test_of_a_market_they_are_those_of_a_loop_and_the_measures_are_their_windows() -> None:
    frames = tick_frames()
    found = SAMPLERS.made("tick", {"threshold": 25, "spread": True}).bars(frames, TICK_DAYS, TICK_DAYS)
    own = found.filter(symbol="B", session=TICK_DAYS[3]).sort("bar")
    trades, quotes = (frames[name].filter(symbol="B", session=TICK_DAYS[3]).sort("at", "sequence") for name in ("trades", "quotes"))
    trades = trades.filter(pl.col("for_price") | pl.col("for_volume") | pl.col("for_high_low"))
    q = quotes.select("bid", "ask", "bid_size", "ask_size").rows()
    when = quotes["at"].to_physical().to_numpy()
    side, last, done, begin, k = 0, None, -1, 0, -1
    for row in own.iter_rows(named=True):
        taken, later = [], []
        for price, counts, t in trades.slice(begin, row["ticks"]).select("price", "for_price", pl.col("at").to_physical()).iter_rows():
            if counts:
                side = side if last is None or price == last else (1 if price > last else -1)
                last = price
            k = int(np.searchsorted(when, t)) - 1
            if counts and side and k >= 0:
                mid = (q[k][0] + q[k][1]) / 2
                taken.append(2 * side * (price - mid) / mid)
                later.append((side, price, mid))
        begin += row["ticks"]
        flow = 0.0
        for i in range(max(done, 0) + 1, k + 1):
            (bid, ask, bid_size, ask_size), (bid0, ask0, bid_size0, ask_size0) = q[i], q[i - 1]
            flow += (bid >= bid0) * bid_size - (bid <= bid0) * bid_size0 - (ask <= ask0) * ask_size + (ask >= ask0) * ask_size0
        done, end = k, (q[k][0] + q[k][1]) / 2
        if taken:
            assert row["effective_spread"] == pytest.approx(np.mean(taken), rel=1e-9, abs=1e-12)
            assert row["realised_spread"] == pytest.approx(np.mean([2 * s * (p - end) / m for s, p, m in later]), rel=1e-6, abs=1e-9)
        assert row["order_flow"] == pytest.approx(flow)
    measured = microstructure_rows(found, TICK_DAYS, TICK_DAYS[3:4], window_bars=5, lookback_sessions=0).filter(symbol="B").tail(1)
    last_five = own.tail(5)
    assert measured["effective_spread"].item() == pytest.approx(last_five["effective_spread"].mean(), rel=1e-5)
    assert measured["order_flow_imbalance"].item() == pytest.approx(last_five["order_flow"].sum(), rel=1e-5)
