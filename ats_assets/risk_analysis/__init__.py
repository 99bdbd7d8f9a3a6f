"""What a backtest could have come to: its returns and trades drawn again, tail risk, stress, exposures, capacity."""

from ats_assets.risk_analysis.block_length import optimal_block_length
from ats_assets.risk_analysis.resampling import Resampling, StateChain, chain_of
from ats_assets.risk_analysis.simulated_paths import PathFigures, simulated_paths
from ats_assets.risk_analysis.tail_risk import TailRisk, tail_estimates

__all__ = [
    "PathFigures",
    "Resampling",
    "StateChain",
    "TailRisk",
    "chain_of",
    "optimal_block_length",
    "simulated_paths",
    "tail_estimates",
]
