"""What each strategy wants of the targets where some have no signals: nothing is wanted that trading would not do."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from ats_assets.books.session_events import Action, SessionEvents
from ats_assets.books.strategy_ledger import StrategyLedger
from ats_assets.books.wanted_parts import wanted_parts

DAY = date(2024, 1, 2)
NAN = float("nan")


@pytest.mark.parametrize(
    ("change", "target", "parts", "expected"),
    [
        ("none", 0.5, (0.3, 0.0), (NAN, 0.0)),  # a rule made it larger, and nothing is bought
        ("none", 0.3, (0.3, 0.0), (NAN, 0.0)),
        ("smaller", 0.2, (0.3, 0.0), (0.2, 0.0)),
        ("any", 0.4, (0.3, 0.1), (NAN, 0.1)),
        ("any", 0.6, (0.3, 0.1), (NAN, 0.3)),  # what is added is the other's
        ("any", 0.2, (0.3, 0.1), (0.15, 0.05)),
        ("any", -0.1, (0.3, -0.1), (NAN, -0.4)),
        (None, 0.5, (0.3, 0.0), (NAN, 0.2)),  # made before there was such a column
    ],
)
def test_what_is_held_without_signals_wants_nothing_but_to_be_made_smaller(
    change: str | None, target: float, parts: tuple[float, float], expected: tuple[float, float]
) -> None:
    row = {"session": [DAY], "symbol": ["A"], "target_weight": [target]}
    targets = pl.DataFrame(row | ({"allowed_change": [change]} if change else {}))
    made = {name: pl.DataFrame({"session": [DAY], "symbol": ["A"], "proposed_weight": [w]}) for name, w in zip("xy", parts, strict=True)}
    found = wanted_parts({"x": 0.5, "y": 0.5}, targets, lambda name: made[name], {"x": [DAY]})
    np.testing.assert_allclose(found.select("x", "y").row(0), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("held", "wanted", "changes"), [(10, 8, -2), (5, 8, 0), (-5, -3, 2), (-5, -8, 0), (5, -8, -5), (0, 3, 0), (0, -3, 0)]
)
def test_of_what_may_only_be_made_smaller_no_strategy_buys(held: int, wanted: int, changes: int) -> None:
    events = SessionEvents(
        session=DAY, wanted={"A": (wanted, None)}, only_smaller={"A"}, actions={"A": Action()}, values={}, prices={}, cash=0, symbols={}
    )
    assert StrategyLedger({"x": 0.5, "y": 0.5}, 0)._changes("A", [held, 0], events) == [changes, 0]
