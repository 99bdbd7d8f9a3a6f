"""The volatility target against the sample covariance, through a split, a payment, a halt and a change of name; and as what is traded."""

import math
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.errors import SettingsError
from ats_assets.plugins import RISK_RULES
from ats_assets.risk.rule import PROPOSED_SCHEMA, ruled
from ats_assets.risk.rules.volatility_target import VolatilityTarget, VolatilityTargetSettings, book_returns
from ats_assets.sources.schema import BARS_SCHEMA
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market

DAYS = [date(2024, 1, day) for day in range(1, 13)]


def bars(closes: dict[str, list[float | None]]) -> pl.DataFrame:
    rows = [(symbol, day, close) for symbol, series in closes.items() for day, close in zip(DAYS, series, strict=False) if close]
    frame = pl.DataFrame(rows, schema=["symbol", "session", "close"], orient="row")
    same = dict.fromkeys(("open", "high", "low", "vwap"), pl.col("close"))
    return frame.with_columns(**same, volume=pl.lit(1e6)).select(BARS_SCHEMA.names()).cast(dict(BARS_SCHEMA)).sort("session", "symbol")


def ruled_book(
    weights: dict[str, float], closes: dict[str, list[float | None]], *told: dict[str, object], **changes: object
) -> dict[str, tuple[float, str | None]]:
    """The book of the last session that there are closes of."""
    n = max(map(len, closes.values()))
    made = VolatilityTargetSettings.model_validate({"lookback_sessions": n - 1, "min_sessions": 2, "target_volatility": 0.1} | changes)
    book = pl.DataFrame(sorted((symbol, DAYS[n - 1], weight) for symbol, weight in weights.items()), schema=PROPOSED_SCHEMA, orient="row")
    frames = {"bars": bars(closes), "corporate_actions": pl.DataFrame(told, schema=CORPORATE_ACTIONS_SCHEMA)}
    found = ruled("vol", book, VolatilityTarget(made).apply(book, frames, DAYS[:n], [DAYS[n - 1]]))
    return {symbol: (weight, reason) for symbol, weight, reason in found.select("symbol", "weight", "reason").iter_rows()}


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.floats(0.02, 1.0))
def test_the_book_is_at_the_target_by_the_sample_covariance_and_keeps_its_shape(seed: int, n: int, target: float) -> None:
    random = np.random.default_rng(seed)
    closes = 100.0 * np.exp(np.cumsum(0.02 * random.standard_normal((12, n)), axis=0))
    weights = dict(zip("ABCD"[:n], random.normal(0, 0.5, n).tolist(), strict=True))
    found = ruled_book(weights, {name: closes[:, i].tolist() for i, name in enumerate(weights)}, target_volatility=target)
    before, after = np.array(list(weights.values())), np.array([weight for weight, _ in found.values()])
    covariance = np.cov(closes[1:] / closes[:-1] - 1, rowvar=False, ddof=1).reshape(n, n)

    def volatility(w: np.ndarray) -> float:
        return math.sqrt(w @ covariance @ w * 252)

    if volatility(before) <= target * (1 - 1e-9):
        assert after.tolist() == before.tolist()
        assert all(reason is None for _, reason in found.values())
    elif volatility(before) > target * (1 + 1e-9):
        assert volatility(after) == pytest.approx(target)
        np.testing.assert_allclose(after / before, target / volatility(before))
        assert all(reason and "is above the target" in reason for _, reason in found.values())


def test_splits_payments_and_new_names_are_no_returns_of_the_price() -> None:
    split = {"symbol": "A", "session": DAYS[2], "kind": "split", "ratio": 4.0}
    paid = {"symbol": "B", "session": DAYS[3], "kind": "cash_dividend", "cash": 10.0}
    renamed = {"symbol": "OLD", "session": DAYS[2], "kind": "name_change", "new_symbol": "C"}
    closes = {"A": [100, 100, 25, 25, 25], "B": [100, 100, 100, 90, 90], "OLD": [50, 50], "C": [None, None, 50, 50, 50]}
    book = {"A": 0.4, "B": 0.3, "C": 0.3}
    assert ruled_book(book, closes, split, paid, renamed, target_volatility=1e-6) == {name: (w, None) for name, w in book.items()}
    assert ruled_book(book, closes, split, paid, target_volatility=1e-6)["A"][0] == 0.4, "C is as old as its first bar then"
    assert ruled_book(book, closes, paid, renamed, target_volatility=0.1)["A"][0] < 0.1


def test_a_halt_is_a_return_of_nothing_and_the_next_bar_has_the_whole_move() -> None:
    returns = book_returns(np.array([1.0]), np.array([[100.0], [100.0], [100.0], [120.0]]))
    assert returns.tolist() == [0.0, 0.0, pytest.approx(0.2)]
    halted = ruled_book({"A": 1.0}, {"A": [100, None, None, 120], "B": [1, 1, 1, 1]})
    assert halted["A"][0] == pytest.approx(0.1 / (np.std([0, 0, 0.2], ddof=1) * math.sqrt(252)))


def test_what_is_listed_inside_the_window_moved_as_the_rest_of_the_book_before() -> None:
    closes = np.array([[100.0, np.nan], [110.0, np.nan], [110.0, 10.0], [99.0, 11.0]])
    np.testing.assert_allclose(book_returns(np.array([0.5, 0.5]), closes), [0.1, 0.0, 0.0], atol=1e-15)


def test_a_book_whose_risk_nobody_can_tell_is_not_held() -> None:
    found = ruled_book({"A": 0.5, "B": 0.0}, {"A": [None, None, 10, 11, 12], "B": [1, 2, 1, 2, 1]}, min_sessions=3)
    assert found == {"A": (0.0, "vol: only 2 returns of the book are known, fewer than min_sessions (3)"), "B": (0.0, None)}


def test_fewer_sessions_than_are_asked_for_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"\[risk\.calm\] has 1 wrong setting.*min_sessions \(9\) must be at most lookback_sessions \(5\)"
    ):
        RISK_RULES.made("volatility_target", {"lookback_sessions": 5, "min_sessions": 9}, setting="risk.calm")


def test_a_rule_of_the_settings_is_applied_between_the_limits_and_says_what_it_did(tmp_path: Path) -> None:
    calm = {"kind": "volatility_target", "target_volatility": 0.03, "lookback_sessions": 8}
    deployment = small_market(tmp_path, **EARLY_MODELS, risk={"calm": calm}, portfolio={"top_k": 3, "max_weight": 0.4})
    last = deployment.calendar.offset(FIRST, 20)
    assert make_history(deployment, FIRST, last).success
    signals = deployment.warehouse.read("signals", [last]).select("symbol", "target_weight")
    targets = deployment.warehouse.read("targets", [last])
    assert targets["proposed_weight"].to_list() == signals["target_weight"].to_list()
    held = targets.filter(pl.col("proposed_weight") != 0)
    assert held.height == 3
    shares = held["target_weight"] / held["proposed_weight"]
    assert shares.max() == pytest.approx(shares.min())
    assert 0 < shares[0] < 1
    assert all(len(reasons) == 1 and reasons[0].startswith("calm: volatility ") for reasons in held["reasons"])
    footer = deployment.warehouse.footer("targets", last)
    assert set(footer.upstream) == {"signals", "bars", "corporate_actions"}
    assert len(footer.upstream["bars"]) == 21, "nine of the rule, and 63 for what is held without signals, as far as there are"
