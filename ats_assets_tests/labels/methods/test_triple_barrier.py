from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from ats_assets.calendar import session_calendar
from ats_assets.labels.daily_volatility import daily_volatility, volatility_window
from ats_assets.labels.methods.triple_barrier import (
    BARRIERS,
    PLUGIN,
    TRIPLE_BARRIER_SCHEMA,
    TripleBarriers,
    TripleBarrierSettings,
    triple_barriers,
)
from ats_assets_tests.kits.labels import LabelKit
from ats_assets_tests.labels.methods.triple_barrier_oracle import Bar, Bars, Factors, ends
from ats_assets_tests.market_data import SP500_2018, needs_market_data
from ats_assets_tests.rounds import rounds

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(30)]
SETTINGS = TripleBarrierSettings(max_holding_sessions=3, volatility_span_sessions=3, min_returns=2)
CASE = TripleBarrierSettings(upper_multiple=1.0, lower_multiple=1.0, max_holding_sessions=2, volatility_span_sessions=3, min_returns=2)


def frame_of(bars: Bars) -> pl.DataFrame:
    rows = [(symbol, DAYS[day], bar.open, bar.high, bar.low, bar.close, bar.volume) for (symbol, day), bar in bars.items()]
    schema = {"symbol": pl.String, "session": pl.Date} | dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def factors_of(factors: Factors) -> pl.DataFrame:
    rows = [(symbol, DAYS[day], price) for (symbol, day), price in factors.items()]
    return pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date, "price": pl.Float64}, orient="row")


def by_hand(bars: Bars, factors: Factors, chosen: TripleBarrierSettings) -> pl.DataFrame:
    symbols, window = sorted({symbol for symbol, _ in bars}), volatility_window(chosen.volatility_span_sessions)
    rows = [
        {
            "symbol": one.symbol,
            "session": DAYS[one.known],
            "decision_session": DAYS[one.decision],
            "horizon_sessions": chosen.max_holding_sessions,
            "volatility": one.volatility,
            "barrier": BARRIERS[one.label],
            "label": one.label,
            "return": one.returned,
            "touched_session": DAYS[one.priced],
            "exit": one.exit,
        }
        for one in ends(bars, factors, symbols, chosen, window=window, sessions=len(DAYS))
    ]
    return pl.DataFrame(rows, schema=TRIPLE_BARRIER_SCHEMA)


def flat(price: float) -> Bar:
    return Bar(price, price, price, price)


def ends_of(*after: Bar | None, factors: Factors | None = None, chosen: TripleBarrierSettings = CASE) -> list[tuple[object, ...]]:
    """Closes of 100, 110 and 99 (returns of 10% and -10%), a decision after the third, and the bars that follow: label, return, days after the decision, exit.

    The weights are 1 and 1/2, the mean is -1/30, the biased variance 2/225 and the unbiased one 2/225 / (1 - 5/9) = 1/50: the volatility is 0.1 * sqrt(2).
    """
    bars = {("A", i): bar for i, bar in enumerate([flat(100), flat(110), flat(99), *after]) if bar}
    made = triple_barriers(frame_of(bars), DAYS[: 3 + len(after)], DAYS[: 3 + len(after)], chosen, factors_of(factors or {}))
    TripleBarriers.validate(made, lazy=True)
    first = made.filter(decision_session=DAYS[2])
    assert first["volatility"].to_list() == pytest.approx([0.1 * 2**0.5] * first.height)
    found = first.select("label", pl.col("return").round(9), "session", "touched_session", "exit").rows()
    return [(label, back, DAYS.index(known) - 2, DAYS.index(priced) - 2, how) for label, back, known, priced, how in found]


D = round(0.1 * 2**0.5, 9)


def test_a_hand_calculated_case() -> None:
    """Bought at 100: the barriers are 114.142... and 85.857..., and the vertical one is the open of the third session after the decision."""
    quiet = Bar(100, 110, 90, 100)
    assert ends_of(Bar(100, 114.2, 90, 95)) == [(1, D, 1, 1, "barrier")]
    assert ends_of(Bar(100, 110, 85.8, 95)) == [(-1, -D, 1, 1, "barrier")]
    assert ends_of(quiet, Bar(100, 114.2, 90, 95)) == [(1, D, 2, 2, "barrier")]
    assert ends_of(quiet, quiet, Bar(107, 200, 1, 50)) == [(0, 0.07, 3, 3, "open")]
    assert ends_of(quiet, quiet) == [], "not known yet"


def test_where_both_barriers_were_touched_the_lower_one_counts() -> None:
    assert ends_of(Bar(100, 120, 80, 100)) == [(-1, -D, 1, 1, "barrier")]


def test_a_gap_fills_at_the_open_not_at_the_barrier() -> None:
    quiet = Bar(100, 110, 90, 100)
    assert ends_of(quiet, Bar(120, 125, 80, 90)) == [(1, 0.2, 2, 2, "open")], "up at the open, before the low"
    assert ends_of(quiet, Bar(70, 130, 60, 90)) == [(-1, -0.3, 2, 2, "open")]


def test_a_multiple_of_zero_is_no_barrier() -> None:
    assert ends_of(Bar(100, 120, 80, 100), chosen=CASE.model_copy(update={"lower_multiple": 0.0})) == [(1, D, 1, 1, "barrier")]
    neither = CASE.model_copy(update={"lower_multiple": 0.0, "upper_multiple": 0.0})
    wild = Bar(100, 500, 1, 100)
    assert ends_of(wild, wild, Bar(250, 250, 250, 250), chosen=neither) == [(0, 1.5, 3, 3, "open")]


def test_barriers_may_be_returns_and_need_no_volatility_then() -> None:
    """Of the first session that was traded on, and from the second session of the holding period on where settings say so."""
    bars = {("A", i): bar for i, bar in enumerate([flat(100), Bar(100, 106, 99, 100), Bar(100, 106, 99, 100)])}
    for first, known in ((1, 1), (2, 2)):
        chosen = TripleBarrierSettings(
            unit="returns", upper_multiple=0.05, lower_multiple=0.05, max_holding_sessions=2, min_holding_sessions=first
        )
        made = triple_barriers(frame_of(bars), DAYS[:3], DAYS[:3], chosen).filter(decision_session=DAYS[0])
        TripleBarriers.validate(made, lazy=True)
        assert made.select("label", "session", "volatility").rows() == [(1, DAYS[known], None)]
    with pytest.raises(ValidationError, match="lower_multiple must say which"):
        TripleBarrierSettings(unit="returns", upper_multiple=0.05)


def test_a_split_and_a_dividend_are_no_fall() -> None:
    """Bought at 100; two for one on the day after, and a tenth of the price is paid: 45 then is what 100 was."""
    quiet, halved = Bar(100, 110, 90, 100), Bar(45, 50, 40, 46)
    assert ends_of(quiet, halved, Bar(49.5, 60, 45, 45), factors={("A", 4): 0.45}) == [(0, 0.1, 3, 3, "open")]
    assert ends_of(quiet, halved) == [(-1, -0.55, 2, 2, "open")], "which without the actions it is"
    assert ends_of(quiet, Bar(45, 51.5, 40, 46), factors={("A", 4): 0.45}) == [(1, D, 2, 2, "barrier")]
    assert ends_of(quiet, halved, factors={("A", 3): 0.45})[0][:2] == (-1, -0.55), "on the day of the entry it came before it"


def test_what_was_not_traded_touches_nothing_and_what_is_gone_has_its_last_close() -> None:
    quiet, filler = Bar(100, 110, 90, 104), Bar(300, 300, 300, 300, volume=0.0)
    assert ends_of(quiet, filler, Bar(103, 104, 102, 103)) == [(0, 0.03, 3, 3, "open")]
    assert ends_of(quiet, None, None) == [(0, 0.04, 3, 1, "last_close")], "delisted: its label stays"
    assert ends_of(filler, quiet, quiet) == [], "nothing was bought"


prices = st.sampled_from([8.0, 9.0, 9.5, 10.0, 10.5, 11.0, 12.0])
multiples = st.sampled_from([0.0, 0.05, 0.1, 0.5, 1.0, 2.0])
chosen_settings = st.builds(
    TripleBarrierSettings,
    unit=st.sampled_from(["volatility", "volatility", "returns"]),
    upper_multiple=multiples,
    lower_multiple=multiples,
    min_holding_sessions=st.sampled_from([1, 1, 2, 4]),
    max_holding_sessions=st.integers(1, 6),
    volatility_span_sessions=st.sampled_from([2, 3, 6]),
    min_returns=st.integers(2, 4),
)


@st.composite
def markets(draw: st.DrawFn) -> tuple[Bars, Factors]:
    """Bars of a few symbols, some missing, some without volume, and factors of a few sessions."""
    random = draw(st.randoms(use_true_random=False))
    bars: dict[tuple[str, int], Bar] = {}
    for symbol in "ABC"[: draw(st.integers(1, 3))]:
        for day in range(len(DAYS)):
            if random.random() < 0.9:
                four = [random.choice([8.0, 9.0, 9.5, 10.0, 10.5, 11.0, 12.0]) for _ in range(4)]
                bars[symbol, day] = Bar(four[0], max(four), min(four), four[1], 0.0 if random.random() < 0.1 else 5.0)
    actions = draw(st.dictionaries(st.tuples(st.sampled_from("ABC"), st.integers(0, len(DAYS) - 1)), st.sampled_from([0.5, 0.9, 2.0])))
    return bars, actions


@settings(deadline=None, max_examples=rounds(60, 400))
@given(markets(), chosen_settings)
def test_equals_plain_python(market: tuple[Bars, Factors], chosen: TripleBarrierSettings) -> None:
    bars, factors = market
    made = triple_barriers(frame_of(bars), DAYS, DAYS, chosen, factors_of(factors))
    TripleBarriers.validate(made, lazy=True)
    assert_frame_equal(made, by_hand(bars, factors, chosen), rel_tol=1e-10, abs_tol=1e-12)


@settings(deadline=None, max_examples=rounds(25, 100))
@given(markets(), st.integers(0, len(DAYS) - 1), st.randoms(use_true_random=False))
def test_a_session_alone_has_the_bits_that_it_has_in_a_range(market: tuple[Bars, Factors], day: int, random: Random) -> None:
    bars, factors = frame_of(market[0]), factors_of(market[1])
    start = max(0, day - SETTINGS.max_holding_sessions - 1 - volatility_window(SETTINGS.volatility_span_sessions))
    whole = triple_barriers(bars, DAYS, DAYS, SETTINGS, factors).filter(session=DAYS[day])
    seen = bars.filter(pl.col("session").is_between(DAYS[start], DAYS[day]))
    seen = seen[random.sample(range(seen.height), seen.height)]
    alone = triple_barriers(seen, DAYS[start : day + 1], [DAYS[day]], SETTINGS, factors.filter(pl.col("session") <= DAYS[day]))
    assert alone.equals(whole)


def real_market(sessions: Sequence[date]) -> pl.DataFrame:
    columns = ("symbol", "session", "open", "high", "low", "close", "volume")
    bars = pl.read_parquet(SP500_2018).rename({"date": "session"}).select(columns).drop_nulls()
    return bars.filter(pl.col("session").is_between(sessions[0], sessions[-1]))


@needs_market_data
def test_the_volatility_is_that_of_pandas() -> None:
    days = session_calendar("XNYS", date(2013, 1, 1)).sessions(date(2014, 1, 2), date(2016, 12, 30))
    closes = real_market(days).filter(symbol="JPM").sort("session")["close"].to_numpy()
    returns = closes[1:] / closes[:-1] - 1
    returns[[5, 6, 400]] = np.nan  # a gap ages what is before it
    made = daily_volatility(returns[:, None], np.arange(len(returns)), 20, 2)[:, 0]
    np.testing.assert_allclose(made[1:], pd.Series(returns).ewm(span=20).std().to_numpy()[1:], rtol=1e-7)


@needs_market_data
def test_sessions_of_the_real_market_are_the_same_alone_and_chunk_by_chunk() -> None:
    days = session_calendar("XNYS", date(2013, 1, 1)).sessions(date(2015, 1, 2), date(2016, 4, 29))
    bars, chosen = real_market(days), TripleBarrierSettings()
    made = triple_barriers(bars, days, days[-150:], chosen)
    TripleBarriers.validate(made, lazy=True)
    assert made.height > 60_000
    assert set(made["label"]) == {-1, 0, 1}
    for session in (days[-150], days[-64], days[-1]):
        alone = triple_barriers(bars.filter(pl.col("session") <= session), [d for d in days if d <= session], [session], chosen)
        assert alone.equals(made.filter(session=session))


class TestTripleBarrier(LabelKit):
    plugin = PLUGIN
    small: ClassVar = {"max_holding_sessions": 3, "volatility_span_sessions": 5, "min_returns": 3}
