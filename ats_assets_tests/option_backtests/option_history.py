"""A small market with synthetic chains, their greeks, and two strategies of options, for tests of the asset and its section of the report."""

from datetime import date
from pathlib import Path
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets_tests.small_market import make_history, small_market

FIRST, LAST = date(2021, 1, 4), date(2021, 3, 5)
STRATEGIES: dict[str, dict[str, Any]] = {
    "wheel": {"underlyings": ["SYN0000", "SYN0001"], "capital": 0.6},
    "condor": {"kind": "iron_condor", "underlyings": ["SYN0000"], "capital": 0.4},
}


def market_with_strategies(root: Path, **settings: Any) -> Deployment:
    options = {"chains": {"kind": "synthetic", "underlyings": 2}}
    return small_market(root, **{"options": options, "option_strategies": STRATEGIES} | settings)


def make_chains(deployment: Deployment, first: date = FIRST, last: date = LAST) -> None:
    """The whole history, chains and greeks among it."""
    assert make_history(deployment, first, last).success
