"""Alpha158 of real prices as traded, with the publisher's corporate actions, against Alpha158 of prices that are adjusted by the publisher's own factors.

The publisher's factors are the truth, as known at each session: `factor(s) / factor(D)`. They are rounded to seven decimals (prices) and six digits (splits), and the features
are computed from float32: so prices agree to about 1e-6. Where a feature is itself a small difference, or divides by one, this is amplified, so features are compared
relative to how much they vary over all sessions.
"""

from datetime import date

import numpy as np
import polars as pl
import pytest

from ats_assets.bars import screen
from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.screening import screen_actions
from ats_assets.expressions import compute
from ats_assets.features.built_in import ALPHA158
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.source import FileSource
from ats_assets_tests.market_data import US_DAILY_RAW, needs_market_data

pytestmark = [needs_market_data, pytest.mark.slow]
FIRST, LAST = date(1998, 1, 2), date(2021, 3, 31)
SYMBOLS = ["AIG", "BAC", "BNO", "EEM", "IBM", "QQQ", "SPY", "USO"]
FACTORS = US_DAILY_RAW.with_name("factor_files.parquet")
TIED = ("RANK", "CNT", "IMAX", "IMIN", "IMXD")
"""Counts and orders of prices: where two prices differ by less than the factors' rounding, either may be the larger."""

LARGE = 1e6
"""Beyond it are volumes over a session's volume of zero."""


@pytest.fixture(scope="module")
def delivered() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars and accepted actions, of sessions in whose windows the publisher's reference price is the close of its own bars."""
    calendar = session_calendar("XNYS", FIRST)
    source = FileSource(FilesSettings(path=US_DAILY_RAW, actions=FACTORS), calendar)
    days = calendar.sessions(FIRST, LAST)
    bars, _ = screen(source.bars(days, SYMBOLS), calendar)
    actions, rejected = screen_actions(source.actions(days, SYMBOLS), bars, calendar)
    assert rejected.is_empty()
    mid = (pl.col("high") + pl.col("low")) / 2  # the files have no vwap
    return bars.with_columns(vwap=mid), actions


def by_factors(bars: pl.DataFrame, day: date) -> pl.DataFrame:
    """The bars up to a session, scaled by the publisher's factors as of it."""
    factors = (
        pl.read_parquet(FACTORS).select("symbol", "price_factor", "split_factor", session=pl.col("date").cast(pl.Date)).sort("session")
    )
    known = bars.filter(pl.col("session") <= day).sort("session")
    found = known.join_asof(factors, on="session", by="symbol", strategy="forward", check_sortedness=False)
    price, split = (pl.col(name) / pl.col(name).last().over("symbol", order_by="session") for name in ("price_factor", "split_factor"))
    prices = [(pl.col(name) * price * split).alias(name) for name in ("open", "high", "low", "close", "vwap")]
    return found.with_columns(*prices, volume=pl.col("volume") / split).select(bars.columns)


def test_features_are_those_of_the_publishers_adjusted_prices(delivered: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    bars, actions = delivered
    calendar = session_calendar("XNYS", FIRST)
    days = calendar.sessions(FIRST, LAST)
    factors = adjustments(actions, bars, "splits_and_dividends")
    assert factors.filter(pl.col("volume") != 1).height == 11
    ours = compute(bars, ALPHA158, sessions=days, adjustments=factors)
    plain = compute(bars, ALPHA158, sessions=days)
    spread = {name: float(ours[name].filter(ours[name].abs() < LARGE).cast(pl.Float64).std() or 0) for name in ALPHA158}  # pyright: ignore[reportArgumentType]
    splits = actions.filter(pl.col("kind") == "split")["session"].unique().to_list()
    chosen = sorted({calendar.offset(day, after) for day in splits for after in (-1, 0, 1, 7, 59, 60)} | set(days[70::97]))
    wrong = _symbols_whose_reference_is_another(bars, actions)
    compared, moved = 0, 0
    for day in chosen:
        window = calendar.window(day, 61)
        usable = [one for one in SYMBOLS if not any(symbol == one and window[0] < session <= day for symbol, session in wrong)]
        scaled = by_factors(bars.filter(pl.col("session") >= window[0], pl.col("symbol").is_in(usable)), day)
        theirs = compute(scaled, ALPHA158, sessions=window, since=day)
        at = pl.col("session") == day
        mine, unadjusted = (frame.filter(at).join(theirs.select("symbol"), on="symbol").sort("symbol") for frame in (ours, plain))
        for name in ALPHA158:
            a, b = mine[name].to_numpy().astype(float), theirs.sort("symbol")[name].to_numpy().astype(float)
            assert (np.isnan(a) == np.isnan(b)).all(), (name, day)
            finite = (np.abs(a) < LARGE) & (np.abs(b) < LARGE)
            far = np.abs(a - b)[finite] > 2e-3 * spread[name]
            if not name.startswith(TIED):
                assert not far.any(), (name, day, mine["symbol"].to_list(), a, b)
            compared += int(finite.sum())
            moved += int((np.abs(unadjusted[name].to_numpy() - b)[finite] > 0.01 * spread[name]).sum())
    assert compared > 50_000
    assert moved > 5_000  # without the actions they would be others


def _symbols_whose_reference_is_another(bars: pl.DataFrame, actions: pl.DataFrame) -> list[tuple[str, date]]:
    """Payments whose factor the publisher took from another close than that of the bars (a few, mostly of 1998): there is no one truth."""
    closes = bars.select("symbol", "session", "close").sort("session")
    paid = actions.filter(pl.col("kind") == "cash_dividend").sort("session")
    found = paid.join_asof(closes, on="session", by="symbol", strategy="backward", allow_exact_matches=False, check_sortedness=False)
    reference = pl.col("description").str.extract(r"at ([0-9.]+)$").cast(pl.Float64)
    odd = found.filter((reference / pl.col("close") - 1).abs() > 1e-9)
    assert odd.height < 0.1 * paid.height
    return odd.select("symbol", "session").rows()
