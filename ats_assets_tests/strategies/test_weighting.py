from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import ContractError
from ats_assets.plugins import METHODS
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.settings import PortfolioSettings
from ats_assets.strategies.contracts import Signals
from ats_assets.strategies.schema import SIGNALS_SCHEMA
from ats_assets.strategies.weighting import Weighting, of_cash, signals_from_scores

MONDAY, TUESDAY, FITTED = date(2020, 1, 6), date(2020, 1, 7), date(2020, 1, 3)


def predictions(*rows: tuple[str, date, float]) -> pl.DataFrame:
    return pl.DataFrame([(*row, FITTED) for row in rows], schema=PREDICTIONS_SCHEMA, orient="row")


THREE = predictions(("C", MONDAY, 0.3), ("A", MONDAY, 0.1), ("B", MONDAY, 0.3), ("A", TUESDAY, 0.5), ("B", TUESDAY, -0.5))


def test_rank_direction_and_weight_by_hand() -> None:
    signals = signals_from_scores(THREE, PortfolioSettings(method="long_short_quantiles", quantile=0.4, max_weight=1))
    Signals.validate(signals)
    rows = signals.select("symbol", "session", "rank", "direction", "target_weight", "probability").rows()
    assert rows == [
        ("A", MONDAY, 3, "short", -0.5, None),
        ("B", MONDAY, 1, "long", 0.25, None),  # equal scores share the one place
        ("C", MONDAY, 1, "long", 0.25, None),
        ("A", TUESDAY, 1, "long", 0.5, None),
        ("B", TUESDAY, 2, "short", -0.5, None),
    ]


def test_probabilities_are_joined_and_missing_ones_are_null() -> None:
    known = pl.DataFrame({"session": [MONDAY], "symbol": ["B"], "probability": [0.6]})
    signals = signals_from_scores(THREE.join(known, on=["session", "symbol"], how="left"), PortfolioSettings())
    assert signals.filter(pl.col("probability").is_not_null()).select("symbol", "session", "probability").rows() == [("B", MONDAY, 0.6)]


def test_no_predictions_no_signals() -> None:
    signals = signals_from_scores(pl.DataFrame(schema=PREDICTIONS_SCHEMA), PortfolioSettings())
    assert signals.schema == SIGNALS_SCHEMA
    assert signals.is_empty()


def test_two_predictions_for_one_symbol_are_refused() -> None:
    with pytest.raises(ContractError, match="A has several rows in session 2020-01-06"):
        signals_from_scores(predictions(("A", MONDAY, 1.0), ("A", MONDAY, 2.0)), PortfolioSettings())


@given(st.integers(0, 2**32 - 1), st.sampled_from(["top_k_long", "long_short_quantiles", "score_proportional"]))
def test_symbols_under_other_names_have_the_same_signals(seed: int, method: str) -> None:
    """The alphabet chose among equal scores until then."""
    random = np.random.default_rng(seed)
    names = [f"S{i:02}" for i in range(random.integers(1, 30))]
    others = dict(zip(names, random.permutation(names).tolist(), strict=True))
    frame = predictions(*((name, MONDAY, float(random.integers(-3, 3))) for name in names))
    settings = PortfolioSettings(method=method, top_k=5)  # pyright: ignore[reportArgumentType]
    signals = signals_from_scores(frame, settings)
    renamed = signals_from_scores(frame.with_columns(pl.col("symbol").replace_strict(others)), settings)
    assert renamed.equals(signals.with_columns(pl.col("symbol").replace_strict(others)).sort("session", "symbol"))


@given(st.integers(0, 2**32 - 1), st.sampled_from(["top_k_long", "long_short_quantiles", "score_proportional"]))
def test_a_session_alone_is_the_same_as_within_a_range(seed: int, method: str) -> None:
    random = np.random.default_rng(seed)
    rows = [(f"S{i:02}", day, float(random.integers(-5, 5))) for day in (MONDAY, TUESDAY) for i in range(random.integers(1, 30))]
    frame = predictions(*rows)
    settings = PortfolioSettings(method=method, top_k=5)  # pyright: ignore[reportArgumentType]
    together = signals_from_scores(frame.sample(fraction=1, shuffle=True, seed=seed), settings)
    apart = pl.concat([signals_from_scores(frame.filter(session=day), settings) for day in (MONDAY, TUESDAY)])
    assert together.equals(apart)
    Signals.validate(together)


def test_no_score_is_no_opinion_and_scores_that_choose_none_are_cash_and_both_are_told() -> None:
    """On Monday nobody knows anything; on Tuesday three scores are equal for two places."""
    frame = predictions(("A", MONDAY, float("nan")), ("B", MONDAY, float("nan")), *((name, TUESDAY, 1.0) for name in "ABC"))
    weigh = Weighting(METHODS.made("top_k_long", {"top_k": 2}), PortfolioSettings(top_k=2), 5)
    made, told = weigh.signals(frame, {}, [MONDAY, TUESDAY], [MONDAY, TUESDAY])
    assert made.select("session", "target_weight").rows() == [(TUESDAY, 0.0)] * 3
    assert told == {
        MONDAY: "none of 2 symbols has a score",
        TUESDAY: "the scores of 3 symbols choose none by top_k_long: the book is cash",
    }
    sized = frame.with_columns(target_weight=pl.Series([None, None, 0.0, 0.0, 0.0], dtype=pl.Float64))
    made, told = weigh.signals(sized, {}, [MONDAY, TUESDAY], [MONDAY, TUESDAY])
    assert made["session"].to_list() == [TUESDAY] * 3
    assert told == {MONDAY: "none of 2 symbols has a target weight"}, "a strategy that sizes its own bets may have none"


def test_where_no_ticker_with_a_score_may_be_held_the_book_is_cash_and_without_selected_tickers_nobody_knows() -> None:
    none = of_cash(THREE, THREE.clear(), THREE.filter(session=TUESDAY).select("symbol", "session"), [MONDAY, TUESDAY])
    assert none.select("symbol", "session", "target_weight").rows() == [("A", TUESDAY, 0.0), ("B", TUESDAY, 0.0)]
    assert of_cash(THREE, THREE, THREE, [MONDAY, TUESDAY]).is_empty()
