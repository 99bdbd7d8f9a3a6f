"""A primary strategy's signals, sized by the probability that they are right."""

from datetime import date
from math import erf, sqrt

import polars as pl
import pytest

from ats_assets.errors import SettingsError
from ats_assets.settings import PortfolioSettings, TrainingSettings
from ats_assets.strategies.contracts import Signals
from ats_assets.strategies.rules.meta_labelled import MetaLabelled, MetaLabelledSettings, bet_size
from ats_assets.strategies.schema import SIGNALS_SCHEMA
from ats_assets.strategies.weighting import signals_from_scores

DAY = date(2024, 3, 4)
RAW = TrainingSettings(label="raw")


def followed(*rows: tuple[str, str, float, float | None], **how: float) -> pl.DataFrame:
    """Of symbol, direction and weight of the primary strategy, and the probability: the signals."""
    known = pl.DataFrame(rows, schema=["symbol", "direction", "target_weight", "chance"], orient="row").with_columns(session=pl.lit(DAY))
    given = known.with_columns(rank=1, score=0.0, probability=None, model_session=None).select(
        pl.col(n).cast(t) for n, t in SIGNALS_SCHEMA.items()
    )
    predicted = known.drop_nulls("chance").select("symbol", "session", score="chance", model_session=pl.lit(DAY))
    strategy = MetaLabelled(MetaLabelledSettings.model_validate(how))
    made = strategy.scores({"momentum_signals": given, "predictions": predicted}, [DAY], [DAY], RAW)
    return signals_from_scores(made, PortfolioSettings(max_weight=0.5))


def test_a_bet_is_the_primary_weight_times_its_size() -> None:
    """At p = 0.6, z = 0.1 / sqrt(0.24)."""
    size = erf(0.1 / sqrt(0.24) / sqrt(2))
    found = followed(
        ("A", "long", 0.4, 0.6), ("B", "short", -0.2, 0.6), ("C", "long", 0.3, 0.4), ("D", "flat", 0.0, 0.9), ("E", "long", 0.1, None)
    )
    Signals.validate(found, lazy=True)
    assert found["target_weight"].to_list() == pytest.approx([0.4 * size, -0.2 * size, 0.0, 0.0, 0.0])
    assert found["direction"].to_list() == ["long", "short", "flat", "flat", "flat"]
    assert found["score"].to_list() == pytest.approx([size, -size, 0.0, 0.0, 0.0])


def test_what_is_not_likely_enough_is_not_followed() -> None:
    assert followed(("A", "long", 0.4, 0.6), ("B", "long", 0.4, 0.7), min_probability=0.65)["direction"].to_list() == ["flat", "long"]


def test_a_size_is_a_share_of_a_full_bet() -> None:
    sizes = bet_size([-1.0, 0.0, 0.5, 0.7, 0.99, 1.0, 2.0])
    assert sizes[:3].tolist() == [0.0, 0.0, 0.0]
    assert 0.3 < sizes[3] < sizes[4] < sizes[5] == sizes[6] <= 1.0


def test_predictions_that_are_no_probabilities_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"probability that momentum is right, but training\.label is 'rank'"):
        MetaLabelled(MetaLabelledSettings()).needs(TrainingSettings())


def test_without_any_prediction_nobody_knows_how_large_bets_are() -> None:
    """But where the primary strategy is flat nothing is wanted."""
    assert followed(("A", "long", 0.4, None), ("B", "flat", 0.0, None)).is_empty()
    assert followed(("A", "flat", 0.0, None), ("B", "flat", 0.0, None))["target_weight"].to_list() == [0.0, 0.0]
