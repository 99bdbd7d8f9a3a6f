"""Strategies: many opinions in one contract, the signals."""

from ats_assets.strategies.choosing import NamedStrategy, strategies
from ats_assets.strategies.schema import SIGNALS_SCHEMA
from ats_assets.strategies.strategy import SCORES_SCHEMA, Strategy
from ats_assets.strategies.weighting import signals_from_scores

__all__ = ["SCORES_SCHEMA", "SIGNALS_SCHEMA", "NamedStrategy", "Strategy", "signals_from_scores", "strategies"]
