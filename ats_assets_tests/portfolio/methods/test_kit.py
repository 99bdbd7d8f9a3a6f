"""The portfolio methods that come with the package, by the kit that a user's own passes, too."""

from typing import Any, ClassVar

from ats_assets.portfolio.methods import long_short_quantiles, score_proportional, top_k_long
from ats_assets_tests.kits.methods import MethodKit


class TestTopKLong(MethodKit):
    plugin = top_k_long.PLUGIN
    small: ClassVar[dict[str, Any]] = {"top_k": 3}


class TestLongShortQuantiles(MethodKit):
    plugin = long_short_quantiles.PLUGIN


class TestScoreProportional(MethodKit):
    plugin = score_proportional.PLUGIN
