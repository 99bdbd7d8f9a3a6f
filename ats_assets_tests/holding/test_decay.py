"""The holding period: planted decay of skill is met by the holding period that theory gives, no skill by no recommendation, and a session alone is the same as in any range."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.corporate_actions.identity import identities_of
from ats_assets.errors import SettingsError
from ats_assets.holding.contracts import HoldingPeriod
from ats_assets.holding.decay import holding_curve, session_decay
from ats_assets.holding.holding_rows import followed_holding, holding_lookback, holding_rows
from ats_assets.portfolio.netting import OwnHoldings, netted, over_holding_period
from ats_assets.settings import HoldingPeriodSettings, load_settings
from ats_assets_tests.bars.companies import name_change_actions
from ats_assets_tests.rounds import rounds

DAYS = [date(2020, 1, 6) + timedelta(days=i) for i in range(1200)]
SIGMA = 0.02


def planted(seed: int, n: int, symbols: int, half_life: float, skill: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores that follow an autoregression with a half-life, the weights of a rank portfolio, and returns that they tell a part of."""
    random, rho = np.random.default_rng(seed), 0.5 ** (1.0 / half_life)
    scores = np.zeros((n, symbols))
    scores[0] = random.standard_normal(symbols)
    for t in range(1, n):
        scores[t] = rho * scores[t - 1] + np.sqrt(1 - rho**2) * random.standard_normal(symbols)
    returns = SIGMA * (skill * scores + np.sqrt(1 - skill**2) * random.standard_normal((n, symbols)))
    ranks = scores.argsort(axis=1).argsort(axis=1) - (symbols - 1) / 2.0
    return scores, ranks / np.abs(ranks).sum(axis=1, keepdims=True), returns


def best_in_theory(half_life: float, skill: float, cost: float, longest: int) -> int:
    """Of a rank portfolio: exposure 2/sqrt(3) at a gross of 1, skill that decays by rho a session, and changes of weight of pairs of normal variables whose correlation is rho^h."""
    rho, h = 0.5 ** (1.0 / half_life), np.arange(1, longest + 1)
    gross = SIGMA * (2 / np.sqrt(3)) * skill * (1 - rho**h) / (h * (1 - rho))
    moved = (4 / np.sqrt(3)) * np.sqrt(1 - rho**h) / np.sqrt(np.pi)  # E|U - V| of ranks, near to that of normals of the same spread
    return int(np.argmax(gross - cost * moved / h)) + 1


@pytest.mark.parametrize(("half_life", "cost"), [(2.0, 0.001), (1.0, 0.0055), (4.0, 0.005), (6.0, 0.008)])
def test_a_decaying_signal_is_held_about_as_long_as_theory_says(half_life: float, cost: float) -> None:
    skill, longest = 0.20, 20
    found = []
    for seed in range(3):
        curve = holding_curve(session_decay(*planted(seed, 400, 80, half_life, skill), longest), cost=cost, bound=0.0, least=100)
        assert curve is not None
        assert curve.best is not None
        found.append(curve.best + 1)
        rho = 0.5 ** (1.0 / half_life)
        expected = skill * rho ** np.arange(5) * 0.95  # of ranks of normal variables: 6/pi asin(r/2), near to 0.955 r
        assert curve.rank_ic[:5] == pytest.approx(expected, abs=0.02)
    best = best_in_theory(half_life, skill, cost, longest)
    assert abs(float(np.median(found)) - best) <= 1.0, (found, best)


def test_the_dearer_the_trading_the_longer() -> None:
    decay = session_decay(*planted(1, 400, 80, 4.0, 0.2), 20)
    curves = [holding_curve(decay, cost=cost, bound=0.0, least=100) for cost in (0.0005, 0.004, 0.008)]
    best = [curve.best for curve in curves if curve is not None and curve.best is not None]
    assert best == sorted(best)
    assert len(best) == 3
    assert best[0] == 0
    assert best[-1] >= 2


def test_where_large_trades_cost_more_a_book_is_held_longer_and_each_trade_pays_for_its_size() -> None:
    """Beside a plain sum over sessions and symbols: half the capital in one go costs more than twice a quarter of it."""
    scores, weights, returns = planted(1, 300, 40, 4.0, 0.2)

    def price(_t: int, _places: np.ndarray, traded: np.ndarray) -> np.ndarray:
        return 0.03 * np.sqrt(traded)

    plain = session_decay(scores, weights, returns, 12)
    decay = session_decay(scores, weights, returns, 12, price)
    by_size, fixed = (holding_curve(one, cost=0.002, bound=0.0, least=100) for one in (decay, plain))
    assert by_size is not None
    assert fixed is not None
    moved = [np.abs(weights[12:] - weights[12 - h : -h]) / h for h in range(1, 13)]
    assert by_size.cost == pytest.approx([(0.03 * one**1.5).sum(axis=1).mean() for one in moved])
    assert (by_size.turnover == fixed.turnover).all()
    assert fixed.cost == pytest.approx(0.002 * fixed.turnover)
    assert by_size.best is not None
    assert fixed.best is not None
    assert by_size.cost[0] / by_size.turnover[0] > by_size.cost[-1] / by_size.turnover[-1]


def test_skill_of_the_wrong_sign_is_no_recommendation() -> None:
    scores, weights, returns = planted(1, 300, 50, 4.0, 0.2)
    curve = holding_curve(session_decay(-scores, -weights, returns, 10), cost=0.0, bound=1.645, least=100)
    assert curve is not None
    assert curve.best is None


def test_no_skill_is_no_recommendation() -> None:
    """Of 30 histories without skill, with costs and without: what is recommended by chance stays below the level."""
    recommended = {0.0: 0, 0.0005: 0}
    for seed in range(rounds(30, 200)):
        decay = session_decay(*planted(100 + seed, 150, 20, 3.0, 0.0), 8)
        for cost in recommended:
            curve = holding_curve(decay, cost=cost, bound=1.645, least=100)
            assert curve is not None
            recommended[cost] += curve.best is not None
    assert recommended[0.0005] <= 0.1 * rounds(30, 200)
    assert recommended[0.0] <= 0.2 * rounds(30, 200)


def frames(seed: int, n: int, symbols: int) -> tuple[dict[str, pl.DataFrame], pl.DataFrame, pl.DataFrame]:
    random = np.random.default_rng(seed)
    scores, weights, returns = planted(seed, n, symbols, 3.0, 0.3)
    changes = [(DAYS[n // 2], "S00", "N00")] if seed % 2 else []
    rows, outcomes = [], []
    for i in range(n):
        for j in range(symbols):
            name = "N00" if changes and j == 0 and i >= n // 2 else f"S{j:02}"
            if random.random() > 0.1:
                rows.append((name, DAYS[i], float(scores[i, j]), float(weights[i, j])))
                if i + 2 < n:
                    outcomes.append((name, DAYS[i + 2], DAYS[i], 1, float(returns[i, j])))
    signals = pl.DataFrame(rows, schema=["symbol", "session", "score", "target_weight"], orient="row")
    columns = ["symbol", "session", "decision_session", "horizon_sessions", "forward_return"]
    known = pl.DataFrame(outcomes, schema=columns, orient="row").with_columns(pl.col("horizon_sessions").cast(pl.Int32))
    return {"a": signals, "b": signals.with_columns(-pl.col("score", "target_weight"))}, known, name_change_actions(*changes)


SMALL = HoldingPeriodSettings.model_construct(longest_sessions=5, sessions=20, min_sessions=8, confidence=0.9, followed_sessions=3)


def rows_of(given: tuple[dict[str, pl.DataFrame], pl.DataFrame, pl.DataFrame], n: int, places: range) -> pl.DataFrame:
    signals, returns, actions = given
    first, last = DAYS[max(0, places[0] - holding_lookback(SMALL))], DAYS[places[-1]]
    window = pl.col("session").is_between(first, last)
    own = {name: rows.filter(window) for name, rows in signals.items()}
    since = pl.col("session").is_between(DAYS[max(0, places[0] - SMALL.sessions - 2)], last)
    days = [day for day in DAYS[:n] if first <= day <= last]
    sessions = [DAYS[i] for i in places]
    return holding_rows(own, returns.filter(since), days, sessions, SMALL, cost=0.0002, known=identities_of(actions))


@settings(max_examples=rounds(4, 40), deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 8))
def test_a_session_alone_is_the_same_as_in_any_range(seed: int, symbols: int) -> None:
    given_frames = frames(seed, 50, symbols)
    whole = HoldingPeriod.validate(rows_of(given_frames, 50, range(50)))
    for place in (0, 12, 33, 49):
        assert rows_of(given_frames, 50, range(place, place + 1)).equals(whole.filter(session=DAYS[place]))


@settings(max_examples=rounds(20, 200))
@given(st.lists(st.one_of(st.none(), st.integers(1, 20)), min_size=2, max_size=40), st.integers(1, 10))
def test_the_followed_holding_period_changes_by_a_bounded_step(recommended: list[int | None], followed: int) -> None:
    days = DAYS[: len(recommended)]
    rows = pl.DataFrame({"session": days, "strategy": "a", "recommendation": pl.Series(recommended, dtype=pl.Int32)})
    found = followed_holding(rows, ["a"], days, days, default=5, followed=followed)["a"]
    values = [found[day] for day in days]
    assert all(1 <= value <= 20 for value in values)
    steps = [abs(b - a) for a, b in zip(values[followed:], values[followed - 1 :], strict=False)]
    assert max(steps, default=0) <= 19 / followed + 1
    alone = {
        day: followed_holding(rows.filter(pl.col("session") <= day), ["a"], days, [day], default=5, followed=followed)["a"][day]
        for day in days
    }
    assert alone == found


def test_own_holding_periods_that_are_all_the_same_are_the_common_one() -> None:
    signals, _, actions = frames(4, 30, 5)
    known, days, capital = identities_of(actions), DAYS[:30], {"a": 0.6, "b": 0.3}
    same = OwnHoldings(
        signals=signals, capital=capital, holding={name: dict.fromkeys(days, 4) for name in capital}, days=days, identities=known
    )
    common = over_holding_period(netted(signals, capital), days, days, holding_sessions=4, identities=known)
    made = same.wanted(days)
    assert made.drop("proposed_weight").equals(common.drop("proposed_weight"))
    assert made["proposed_weight"].to_numpy() == pytest.approx(common["proposed_weight"].to_numpy(), abs=1e-15)
    own = OwnHoldings(signals=signals, capital=capital, holding={"a": dict.fromkeys(days, 1), "b": dict.fromkeys(days, 4)}, days=days)
    last = own.part("a", days[-1:])
    assert last["proposed_weight"].to_numpy() == pytest.approx(
        signals["a"].filter(session=days[-1]).sort("symbol")["target_weight"].to_numpy() * 0.6
    )


def test_settings_that_cannot_be_followed_are_refused() -> None:
    with pytest.raises(SettingsError, match="there is no table"):
        load_settings(portfolio={"holding_sessions": "optimised"})
    with pytest.raises(SettingsError, match="add 1 there"):
        load_settings(holding_period={}, labels={"horizons_sessions": (5,)})
    assert load_settings(holding_period={}, portfolio={"holding_sessions": "optimised"}).holding_sessions == 20
