"""Parts that sum to the profit in every dimension, and are those that made it."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.books.account_books import account_books
from ats_assets.books.account_history import history_of_backtest
from ats_assets.books.attribution import NO_MODEL, SPECIFIC, Explained, attribution
from ats_assets.books.contracts import DIMENSIONS, Attribution
from ats_assets.books.schema import BOOK_PROFIT_SCHEMA
from ats_assets_tests.books.books_market import CAPITAL, cents, random_books
from ats_assets_tests.rounds import rounds

DAYS = [date(2020, 1, 6) + timedelta(days=i) for i in range(400)]


@settings(max_examples=rounds(8, 80), deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_the_parts_of_each_dimension_sum_to_the_change_of_the_account_to_the_cent(seed: int, holding: int) -> None:
    result, inputs, days = random_books(seed, 24, 5, CAPITAL)
    books = account_books(history_of_backtest(result), inputs, days)
    random = np.random.default_rng(seed)
    models = {"up": {day: str(random.choice(["a", "b"])) for day in days}}
    factors = {"market": random.normal(0, 0.01, max(0, result.equity.height - 1))}
    explained = Explained(models=models, holding_sessions=holding, equity=result.equity.select("session", "equity"), factors=factors)
    found = Attribution.validate(attribution(books.profit, [*CAPITAL], explained))
    whole = cents(result.equity["equity"][-1]) - cents(inputs.settings.initial_cash) if result.equity.height else 0
    for dimension in DIMENSIONS:
        parts = found.filter(dimension=dimension)
        assert sum(map(cents, parts["profit"])) == whole, dimension
        assert sum(map(cents, parts["costs"])) == sum(map(cents, result.equity["costs"]))


def profit_of(rows: list[tuple[date, str, str | None, float, float]]) -> pl.DataFrame:
    """Rows of (session, strategy, symbol, pnl, commission)."""
    made = [(day, name, symbol, symbol, pnl, 0.0, paid, *[0.0] * 5) for day, name, symbol, pnl, paid in rows]
    return pl.DataFrame(made, schema=BOOK_PROFIT_SCHEMA, orient="row")


def test_a_champion_has_what_was_held_by_its_scores_and_a_strategy_without_scores_has_no_model() -> None:
    """Of a position that is the mean of two decisions, half by each model; odd cents by the largest remainder."""
    rows = profit_of([(DAYS[1], "scores", "A", 10.0, 0.0), (DAYS[2], "scores", "A", 10.01, 1.0), (DAYS[2], "other", "A", -3.0, 0.0)])
    equity = pl.DataFrame({"session": DAYS[:3], "equity": [1000.0, 1010.0, 1016.01]})
    models = {"scores": {DAYS[0]: "first", DAYS[1]: "second", DAYS[2]: "second"}}
    found = attribution(rows, ["scores", "other"], Explained(models=models, holding_sessions=2, equity=equity, factors={}))
    of_models = found.filter(dimension="model").select("part", "pnl", "costs").rows()
    assert of_models == [("first", pytest.approx(15.01), 0.5), ("second", pytest.approx(5.0), 0.5), (NO_MODEL, -3.0, 0.0)]
    assert found.filter(dimension="strategy").select("part", "profit").rows() == [("scores", pytest.approx(19.01)), ("other", -3.0)]


def test_what_the_market_made_is_the_markets_and_the_rest_is_specific() -> None:
    """Planted: 0.8 of the market, and 2 basis points a session beside it."""
    random = np.random.default_rng(5)
    market = random.normal(0.0005, 0.01, len(DAYS) - 1)
    returns = 0.8 * market + 0.0002 + random.normal(0, 1e-4, len(market))
    equity, rows = [1_000_000.0], []
    for day, own in zip(DAYS[1:], returns, strict=True):
        made = round(equity[-1] * own, 2)
        rows.append((day, "scores", "A", made, 0.0))
        equity.append(equity[-1] + made)
    frame = pl.DataFrame({"session": DAYS, "equity": equity})
    explained = Explained(models={}, holding_sessions=1, equity=frame, factors={"market": market})
    found = dict(attribution(profit_of(rows), ["scores"], explained).filter(dimension="factor").select("part", "pnl").iter_rows())
    base = np.array(equity[:-1])
    assert found["market"] == pytest.approx(0.8 * float((market * base).sum()), rel=0.02)
    assert found[SPECIFIC] == pytest.approx(0.0002 * float(base.sum()), rel=0.05)
    assert cents(sum(found.values())) == cents(equity[-1] - equity[0])
