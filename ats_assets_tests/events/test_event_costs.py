"""What trades cost where bars have a quoted spread, and where they have none."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from ats_assets.events.choosing import EventModel
from ats_assets.events.event_figures import EventFigures, event_figures
from ats_assets.events.event_trades import event_equity, event_outcomes, event_trades, sided_labels
from ats_assets.events.schema import EVENT_PREDICTIONS_SCHEMA
from ats_assets.labels.event_barriers import EventBarrierSettings
from ats_assets.models import Model
from ats_assets.models.learners.random_forest import RandomForest, RandomForestSettings
from ats_assets.settings import EventBacktestSettings
from ats_assets_tests.events.small_bars import random_bars, weekdays

DAYS = weekdays(date(2014, 5, 1), 20)
BARRIERS = EventBarrierSettings(unit="returns", gain=0.002, loss=0.002, horizon_bars=4)
FOREST = RandomForest(RandomForestSettings(trees=3))
MODEL = EventModel(model=Model(name="direction", kind="random_forest", learner=FOREST, quick=FOREST), judges=None)


def traded(bars: pl.DataFrame, spread_share: float = 0.5) -> tuple[pl.DataFrame, EventFigures]:
    """Long at each eighth bar, in prices that rise."""
    asked = bars.filter(pl.col("bar") % 8 == 2, pl.col("closed_by") == "threshold")
    values = {"side": 1, "score": 0.9, "probability": 0.9, "model_session": DAYS[0]}
    predictions = asked.with_columns(**{name: pl.lit(value) for name, value in values.items()})
    predictions = predictions.select(pl.col(name).cast(dtype) for name, dtype in EVENT_PREDICTIONS_SCHEMA.items())
    labels, how = sided_labels(predictions, bars, DAYS, BARRIERS), EventBacktestSettings(spread_share=spread_share)
    trades = event_trades(predictions, labels, bars, how, BARRIERS)
    outcomes, equity = event_outcomes(predictions, labels), event_equity(trades, DAYS, 1)
    return trades, event_figures(MODEL, outcomes, trades, equity, spread_share=spread_share)


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return random_bars(DAYS, drift=2e-4)


def test_an_edge_is_claimed_only_where_the_spread_is_in_the_costs(bars: pl.DataFrame) -> None:
    """Bars of trades without quotes cost nothing, and the verdict spoke of an edge after costs."""
    trades, figures = traded(bars)
    assert trades["spread_known"].all()
    assert (trades["cost"] > 0).all()
    assert figures.verdict.startswith("An edge after costs")
    free, without = traded(bars.with_columns(spread=pl.lit(None, pl.Float64)))
    assert (free["cost"] == 0).all()
    assert without.trades_without_spread == free.height == trades.height
    assert without.verdict.startswith("No verdict, an edge before the spread")
    assert f"costs of {free.height} of {free.height} trades have no spread in them" in without.verdict
    _, waived = traded(bars.with_columns(spread=pl.lit(None, pl.Float64)), spread_share=0.0)
    assert waived.verdict.startswith("An edge after costs")


def test_a_bar_without_quotes_has_the_spread_of_the_other_one(bars: pl.DataFrame) -> None:
    """Half of the cost was left out where one of the two bars had no quote."""
    whole, _ = traded(bars)
    some, _ = traded(bars.with_columns(spread=pl.when(pl.col("bar") % 8 == 3).then(None).otherwise("spread")))
    known = some["spread_known"]  # but where both are one bar
    assert 0.5 < known.sum() / some.height < 1
    np.testing.assert_allclose(some["cost"].filter(known), whole["cost"].filter(known))
    assert (some["cost"].filter(~known) == 0).all()
