"""Whether scores ordered the returns that followed, and whether that can be chance."""

from ats_assets.evaluation.backtest_overfitting import BacktestOverfitting, probability_of_backtest_overfitting
from ats_assets.evaluation.combinatorial_paths import number_of_paths, reconstruct_paths
from ats_assets.evaluation.edge_test import mean_error, newey_west_t
from ats_assets.evaluation.overfitting import deflated_sharpe_ratio, expected_maximum_sharpe, minimum_backtest_length
from ats_assets.evaluation.schema import QUANTILES, SKILL_SCHEMA, Skill
from ats_assets.evaluation.sharpe_inference import (
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
    sharpe_standard_error,
    sharpe_variance,
)
from ats_assets.evaluation.skill import skill
from ats_assets.evaluation.skill_summary import EDGE_T_STATISTIC, HorizonSkill, SkillSummary, skill_summary
from ats_assets.evaluation.splits import Split, combinatorial_purged, purged_kfold, walk_forward

__all__ = [
    "EDGE_T_STATISTIC",
    "QUANTILES",
    "SKILL_SCHEMA",
    "BacktestOverfitting",
    "HorizonSkill",
    "Skill",
    "SkillSummary",
    "Split",
    "combinatorial_purged",
    "deflated_sharpe_ratio",
    "expected_maximum_sharpe",
    "mean_error",
    "minimum_backtest_length",
    "minimum_track_record_length",
    "newey_west_t",
    "number_of_paths",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
    "purged_kfold",
    "reconstruct_paths",
    "sharpe_standard_error",
    "sharpe_variance",
    "skill",
    "skill_summary",
    "walk_forward",
]
