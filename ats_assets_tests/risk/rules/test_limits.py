"""The limits: what keeps them is left as it is, to the bit; what does not is brought within them, and every change says which limit and from what to what."""

from datetime import date
from random import Random

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.kernels.weight_limits import holds, within_limits
from ats_assets.risk.rule import PROPOSED_SCHEMA, ruled
from ats_assets.risk.rules.limits import Limits, LimitsSettings
from ats_assets.settings import PortfolioSettings

DAY = date(2024, 1, 2)
WEIGHTS = st.lists(st.floats(-2, 2, allow_subnormal=False), max_size=15)
SETTINGS = st.builds(LimitsSettings, max_weight=st.floats(0.01, 1), max_gross=st.floats(0, 3), max_net=st.floats(0, 3))


def limited(weights: list[float], settings: LimitsSettings) -> pl.DataFrame:
    rows = [(f"S{i:02d}", DAY, weight) for i, weight in enumerate(weights)]
    proposed = pl.DataFrame(rows, schema=PROPOSED_SCHEMA, orient="row")
    return ruled("limits", proposed, Limits(settings).apply(proposed, {}, [DAY], [DAY]))


@given(WEIGHTS, SETTINGS)
def test_weights_are_within_the_limits_and_stay_to_the_bit_where_they_were(weights: list[float], settings: LimitsSettings) -> None:
    limits = PortfolioSettings(**settings.model_dump())
    given_weights, found = np.array(weights) + 0.0, limited(weights, settings)
    allowed = found["weight"].to_numpy()
    assert holds(allowed, limits)
    if holds(given_weights, limits):
        assert allowed.tobytes() == given_weights.tobytes()
    moved = allowed != given_weights
    assert found["reason"].is_not_null().to_numpy().tolist() == moved.tolist()
    np.testing.assert_allclose(allowed, within_limits(given_weights, limits), atol=1e-12)


@given(WEIGHTS, SETTINGS, st.randoms(use_true_random=False))
def test_symbols_by_other_names_have_the_same_weights_to_the_bit(weights: list[float], settings: LimitsSettings, random: Random) -> None:
    order = random.sample(range(len(weights)), len(weights))
    found = limited(weights, settings)["weight"].to_list()
    assert limited([weights[i] for i in order], settings)["weight"].to_list() == [found[i] for i in order]


def test_each_reason_names_its_limit() -> None:
    found = limited([0.5, 0.5, 0.5, -0.1], LimitsSettings(max_weight=0.4, max_gross=1.0, max_net=1.0))
    np.testing.assert_allclose(found["weight"].to_numpy(), [1.1 / 3.6, 1.1 / 3.6, 1.1 / 3.6, -0.1 / 1.2])
    assert found["reason"][0] == (
        "limits: max_weight 0.4: +50.0000% to +40.0000%; max_net 1: +40.0000% to +36.6667%; max_gross 1: +36.6667% to +30.5556%"
    )
    assert found["reason"][3] == "limits: max_gross 1: -10.0000% to -8.3333%"
