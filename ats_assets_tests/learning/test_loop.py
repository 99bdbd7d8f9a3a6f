"""A regime that changes is found, and the models that follow it are better; a market without change is left alone. The numbers of docs/continuous_learning.md, of a few seeds by default."""

import numpy as np

from ats_assets_tests.learning.simulated_change import CHANGE, SETTINGS, lived
from ats_assets_tests.learning.simulated_features import CALENDAR
from ats_assets_tests.rounds import rounds

SEEDS = rounds(2, 50)
YEARS = 3


def test_a_changed_regime_is_found_and_followed() -> None:
    found = [lived(seed, CHANGE) for seed in range(SEEDS)]
    first = [min((CALENDAR.count(CHANGE, day) for day in one.refits if day >= CHANGE), default=999) for one in found]
    assert sum(n <= 21 for n in first) >= 0.95 * SEEDS, "within a month"
    assert np.mean([one.gained for one in found]) > 0.02, "of a rank IC of 0.12 of the models that were due"
    assert sum(one.gained > 0 for one in found) >= 0.9 * SEEDS
    for one in found:
        after = {day: why for day, why in one.refits.items() if day.year == CHANGE.year}
        assert len(after) <= SETTINGS.extra_refits_a_year
        assert all(why.startswith("drift at ") and f" of {SETTINGS.extra_refits_a_year} in {CHANGE.year}" in why for why in after.values())


def test_a_market_without_change_is_left_alone() -> None:
    found = [lived(seed, None) for seed in range(SEEDS)]
    assert sum(len(one.refits) for one in found) <= SEEDS * YEARS, "no more than one a year"
    assert abs(np.mean([one.gained for one in found])) < 0.005, "and they cost next to nothing"
