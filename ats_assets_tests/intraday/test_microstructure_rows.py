"""Measures beside bars: of the bars up to their own, the same alone and in a range, without what happens between sessions."""

from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ats_assets.intraday.contracts import microstructure_contract
from ats_assets.intraday.information_bars import known_with_session
from ats_assets.intraday.intraday_volatility import parkinson
from ats_assets.intraday.microstructure_rows import MEASURES, MICROSTRUCTURE_SCHEMA, microstructure_rows
from ats_assets.intraday.order_flow import vpin
from ats_assets.plugins import SAMPLERS
from ats_assets_tests.intraday.test_sampled_assets import stored
from ats_assets_tests.kits.tick_market import TICK_DAYS, closes, tick_frames
from ats_assets_tests.small_market import files_of, make_history

WINDOW, BACK = 12, 2


@cache
def bars() -> pl.DataFrame:
    sampler = SAMPLERS.made("tick", {"threshold": 25, "spread": True})
    return known_with_session(sampler.bars(tick_frames(), TICK_DAYS, TICK_DAYS), closes)


def rows_of(given: pl.DataFrame, days: list[date], sessions: list[date]) -> pl.DataFrame:
    return microstructure_rows(given, days, sessions, window_bars=WINDOW, lookback_sessions=BACK)


def windowed(first: int, last: int) -> pl.DataFrame:
    days = TICK_DAYS[max(0, first - BACK) : last + 1]
    return rows_of(bars().filter(pl.col("session").is_in(days)), days, TICK_DAYS[first : last + 1])


def test_there_is_a_row_for_each_bar_and_the_contract_holds() -> None:
    rows = windowed(0, 11)
    microstructure_contract().validate(rows, lazy=True)
    assert (
        rows.select("symbol", "session", "known_at")
        .sort("symbol", "known_at")
        .equals(bars().select("symbol", "session", "known_at").sort("symbol", "known_at"))
    )
    full = rows.filter(pl.col("vpin").is_not_nan())
    assert full.height > 0.8 * rows.height
    others = [name for name in MEASURES if name != "jump_share"]
    assert full.filter(pl.col("symbol") != "C").select(pl.all_horizontal(pl.col(others).is_finite()).mean()).item() > 0.9


def test_a_session_alone_has_the_bits_that_it_has_in_a_range() -> None:
    whole = windowed(0, 11)
    for i in range(12):
        assert windowed(i, i).equals(whole.filter(session=TICK_DAYS[i])), TICK_DAYS[i]


@pytest.mark.parametrize("place", [0.35, 0.8])
def test_other_bars_after_an_instant_change_no_row_that_was_known(place: float) -> None:
    instant = bars().sort("known_at")["known_at"][int(place * bars().height)]
    later = pl.col("known_at") > instant
    numbers = ["high", "close", "volume", "buy_volume", "dollar_volume", "spread"]
    other = bars().with_columns(pl.when(later).then(pl.col(name) * 1.7).otherwise(name) for name in numbers)
    before, after = (rows_of(given, TICK_DAYS, TICK_DAYS).filter(~later) for given in (bars(), other))
    assert before.height > 100
    assert before.equals(after)


def test_values_are_those_of_the_functions_on_the_window() -> None:
    rows, own = windowed(9, 9).filter(symbol="B"), bars().filter(symbol="B", session=TICK_DAYS[9]).sort("bar")
    assert own.height > WINDOW
    last = own.tail(WINDOW)
    found = rows.sort("known_at").tail(1)
    assert found["parkinson"].item() == pytest.approx(float(parkinson(last["high"].to_numpy(), last["low"].to_numpy())), rel=1e-6)
    assert found["vpin"].item() == pytest.approx(float(vpin(last["buy_volume"].to_numpy(), last["sell_volume"].to_numpy())), rel=1e-6)


def test_what_happens_between_sessions_is_no_trading() -> None:
    """A split of 2 for 1 before a session, and a gap of a tenth: shares, variances and spreads are the same."""
    same = [
        "roll_spread",
        "corwin_schultz",
        "abdi_ranaldo",
        "realised_variance",
        "bipower_variance",
        "parkinson",
        "garman_klass",
        "yang_zhang",
    ]
    prices = ["open", "high", "low", "close"]
    moved = bars().with_columns(pl.when(pl.col("session") < TICK_DAYS[9]).then(pl.col(name) * 2.2).otherwise(name) for name in prices)
    before, after = (rows_of(given, TICK_DAYS, [TICK_DAYS[9]]).select(same).to_numpy() for given in (bars(), moved))
    assert np.allclose(before, after, rtol=1e-4, atol=1e-9, equal_nan=True)


def test_no_bars_and_too_few() -> None:
    assert rows_of(bars().clear(), TICK_DAYS, TICK_DAYS).equals(MICROSTRUCTURE_SCHEMA.to_frame())
    few = rows_of(bars().filter(pl.col("bar") < 3), TICK_DAYS, TICK_DAYS)
    assert few.height > 0
    assert few.select(pl.col(list(MEASURES)).is_nan().all()).row(0) == (True,) * len(MEASURES)


def test_it_is_an_asset_where_the_settings_name_a_frame(tmp_path: Path) -> None:
    made = []
    for name, alone in (("range", False), ("alone", True)):
        samplers = {"dollar_bars": {"kind": "dollar", "bars_per_session": 20, "estimated_on_sessions": 2}}
        deployment, sessions = stored(tmp_path / name, **samplers, microstructure={"frame": "dollar_bars", "window_bars": 10})
        make_history(deployment, sessions[0], sessions[-1], ["dollar_bars"])
        for session in sessions[::-3] if alone else [sessions[0]]:
            make_history(deployment, session, session if alone else sessions[-1], ["microstructure"])
        made.append({key: value for key, value in files_of(tmp_path / name).items() if "microstructure" in key})
        some = sessions[::-3] if alone else sessions
        assert deployment.warehouse.read("microstructure", some).height == deployment.warehouse.read("dollar_bars", some).height
    whole, few = made
    assert len(few) == 3
    assert few == {key: whole[key] for key in few}
