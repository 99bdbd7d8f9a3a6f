"""Regimes: states that a market, or a symbol, is in for some time, as far as they were known: estimated at refit sessions, filtered forward, never smoothed."""

from ats_assets.regimes.estimation import Estimation, estimated
from ats_assets.regimes.forward_filter import FilteredStates, filtered_states, window_starts
from ats_assets.regimes.regime_model import RegimeModel
from ats_assets.regimes.state_matching import state_order

__all__ = ["Estimation", "FilteredStates", "RegimeModel", "estimated", "filtered_states", "state_order", "window_starts"]
