"""The models of market impact: each passes the kit, and comes to the published values."""

import numpy as np
import pytest

from ats_assets.errors import SettingsError
from ats_assets.impact import ImpactInputs, impact_costs, model_named
from ats_assets.impact.impact_model import WHY
from ats_assets.plugins import IMPACT_MODELS
from ats_assets.settings import BacktestSettings
from ats_assets_tests.kits.impact_models import ImpactModelKit

NO_SPREAD = BacktestSettings(spread_bps=0.0, slippage_bps=0.0)


class TestFixed(ImpactModelKit):
    plugin = IMPACT_MODELS.find("fixed")


class TestSpread(ImpactModelKit):
    plugin = IMPACT_MODELS.find("spread")


class TestSquareRoot(ImpactModelKit):
    plugin = IMPACT_MODELS.find("square_root")


class TestAlmgren(ImpactModelKit):
    plugin = IMPACT_MODELS.find("almgren")


@pytest.mark.parametrize(
    ("volatility_bps", "turnover_days", "permanent_move", "temporary", "total"),
    [
        (157.0, 263.0, 19.9, (22.3, 14.7, 8.5), (32.2, 24.6, 18.4)),  # IBM
        (226.0, 87.0, 21.7, (32.1, 21.2, 12.2), (42.9, 32.0, 23.1)),  # DRI
    ],
)
def test_a_tenth_of_a_days_volume_costs_what_almgren_and_others_published(
    volatility_bps: float,
    turnover_days: float,
    permanent_move: float,
    temporary: tuple[float, ...],
    total: tuple[float, ...],
) -> None:
    """Direct estimation of equity market impact (2005), its table of IBM and DRI over 0.1, 0.2 and 0.5 days, to 0.1 basis points."""
    trades = ImpactInputs.of(
        side=1,
        quantity=1e5,
        price=80.0,
        day_volume=1e6,
        volatility=volatility_bps / 1e4,
        duration_days=[0.1, 0.2, 0.5],
        shares_outstanding=turnover_days * 1e6,
    )
    made = impact_costs(model_named("almgren"), trades, NO_SPREAD)
    np.testing.assert_allclose(2e4 * made.permanent, permanent_move, atol=0.05)
    np.testing.assert_allclose(1e4 * made.temporary, temporary, atol=0.05)
    np.testing.assert_allclose(1e4 * made.total, total, atol=0.1)
    assert made.why.tolist() == [0, 0, 0]


def test_the_square_root_law_by_hand() -> None:
    """4 % of a day's volume at 2.5 % a day: 1.5 * 250 bp * 0.2."""
    trades = ImpactInputs.of(side=-1, quantity=400, price=25.0, day_volume=10_000, volatility=0.025)
    made = impact_costs(model_named("square_root", coefficient=1.5), trades, NO_SPREAD)
    np.testing.assert_allclose(1e4 * made.total, 75.0, rtol=1e-12)


def test_the_spread_of_a_symbol_stands_for_that_of_the_settings_within_its_bounds() -> None:
    trades = ImpactInputs.of(side=1, quantity=1, price=10.0, half_spread=[0.00001, 0.0015, 0.2])
    made = impact_costs(model_named("spread"), trades, BacktestSettings(spread_bps=4.0, slippage_bps=2.0))
    np.testing.assert_allclose(1e4 * made.spread, [0.5, 15.0, 100.0], rtol=1e-12)
    np.testing.assert_allclose(1e4 * made.fixed, 2.0, rtol=1e-12)


def test_shares_outstanding_that_are_not_known_are_a_usual_number_and_that_is_told() -> None:
    trades = ImpactInputs.of(side=1, quantity=1e5, price=80.0, day_volume=1e6, volatility=0.02, shares_outstanding=[np.nan, 2e8])
    made = impact_costs(model_named("almgren", turnover_days=200.0), trades, NO_SPREAD)
    assert [WHY[one] for one in made.why] == ["no_shares_outstanding", ""]
    assert made.total[0] == made.total[1] > 0.0


def test_a_model_that_is_none_is_named_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match=r"'kyle'.*almgren, fixed, spread, square_root"):
        IMPACT_MODELS.find("kyle", setting="impact.model")
