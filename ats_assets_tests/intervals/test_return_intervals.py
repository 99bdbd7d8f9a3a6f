"""Intervals of returns on simulated markets: coverage, also where the market changes; the same bits alone and in a range; nothing of what comes later."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.calendar import SessionCalendar
from ats_assets.corporate_actions.identity import Identities
from ats_assets.errors import CalendarError, LookAheadError
from ats_assets.intervals.contracts import PredictionIntervals
from ats_assets.intervals.coverage import coverage_verdict, session_coverage
from ats_assets.intervals.return_intervals import chain_start, interval_windows, return_intervals
from ats_assets.intervals.schema import INTERVALS_SCHEMA
from ats_assets.settings import ConfidenceSettings
from ats_assets_tests.evaluation.outcomes import days, outcomes

SMALL = ConfidenceSettings(
    scale_sessions=10, min_scale_outcomes=5, calibration_sessions=12, min_calibration_rows=40, restart="monthly", step=0.05
)
CALENDAR = SessionCalendar("24/7", days(1)[0])
"""Every day is a session, as in the simulated outcomes."""


def made(predictions: pl.DataFrame, returns: pl.DataFrame, known: list[date], sessions: list[date], **how) -> pl.DataFrame:
    given = {"calendar": CALENDAR, "horizon_sessions": 3, "settings": SMALL} | how
    return return_intervals(predictions, returns, known, sessions, given.pop("settings"), **given)


def changing_market(
    sessions: int, symbols: int, *, calm: float = 0.01, wild: float = 0.05, seed: int = 0
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores that know a little, one wild market from the middle on, and a factor that all symbols have in common."""
    predictions, returns = outcomes(sessions, symbols, 0.2, horizons=(1,), seed=seed)
    random = np.random.default_rng(seed + 1)
    size = np.where(np.arange(sessions) < sessions // 2, calm, wild)
    common = dict(zip(days(sessions), 0.5 * size * random.standard_normal(sessions), strict=True))
    scale = dict(zip(days(sessions), size / 0.01, strict=True))
    at = pl.col("decision_session")
    moved = pl.col("forward_return") * at.replace_strict(scale) + at.replace_strict(common)
    return predictions, returns.with_columns(forward_return=moved.clip(-0.9, None))


def test_the_contract_holds_and_sessions_without_enough_outcomes_have_nulls() -> None:
    predictions, returns = outcomes(90, 12, 0.3)
    found = made(predictions, returns, days(90), days(90))
    assert found.schema == INTERVALS_SCHEMA
    PredictionIntervals.validate(found)
    assert found.select("symbol", "session").equals(predictions.sort("session", "symbol").select("symbol", "session"))
    early = found.filter(pl.col("session") < days(90)[8])
    assert early.select("lower", "upper", "adapted_level", "confidence").null_count().sum_horizontal()[0] == 4 * early.height
    late = found.filter(pl.col("session") >= days(90)[20])
    assert late["width"].null_count() == 0
    assert ((late["upper"] - late["lower"]) == late["width"]).all()
    assert made(predictions.clear(), returns, days(90), days(90)).is_empty()


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 1000), st.integers(0, 149))
def test_a_session_alone_has_the_bits_that_it_has_in_a_range_and_nothing_later_changes_it(seed: int, at: int) -> None:
    predictions, returns = outcomes(150, 9, 0.2, seed=seed)
    day = days(150)[at]
    whole = made(predictions, returns, days(150), days(150)).filter(session=day)
    windows = interval_windows(SMALL, 3, "24/7")
    known = days(150)[max(0, at - windows.predictions) : at + 1]
    first = days(150)[max(0, at - windows.outcomes)]
    alone = made(
        predictions.filter(pl.col("session").is_between(known[0], day)).sample(fraction=1.0, shuffle=True, seed=seed),
        returns.filter(pl.col("session").is_between(first, day)).sample(fraction=1.0, shuffle=True, seed=seed),
        known,
        [day],
    )
    assert alone.equals(whole)
    later = returns.with_columns(
        forward_return=pl.when(pl.col("session") > day).then(pl.col("forward_return") * -7.0).otherwise("forward_return")
    )
    assert made(predictions, later, days(150), days(150)).filter(session=day).equals(whole)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_coverage_is_the_level_in_calm_and_wild_markets_where_a_fixed_level_fails(seed: int) -> None:
    predictions, returns = changing_market(400, 40, seed=seed)
    adaptive = ConfidenceSettings(scale_sessions=40, calibration_sessions=60, min_calibration_rows=300, step=0.05)
    fixed = adaptive.model_copy(update={"step": 1e-9})

    def coverage(of: ConfidenceSettings) -> pl.DataFrame:
        found = made(predictions, returns, days(400), days(400), settings=of, horizon_sessions=1)
        return session_coverage(found, returns, 1)

    changed = pl.col("session").is_between(days(400)[200], days(400)[260])
    own, other = coverage(adaptive), coverage(fixed)
    assert own["coverage"].mean() == pytest.approx(0.9, abs=0.02)
    assert own.filter(changed)["coverage"].mean() > other.filter(changed)["coverage"].mean() + 0.02  # pyright: ignore[reportOptionalOperand]
    assert coverage_verdict(own, 1, tolerance=0.02).is_sound


@pytest.mark.parametrize(("part", "said"), [(0.6, "too narrow"), (1.0, ""), (2.5, "too wide")])
def test_the_check_finds_intervals_out_that_are_too_narrow_or_too_wide(part: float, said: str) -> None:
    for seed in range(4):
        predictions, returns = changing_market(260, 30, wild=0.01, seed=seed)
        how = ConfidenceSettings(scale_sessions=40, calibration_sessions=60, min_calibration_rows=300)
        found = made(predictions, returns, days(260), days(260)[120:], settings=how, horizon_sessions=1)
        middle, half = pl.col("expected_return"), pl.col("width") / 2 * part
        verdict = coverage_verdict(
            session_coverage(found.with_columns(lower=middle - half, upper=middle + half), returns, 1), 1, tolerance=0.02
        )
        assert verdict.is_sound == (not said), verdict.text
        assert said in verdict.text


def test_the_realised_errors_of_a_period_keep_the_bound_of_their_chain() -> None:
    """Whatever the market did: of the sessions of one period, |mean error - alpha| <= (1 + 2 delay * step) / (step * T)."""
    predictions, returns = changing_market(300, 20, wild=0.2)
    how = ConfidenceSettings(scale_sessions=10, calibration_sessions=20, min_calibration_rows=100, step=0.3, restart="quarterly")
    found = made(predictions, returns, days(300), days(300), settings=how, horizon_sessions=1)
    covered = session_coverage(found, returns, 1).with_columns(chain=pl.col("session").dt.quarter())
    for (_,), of in covered.group_by("chain"):
        assert abs(float(of["coverage"].mean()) - 0.9) <= (1 + 4 * 0.3) / (0.3 * of.height)  # pyright: ignore[reportArgumentType]


def test_confidence_comes_true() -> None:
    predictions, returns = outcomes(300, 60, 0.3, horizons=(1,), seed=4)
    found = made(predictions, returns, days(300), days(300)[100:], settings=ConfidenceSettings(calibration_sessions=60), horizon_sessions=1)
    came = found.join(returns.select("symbol", "forward_return", session="decision_session"), on=["symbol", "session"])
    came = came.with_columns(right=(pl.col("forward_return") > 0) == (pl.col("expected_return") >= 0))
    groups = came.group_by((pl.col("confidence") * 20).floor()).agg(pl.len(), pl.col("right").mean(), said=pl.col("confidence").mean())
    groups = groups.filter(pl.col("len") > 400)
    assert groups.height >= 3
    assert ((groups["right"] - groups["said"]).abs() < 0.05).all()


def test_a_scale_survives_a_change_of_name() -> None:
    predictions, returns = outcomes(60, 12, 0.2, horizons=(3,))
    wild = returns.with_columns(
        forward_return=pl.when(pl.col("symbol") == "S000").then(pl.col("forward_return") * 8).otherwise("forward_return")
    )
    renamed = days(60)[50]

    def new_name(frame: pl.DataFrame, session: str) -> pl.DataFrame:
        old = (pl.col("symbol") == "S000") & (pl.col(session) >= renamed)
        return frame.with_columns(symbol=pl.when(old).then(pl.lit("NEW")).otherwise("symbol"))

    changes = pl.DataFrame({"session": [renamed], "symbol": ["S000"], "new_symbol": ["NEW"]})
    names = (new_name(predictions, "session"), new_name(wild, "decision_session"))
    day = days(60)[52]
    followed = made(*names, days(60), [day], identities=Identities(changes)).filter(symbol="NEW")["width"][0]
    same = made(predictions, wild, days(60), [day]).filter(symbol="S000")["width"][0]
    lost = made(*names, days(60), [day]).filter(symbol="NEW")["width"][0]
    assert followed == same > 2 * lost


def test_chains_begin_with_the_period_before() -> None:
    calendar = SessionCalendar("XNYS", date(2021, 1, 4))
    assert chain_start(calendar, date(2021, 1, 20), SMALL) <= date(2021, 1, 4)
    assert chain_start(calendar, date(2021, 3, 31), SMALL) == date(2021, 2, 1)
    assert chain_start(calendar, date(2021, 4, 1), SMALL) == date(2021, 3, 1)


def test_what_is_wrong_is_named() -> None:
    predictions, returns = outcomes(30, 8, 0.3)
    with pytest.raises(LookAheadError, match="not out of sample"):
        made(predictions.with_columns(model_session=pl.col("session")), returns, days(30), days(30))
    with pytest.raises(CalendarError, match="2024-01-30 is not one of the 20 sessions"):
        made(predictions, returns, days(20), [days(30)[-1]])


def test_unbounded_intervals_hold_everything_and_empty_ones_nothing() -> None:
    day = days(1)[0]
    rows = [("A", None, None, 1.02), ("B", 0.01, 0.01, -0.1), ("C", None, None, None)]
    made_of = pl.DataFrame(
        [(s, day, 0.01, low, high, 0.9, at, None, 0.5) for s, low, high, at in rows], schema=INTERVALS_SCHEMA, orient="row"
    )
    came = pl.DataFrame({"symbol": ["A", "B", "C"], "decision_session": day, "horizon_sessions": 1, "forward_return": [9.0, 0.01, 0.0]})
    for symbol, expected in (("A", [1.0]), ("B", [0.0]), ("C", [])):
        assert session_coverage(made_of.filter(symbol=symbol), came, 1)["coverage"].to_list() == expected
    assert coverage_verdict(session_coverage(made_of.clear(), came, 1), 1, tolerance=0.0).is_sound
