"""Timeframe selection: planted skill is found where it is, none where there is none, and a session alone is the same as in any range."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.evaluation.skill import average_ranks, correlation
from ats_assets.selection.contracts import TimeframeSelection
from ats_assets.selection.skill_by_symbol import skill_parts, symbol_skill
from ats_assets.selection.timeframe_rows import TimeframeFrames, timeframe_lookback, timeframe_rows
from ats_assets.settings import TimeframeSelectionSettings
from ats_assets_tests.rounds import rounds
from ats_assets_tests.selection.selection_market import Market, between, random_selection_market

SMALL = TimeframeSelectionSettings.model_construct(sessions=14, min_sessions=5, confidence=0.9)


def rows_of(market: Market, own: TimeframeSelectionSettings, places: range, longest: int = 3) -> pl.DataFrame:
    """Made of the windows of these sessions, and of nothing else."""
    days, last = market.days, market.days[places[-1]]
    first = days[max(0, places[0] - timeframe_lookback(own, longest))]
    frames = TimeframeFrames(
        predictions=between(market.predictions, first, last),
        forward_returns=between(market.forward_returns, days[max(0, places[0] - own.sessions + 1)], last),
        universe=between(market.universe, days[places[0]], last),
        known=market.known,
    )
    return timeframe_rows(frames, [day for day in days if first <= day <= last], [days[i] for i in places], own)


@settings(max_examples=rounds(6, 60), deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 8))
def test_a_session_alone_is_the_same_as_in_any_range(seed: int, symbols: int) -> None:
    market = random_selection_market(seed, 30, symbols)
    whole = TimeframeSelection.validate(rows_of(market, SMALL, range(4, 30)))
    for place in (4, 15, 29):
        assert rows_of(market, SMALL, range(place, place + 1)).equals(whole.filter(session=market.days[place]))
    assert whole.group_by("session", "symbol").agg(pl.col("chosen").sum())["chosen"].max() in {None, 0, 1}


@settings(max_examples=rounds(10, 100), deadline=None)
@given(st.integers(0, 10**6))
def test_the_mean_of_the_parts_is_the_rank_ic(seed: int) -> None:
    market = random_selection_market(seed, 12, 6, horizons=(1,))
    parts = skill_parts(market.predictions, market.forward_returns, market.days, market.known).parts.get(1)
    judged = market.predictions.join(market.forward_returns, left_on=["symbol", "session"], right_on=["symbol", "decision_session"])
    for (known,), rows in judged.group_by("session_right"):
        ic = correlation(*(average_ranks(rows[name].to_numpy()) for name in ("score", "forward_return")))
        assert parts is not None
        assert ic is None or np.nanmean(parts[:, market.days.index(known)]) == pytest.approx(ic)  # pyright: ignore[reportArgumentType]


def planted(seed: int, n_symbols: int, n_sessions: int, of_symbol: np.ndarray) -> np.ndarray:
    """Parts with a mean for each symbol, of shape (n_symbols, n_sessions)."""
    return np.random.default_rng(seed).normal(0.0, 1.0, (n_symbols, n_sessions)) + of_symbol[:, None]


def test_skill_of_half_the_symbols_is_theirs_and_of_nobody_is_nobodys() -> None:
    """Planted, over 40 histories: of those with skill most have a lower bound above zero, of the others few."""
    with_skill, without, none, false = 0, 0, 0, 0
    for seed in range(40):
        truth = np.where(np.arange(60) < 30, 0.35, 0.0)
        found = symbol_skill(planted(seed, 60, 250, truth), 1, 60)
        chosen = found.skill - 1.2816 * found.error > 0
        with_skill, without = with_skill + int(chosen[:30].sum()), without + int(chosen[30:].sum())
        nobody = symbol_skill(planted(1000 + seed, 60, 250, np.zeros(60)), 1, 60)
        false += int((nobody.skill - 1.2816 * nobody.error > 0).sum())
        none += 60
    assert with_skill / (30 * 40) > 0.95
    assert without / (30 * 40) < 0.25
    assert false / none < 0.15


def test_shrinking_is_nearer_to_the_truth_than_each_symbols_own_mean() -> None:
    """The theorem of James and Stein, over 60 histories."""
    own, shrunk = 0.0, 0.0
    for seed in range(60):
        truth = np.random.default_rng(seed).normal(0.03, 0.05, 40)
        found = symbol_skill(planted(seed + 500, 40, 150, truth), 1, 60)
        own += float(((found.rank_ic - truth) ** 2).sum())
        shrunk += float(((found.skill - truth) ** 2).sum())
    assert shrunk < 0.7 * own


def test_the_horizon_with_skill_is_the_timeframe_and_one_without_is_none() -> None:
    """Scores that order the outcomes of three sessions and not those of one; and scores that order nothing."""
    market = random_selection_market(11, 160, 12)
    ahead = market.predictions.select("symbol", "score", decision_session="session")
    linked = market.forward_returns.join(ahead, on=["symbol", "decision_session"], how="left")
    skilled = pl.when(pl.col("horizon_sessions") == 3).then(pl.col("score") * 0.02 + pl.col("forward_return")).otherwise("forward_return")
    outcomes = linked.with_columns(forward_return=skilled).drop("score")
    own = TimeframeSelectionSettings(sessions=120, min_sessions=40, confidence=0.95)
    frames = {"universe": market.universe, "predictions": market.predictions, "known": market.known}
    last = market.days[-1:]
    found = timeframe_rows(TimeframeFrames(forward_returns=outcomes, **frames), market.days, last, own)
    assert set(found["timeframe"]) == {3}
    nothing = timeframe_rows(TimeframeFrames(forward_returns=market.forward_returns, **frames), market.days, last, own)
    assert nothing.filter(pl.col("chosen")).height <= 1
    assert nothing.filter(pl.col("timeframe").is_null())["lower"].max() <= 0  # pyright: ignore[reportOptionalOperand, reportOperatorIssue]
