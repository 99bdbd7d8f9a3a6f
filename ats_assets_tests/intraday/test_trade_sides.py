from datetime import UTC, date, datetime
from math import erf, sqrt

import numpy as np
import polars as pl
import pytest

from ats_assets.intraday.schema import QUOTES_SCHEMA, TRADES_SCHEMA
from ats_assets.intraday.tick_arrays import quote_ticks, read_only, trade_ticks
from ats_assets.intraday.trade_sides import bulk_shares, tick_rule
from ats_assets_tests.intraday.bar_oracle import arrays, random_ticks, sides_of

DAY = date(2024, 3, 4)
NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)


def trades(rows: list[tuple[float, float, float]], symbol: str = "A", **more: list[bool]) -> pl.DataFrame:
    """Milliseconds after noon, price, size."""
    frame = pl.DataFrame(rows, schema=["ms", "price", "size"], orient="row").with_row_index("sequence")
    fixed = {"symbol": pl.lit(symbol), "session": pl.lit(DAY), "exchange": pl.lit("X"), "conditions": pl.lit([], dtype=pl.List(pl.String))}
    flags = {name: pl.Series(more.get(name, [True] * len(rows))) for name in ("for_price", "for_high_low", "for_volume")}
    at = pl.lit(NOON).dt.cast_time_unit("ns") + pl.duration(milliseconds=pl.col("ms"))
    return frame.with_columns(at=at, **fixed, **flags).select(pl.col(name).cast(dtype) for name, dtype in TRADES_SCHEMA.items())


def quotes(rows: list[tuple[float, float, float]], symbol: str = "A", size: float | None = 100.0) -> pl.DataFrame:
    """Milliseconds after noon, bid, ask."""
    frame = pl.DataFrame(rows, schema=["ms", "bid", "ask"], orient="row").with_row_index("sequence")
    sizes = dict.fromkeys(("bid_size", "ask_size"), pl.lit(size, dtype=pl.Float64))
    at = pl.lit(NOON).dt.cast_time_unit("ns") + pl.duration(milliseconds=pl.col("ms"))
    fixed = {"symbol": pl.lit(symbol), "session": pl.lit(DAY), "exchange": pl.lit("X"), "at": at}
    return frame.with_columns(**fixed, **sizes).select(pl.col(name).cast(dtype) for name, dtype in QUOTES_SCHEMA.items())


def test_the_tick_rule_by_hand() -> None:
    """Unknown at first, up, the same price keeps the side, down; a price that does not count neither gives nor changes a side."""
    ticks = np.array([5.0, 5.0, 5.1, 5.1, 9.0, 5.0, 5.0]), np.array([7, 7, 7, 7, 6, 7, 7], np.int8)
    assert tick_rule.compiled(*map(read_only, (*ticks, np.array([0, 7])))).tolist() == [0, 0, 1, 1, 1, -1, -1]
    assert tick_rule.compiled(*map(read_only, (*ticks, np.array([0, 3, 7])))).tolist() == [0, 0, 1, 0, 0, -1, -1]


def test_the_tick_rule_on_random_ticks() -> None:
    sessions = [random_ticks(seed, 200) for seed in range(5)]
    given = arrays(sessions)
    wanted = [side for ticks in sessions for side in sides_of(ticks)]
    assert tick_rule.compiled(given["price"], given["codes"], given["starts"]).tolist() == wanted


def test_lee_and_ready_compare_with_the_quote_before() -> None:
    """Above the midpoint bought, below it sold, at it the tick rule; a quote of the same millisecond may be the trade's own consequence."""
    book = quotes([(0, 10.00, 10.04), (50, 10.02, 10.06), (90, 10.10, 10.20)])
    made = trade_ticks(
        trades([(0, 10.0, 1), (10, 10.03, 1), (20, 10.01, 1), (30, 10.02, 1), (50, 10.03, 1), (60, 10.03, 1), (90, 10.05, 1)]),
        book,
        by_quotes=True,
    )
    #                            no quote yet, above, below, mid: uptick, mid before is 10.02, below 10.04, above 10.04
    assert made.sides.tolist() == [0, 1, -1, 1, 1, -1, 1]
    assert made.spread is not None
    assert np.allclose(made.spread, [np.nan, 0.04, 0.04, 0.04, 0.04, 0.04, 0.04], equal_nan=True)


def test_quotes_of_other_symbols_are_not_looked_at() -> None:
    book = pl.concat([quotes([(0, 10.0, 10.2)]), quotes([(0, 1.0, 1.5)], "C")])
    made = trade_ticks(pl.concat([trades([(5, 10.15, 1)]), trades([(5, 7.0, 1)], "B"), trades([(5, 1.1, 1)], "C")]), book, by_quotes=True)
    assert made.keys["symbol"].to_list() == ["A", "B", "C"]
    assert made.sides.tolist() == [1, 0, -1]


def test_a_quote_is_a_tick_at_the_midpoint() -> None:
    made = quote_ticks(quotes([(0, 1.0, 1.2), (1, 1.1, 1.3), (2, 1.1, 1.3)]))
    assert np.allclose(made.price, [1.1, 1.2, 1.2])
    assert made.size.tolist() == [200.0] * 3
    assert made.sides.tolist() == [0, 1, 1]
    assert (quote_ticks(quotes([(0, 1.0, 1.2)], size=None)).codes & 2).tolist() == [0]


def test_bulk_classification_by_hand() -> None:
    """Phi(change / root mean square of the changes up to it), of a session's first bar from its own open."""
    opens, closes, groups = np.array([10.0, 10.5, 10.0, 7.0]), np.array([10.3, 10.5, 9.9, 7.0]), np.array([0, 0, 0, 1])
    changes = [0.3, 0.2, -0.6]
    wanted = [
        0.5 * (1 + erf(changes[k] / sqrt(sum(c * c for c in changes[: k + 1]) / (k + 1)) / sqrt(2))) if k else np.nan for k in range(3)
    ]
    found = bulk_shares.compiled(*map(read_only, (opens, closes, groups)), 50, 2)
    assert np.allclose(found, [*wanted, np.nan], equal_nan=True)
    assert bulk_shares.compiled(*map(read_only, (np.full(3, 5.0), np.full(3, 5.0), np.zeros(3, np.int64))), 50, 1).tolist() == [0.5] * 3


def test_rows_in_any_order_are_the_same_ticks() -> None:
    rows = pl.concat([trades([(i // 3, 10.0 + i % 7, 1.0 + i) for i in range(40)], symbol) for symbol in "BA"])
    one, other = trade_ticks(rows.sort("symbol", "at", "sequence")), trade_ticks(rows.sample(fraction=1.0, shuffle=True, seed=1))
    assert np.array_equal(one.price, other.price)
    assert np.array_equal(one.size, other.size)
    assert one.keys.equals(other.keys)
    with pytest.raises(ValueError, match="read-only"):
        one.price[0] = 1.0


def test_trades_that_count_for_nothing_are_no_ticks() -> None:
    off = {name: [True, False, True] for name in ("for_price", "for_high_low", "for_volume")}
    assert trade_ticks(trades([(0, 1.0, 1.0), (1, 2.0, 1.0), (2, 3.0, 1.0)], **off)).price.tolist() == [1.0, 3.0]
    assert trade_ticks(TRADES_SCHEMA.to_frame()).keys.is_empty()
