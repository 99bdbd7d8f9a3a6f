"""Measures find what was planted, and are what their formulas say."""

from datetime import date
from math import log, pi, sqrt

import numpy as np
import polars as pl
import pytest

from ats_assets.intraday.intraday_volatility import bipower_variance, garman_klass, parkinson, realised_variance, yang_zhang
from ats_assets.intraday.order_flow import order_flow, trade_imbalance, vpin
from ats_assets.intraday.price_impact import amihud, hasbrouck_lambda, kyle_lambda
from ats_assets.intraday.quote_screening import screen_quotes
from ats_assets.intraday.schema import RAW_QUOTES_SCHEMA, RAW_TRADES_SCHEMA
from ats_assets.intraday.sign_entropy import lempel_ziv, shannon_entropy
from ats_assets.intraday.spread_estimators import (
    abdi_ranaldo,
    corwin_schultz,
    effective_spread,
    quoted_spread,
    realised_spread,
    roll_spread,
)
from ats_assets.intraday.tick_arrays import quotes_before, trade_ticks
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.settings import TickScreeningSettings
from ats_assets_tests.intraday.ticks import nyse, of_lean, real


def bars_with_spread(seed: int, spread: float, bars: int = 4_000, ticks: int = 120, sigma: float = 0.01) -> dict[str, np.ndarray]:
    """Opens, highs, lows and closes of a walk whose trades lie at bid or ask."""
    random = np.random.default_rng(seed)
    value = np.cumsum(random.standard_normal(bars * ticks) * sigma / sqrt(ticks)).reshape(bars, ticks)
    logs = value + spread / 2.0 * random.choice([-1.0, 1.0], value.shape)
    prices = 50.0 * np.exp(logs)
    return {"opens": prices[:, 0], "high": prices.max(axis=1), "low": prices.min(axis=1), "close": prices[:, -1]}


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.1])
def test_roll_finds_a_planted_spread(spread: float) -> None:
    random = np.random.default_rng(3)
    value = np.cumsum(random.standard_normal(200_000) * 0.01)
    assert roll_spread(value + spread / 2.0 * random.choice([-1.0, 1.0], 200_000)) == pytest.approx(spread, abs=0.002)


@pytest.mark.parametrize("spread", [0.005, 0.01, 0.03])
def test_corwin_and_schultz_and_abdi_and_ranaldo_find_a_planted_spread(spread: float) -> None:
    """Against a volatility of 1% a bar. Corwin and Schultz count negative ones as zero: a spread that is small beside it is estimated too large, as their paper says."""
    bars = bars_with_spread(5, spread)
    assert abdi_ranaldo(bars["close"], bars["high"], bars["low"]) == pytest.approx(spread, rel=0.1)
    found = corwin_schultz(bars["high"], bars["low"])
    assert found == pytest.approx(spread, rel=0.2) if spread > 0.005 else spread < found < 1.6 * spread


def test_corwin_and_schultz_by_hand() -> None:
    """Two bars of 12 to 10 and 11.9 to 10.1; of two that do not overlap the estimate is negative, which counts as zero."""
    beta, gamma, k = log(1.2) ** 2 + log(11.9 / 10.1) ** 2, log(1.2) ** 2, 3 - 2 * sqrt(2)
    alpha = (sqrt(2 * beta) - sqrt(beta)) / k - sqrt(gamma / k)
    wanted = 2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))
    assert wanted > 0.1
    assert corwin_schultz(np.array([12.0, 11.9]), np.array([10.0, 10.1])) == pytest.approx(wanted, rel=1e-12)
    assert corwin_schultz(np.array([12.0, 14.0]), np.array([11.0, 13.0])) == 0.0


def test_spreads_of_trades_and_quotes_by_hand() -> None:
    """Bought at 10.02 and sold at 9.98 around 10; the midpoint moves by a cent with the taker."""
    price, mid, sides = np.array([10.02, 9.98]), np.array([10.0, 10.0]), np.array([1, -1], np.int8)
    assert effective_spread(price, mid, sides) == pytest.approx(0.004)
    assert realised_spread(price, mid, np.array([10.01, 9.99]), sides) == pytest.approx(0.002)
    assert quoted_spread(np.array([9.99, 9.98]), np.array([10.01, 10.02])) == pytest.approx(0.003)


@pytest.mark.parametrize("planted", [0.0, 1e-4, 3e-3])
def test_lambdas_find_a_planted_impact(planted: float) -> None:
    random = np.random.default_rng(8)
    flow = random.standard_normal(20_000) * 500.0
    assert kyle_lambda(planted * flow + random.standard_normal(20_000) * 0.1, flow) == pytest.approx(planted, abs=5e-6)
    dollars = flow * 50.0
    roots = np.sign(dollars) * np.sqrt(np.abs(dollars))
    assert hasbrouck_lambda(planted * roots + random.standard_normal(20_000) * 0.01, dollars) == pytest.approx(planted, abs=2e-6)


@pytest.mark.parametrize("informed", [0.0, 0.3, 0.8])
def test_vpin_finds_a_planted_imbalance(informed: float) -> None:
    """In each bar of 10,000 shares a share of them is on one side, which changes at random, and the rest is even: |bought - sold| / volume is that share."""
    random = np.random.default_rng(2)
    side = random.choice([0.0, 1.0], 500)
    noise = random.binomial(10_000, 0.5, 500) * (1.0 - informed)
    bought = informed * 10_000.0 * side + noise
    assert vpin(bought, 10_000.0 - bought) == pytest.approx(informed, abs=0.01)
    assert trade_imbalance(bought, 10_000.0 - bought) == pytest.approx(informed * (2.0 * side.mean() - 1.0), abs=0.002)


def test_order_flow_by_hand() -> None:
    """A bid that rises adds its size; one that stays adds the difference; an ask that falls takes its size away, one that rises gives back what stood there."""
    bid, bid_size = np.array([10.0, 10.1, 10.1, 10.0]), np.array([5.0, 7.0, 9.0, 2.0])
    ask, ask_size = np.array([10.2, 10.2, 10.1, 10.3]), np.array([4.0, 4.0, 3.0, 8.0])
    assert order_flow(bid, bid_size, ask, ask_size).tolist() == [7.0, 2.0 - 3.0, -9.0 + 3.0]


def test_amihud_leaves_out_bars_without_volume() -> None:
    assert amihud(np.array([0.01, 0.5, -0.02]), np.array([100.0, 0.0, 400.0])) == pytest.approx(7.5e-5)
    assert np.isnan(amihud(np.array([0.01]), np.array([0.0])))


def test_variances_find_a_planted_volatility_and_bipower_leaves_jumps_out() -> None:
    random = np.random.default_rng(1)
    returns = 0.001 * random.standard_normal(50_000)
    jumps = returns + np.where(random.random(50_000) < 0.0005, 0.05, 0.0)
    assert realised_variance(returns) == pytest.approx(0.05, rel=0.02)
    assert bipower_variance(returns) == pytest.approx(0.05, rel=0.02)
    assert realised_variance(jumps) > 2.0 * 0.05
    assert bipower_variance(jumps) == pytest.approx(0.05, rel=0.1)
    bars = bars_with_spread(4, 0.0, bars=1_500, ticks=1_500)
    for found in (parkinson(bars["high"], bars["low"]), garman_klass(**bars), yang_zhang(**bars)):
        assert sqrt(found) == pytest.approx(0.01, rel=0.05)


def test_variances_by_hand() -> None:
    opens, high, low, close = (
        np.array([10.0, 10.2, 10.1]),
        np.array([10.5, 10.4, 10.6]),
        np.array([9.9, 10.0, 10.0]),
        np.array([10.3, 10.1, 10.5]),
    )
    assert parkinson(high, low) == pytest.approx(sum(log(h / m) ** 2 for h, m in zip(high, low, strict=True)) / 3 / (4 * log(2)))
    each = [0.5 * log(h / m) ** 2 - (2 * log(2) - 1) * log(c / o) ** 2 for o, h, m, c in zip(opens, high, low, close, strict=True)]
    assert garman_klass(opens, high, low, close) == pytest.approx(sum(each) / 3)
    gaps, inner = [log(10.2 / 10.3), log(10.1 / 10.1)], [log(10.1 / 10.2), log(10.5 / 10.1)]
    rs = (
        sum(log(h / c) * log(h / o) + log(m / c) * log(m / o) for o, h, m, c in zip(opens[1:], high[1:], low[1:], close[1:], strict=True))
        / 2
    )
    k = 0.34 / (1.34 + 3 / 1)
    wanted = np.var(gaps, ddof=1) + k * np.var(inner, ddof=1) + (1 - k) * rs
    assert yang_zhang(opens, high, low, close) == pytest.approx(wanted)
    assert bipower_variance(np.array([0.01, -0.02, 0.03])) == pytest.approx(1.5 * pi / 2 * (0.0002 + 0.0006))


def test_entropies_of_what_is_known() -> None:
    """Even coins have one bit, one side alone none; signs that alternate have two words of two, so half a bit a sign."""
    random = np.random.default_rng(6)
    coins = random.choice(np.array([-1, 1], np.int8), 20_000)
    alternating = np.tile(np.array([1, -1], np.int8), 5_000)
    assert shannon_entropy.compiled(coins, 4) == pytest.approx(1.0, abs=0.002)
    assert shannon_entropy.compiled(np.ones(50, np.int8), 3) == 0.0
    assert shannon_entropy.compiled(alternating, 2) == pytest.approx(0.5, abs=1e-4)
    assert shannon_entropy.compiled(np.array([1, 0, -1, 0, 1], np.int8), 1) == pytest.approx(0.9182958340544896)
    assert np.isnan(shannon_entropy.compiled(np.array([1, 0], np.int8), 2))
    assert lempel_ziv.compiled(coins) == pytest.approx(1.0, abs=0.1)
    assert lempel_ziv.compiled(alternating) < 0.01
    assert np.isnan(lempel_ziv.compiled(np.array([0, 1], np.int8)))


def test_pieces_of_the_example_of_kaspar_and_schuster() -> None:
    """0001101001000101 falls into 0 . 001 . 10 . 100 . 1000 . 101: six pieces."""
    signs = np.array([1 if one == "1" else -1 for one in "0001101001000101"], np.int8)
    assert lempel_ziv.compiled(signs) == pytest.approx(6 * 4 / 16)
    assert lempel_ziv(signs) == lempel_ziv.compiled(signs)


def test_the_window_is_the_last_axis() -> None:
    bars = {name: values[:60].reshape(3, 20) for name, values in bars_with_spread(9, 0.01, bars=60).items()}
    flow = {"bought": bars["high"], "sold": bars["low"]}
    cases = {
        roll_spread: (bars["close"],),
        corwin_schultz: (bars["high"], bars["low"]),
        abdi_ranaldo: (bars["close"], bars["high"], bars["low"]),
        amihud: (bars["close"], bars["high"]),
        kyle_lambda: (bars["close"], bars["high"]),
        hasbrouck_lambda: (bars["close"], bars["high"]),
        vpin: tuple(flow.values()),
        realised_variance: (bars["close"],),
        bipower_variance: (bars["close"],),
        parkinson: (bars["high"], bars["low"]),
        garman_klass: tuple(bars.values()),
        yang_zhang: tuple(bars.values()),
    }
    for measure, arrays in cases.items():
        together = measure(*arrays)
        assert together.tolist() == [float(measure(*(one[i] for one in arrays))) for i in range(3)], measure.__name__


def test_too_short_a_window_is_missing() -> None:
    one = np.ones(1)
    short = [roll_spread(one), bipower_variance(one), corwin_schultz(one, one), abdi_ranaldo(one, one, one), yang_zhang(one, one, one, one)]
    assert np.isnan(short).all()
    assert np.isnan([vpin(np.zeros(2), np.zeros(2)), kyle_lambda(one, np.zeros(1))]).all()


def test_of_real_trades_the_effective_spread_is_inside_the_quoted_one_and_roll_s_is_near_it() -> None:
    """IBM on 2013-10-10: 2.6 basis points quoted, 2.0 paid, 1.5 to 1.7 by trade prices alone, since sides persist."""
    day, hours = date(2013, 10, 10), nyse()
    ibm = (pl.col("symbol") == "IBM") & (pl.col("ts").dt.date() == day)
    raw_trades = of_lean(real("us_ticks/trades.parquet").filter(ibm), RAW_TRADES_SCHEMA, hours)
    raw_quotes = of_lean(real("us_ticks/quotes.parquet").filter(ibm), RAW_QUOTES_SCHEMA, hours)
    trades, _ = screen_trades(raw_trades, hours, TickScreeningSettings(conditions="none"))
    quotes, _ = screen_quotes(raw_quotes, hours, TickScreeningSettings(one_sided="unchanged"))
    made = trade_ticks(trades, quotes, by_quotes=True)
    bid, ask, _ = quotes_before(made.at, made.starts, made.keys, quotes)
    known = np.isfinite(bid)
    bid, ask, price, sides = bid[known], ask[known], made.price[known], made.sides[known]
    quoted, effective = quoted_spread(bid, ask), effective_spread(price, (bid + ask) / 2.0, sides)
    assert 1.5e-4 < effective < quoted < 3e-4
    assert 0.6 * effective < roll_spread(np.log(price)) < effective
