"""What a net sees: scaled by the rows to train on alone, missing at the median, prices and returns of alpha360 as they were."""

import numpy as np
import pytest

from ats_assets.errors import ModelError
from ats_assets.models.nets.net_inputs import SERIES, input_plan, net_inputs
from ats_assets.models.sequences import Sequences

NAMES = tuple(f"{series}{age}" for series in ("CLOSE", "OPEN", "HIGH", "LOW", "VWAP", "VOLUME") for age in reversed(range(60)))
"""As alpha360 has them."""


def alpha360_rows(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prices of shape (n, 60 sessions, 5), volumes, and the rows of alpha360 made of them."""
    random = np.random.default_rng(1)
    prices = 50.0 * np.exp(np.cumsum(0.01 * random.standard_normal((n, 60, 5)), axis=1))
    volumes = random.uniform(1e5, 1e6, (n, 60))
    x = np.concatenate([prices[:, :, i] / prices[:, -1:, 0] for i in range(5)] + [volumes / volumes[:, -1:]], axis=1)
    return prices, volumes, x.astype(np.float32)


def test_features_are_scaled_by_median_and_deviation_clipped_and_missing_ones_are_in_the_middle() -> None:
    x = np.array(
        [[1.0, 5.0, np.nan], [2.0, 5.0, np.nan], [3.0, 5.0, np.nan], [np.nan, 5.0, np.nan], [1000.0, 5.0, np.nan]], dtype=np.float32
    )
    plan = input_plan("features", 1, ("a", "b", "c"), x)
    seen = net_inputs(plan, x).rows(slice(None))[:, 0]
    deviation = 1.4826 * np.median(np.abs(np.array([1.0, 2.0, 3.0, 1000.0]) - 2.5))
    np.testing.assert_allclose(seen[:, 0], [-1.5 / deviation, -0.5 / deviation, 0.5 / deviation, 0.0, 3.0], rtol=1e-6)
    assert not seen[:, 1:3].any()  # one tells nothing apart, of the other nothing is known
    assert (seen[:, 3] == 1.0).all()  # each step is there


def test_the_steps_of_a_sequence_are_its_rows_and_one_that_is_missing_is_empty() -> None:
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    sequences = Sequences(table=table, places=np.array([[-1, 0, 2], [1, 2, 3]], dtype=np.int32))
    plan = input_plan("features", 3, ("a", "b"), table)
    rows = net_inputs(plan, sequences).rows(slice(None))
    single = net_inputs(plan, table).rows(slice(None))[:, 0]
    assert not rows[0, 0].any()
    for row, places in enumerate(([None, 0, 2], [1, 2, 3])):
        for step, place in enumerate(places):
            if place is not None:
                assert np.array_equal(rows[row, step], single[place])


@pytest.mark.parametrize("length", [1, 7, 59])
def test_prices_and_returns_are_those_of_alpha360(length: int) -> None:
    prices, volumes, x = alpha360_rows(40)
    series = np.stack([prices[:, :, ("CLOSE", "OPEN", "HIGH", "LOW", "VWAP").index(name)] for name in SERIES[:5]], axis=2)
    levels = np.concatenate([np.log(series / prices[:, -1:, :1]), np.log(volumes / volumes[:, -1:])[:, :, None]], axis=2)
    before = np.concatenate([np.repeat(np.log(prices[:, :-1, :1]), 5, axis=2), np.log(volumes[:, :-1, None])], axis=2)
    returns = np.concatenate([np.log(series[:, 1:]), np.log(volumes[:, 1:, None])], axis=2) - before
    for kind, expected in (("prices", levels), ("returns", returns)):
        plan = input_plan(kind, length, NAMES, x)
        rows = net_inputs(plan, x).rows(slice(None))
        assert rows.shape == (40, length, 7)
        wanted = np.clip((expected[:, -length:] - plan.middle) * plan.scale, -3, 3)
        np.testing.assert_allclose(rows[:, :, :6], wanted, atol=2e-3 if length > 1 or kind == "returns" else 5e-2)
        assert (rows[:, :, 6] == 1.0).all()


def test_a_session_without_volume_or_price_is_a_step_that_is_not_there() -> None:
    _, _, x = alpha360_rows(40)
    x[3, NAMES.index("VOLUME2")] = 0.0
    x[4, NAMES.index("OPEN1")] = np.nan
    rows = net_inputs(input_plan("prices", 5, NAMES, x), x).rows(slice(None))
    assert rows[3, :, 6].tolist() == [1.0, 1.0, 0.0, 1.0, 1.0]
    assert rows[4, :, 6].tolist() == [1.0, 1.0, 1.0, 0.0, 1.0]
    assert rows[3, 2, 5] == rows[4, 3, 0] == 0.0
    assert np.isfinite(rows).all()


def test_what_is_looked_at_is_credited_to_the_features_that_it_is_made_of() -> None:
    _, _, x = alpha360_rows(40)
    plan = input_plan("prices", 3, NAMES, x)
    sizes = np.zeros((3, 6))
    sizes[1, SERIES.index("VWAP")] = 2.0
    credited = plan.credited(sizes, NAMES)
    assert {name for name, size in credited.items() if size} == {"VWAP1"}
    assert list(credited) == list(NAMES)


def test_prices_without_alpha360_and_more_sessions_than_it_has_are_told() -> None:
    _, _, x = alpha360_rows(5)
    with pytest.raises(ModelError, match=r"48 of them are not among the features, such as OPEN7: add alpha360 to training\.families"):
        input_plan("prices", 8, ("KMID", "ROC5"), x[:, :2])
    with pytest.raises(ModelError, match="takes 61 sessions of prices, and alpha360 has 60: lower it"):
        input_plan("returns", 60, NAMES, x)


def test_the_scale_is_of_the_rows_to_train_on_alone() -> None:
    random = np.random.default_rng(2)
    x = random.standard_normal((500, 2)).astype(np.float32)
    plan = input_plan("features", 1, ("a", "b"), x[:400])
    assert np.array_equal(plan.scale, input_plan("features", 1, ("a", "b"), np.ascontiguousarray(x[:400])).scale)
    seen = net_inputs(plan, x).rows(slice(400, 500))
    x[:400] *= 100.0  # what else is scaled beside a row changes nothing of it
    assert np.array_equal(net_inputs(plan, x).rows(slice(400, 500)), seen)
