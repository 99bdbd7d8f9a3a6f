"""What came of the variants of an experiment, side by side, and how much of the best is owed to there having been many."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ats_assets.errors import EvaluationError
from ats_assets.evaluation.overfitting import deflated_sharpe_ratio
from ats_assets.evaluation.sharpe_inference import NORMAL_KURTOSIS
from ats_assets.runs.experiments.variant_run import read_result
from ats_assets.runs.experiments.variant_settings import base_settings, variant_folder
from ats_assets.settings.experiment_file import Experiment


@dataclass(frozen=True, kw_only=True)
class VariantFigures:
    """One variant; figures that are not there, because it is not done or they are not defined, are None. Returns and rates are fractions.

    Attributes
    ----------
    differs
        What sets it apart.
    deflated_sharpe
        The probability that the true Sharpe ratio is above zero although the variant was one of so many (Bailey and López de Prado 2014).
    """

    variant: str
    differs: dict[str, Any]
    done: bool
    rank_ic: float | None = None
    rank_ic_t: float | None = None
    verdict: str | None = None
    sharpe: float | None = None
    deflated_sharpe: float | None = None
    total_return: float | None = None
    annual_return: float | None = None
    max_drawdown: float | None = None
    turnover_a_year: float | None = None
    costs_a_year: float | None = None
    sessions: int | None = None
    report: str | None = None


def compared_variants(experiment: Experiment) -> list[VariantFigures]:
    """The variants in the order of the file.

    A variant counts as a trial where it has a Sharpe ratio; what else was tried is not counted here.
    """
    base = base_settings(experiment)
    results = {one.name: read_result(variant_folder(experiment, base, one)) for one in experiment.variants}
    deflated = _deflated([result for result in results.values() if result])
    rows = []
    for one in experiment.variants:
        result = results[one.name]
        if result is None:
            rows.append(VariantFigures(variant=one.name, differs=one.differs, done=False))
            continue
        backtest, skill = result["backtest"], result["skill"]
        names = ("sharpe", "total_return", "annual_return", "max_drawdown", "turnover_a_year", "costs_a_year", "sessions")
        rows.append(
            VariantFigures(
                variant=one.name,
                differs=one.differs,
                done=True,
                rank_ic=skill.get("mean_rank_ic"),
                rank_ic_t=skill.get("t_statistic"),
                verdict=skill["verdict"],
                deflated_sharpe=deflated.get(one.name),
                report=result["report"],
                **{name: backtest[name] for name in names},
            )
        )
    return rows


def _deflated(results: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """By the name of each variant that has a Sharpe ratio."""
    known = [result for result in results if result["backtest"]["sharpe"] is not None]
    ratios = np.array([result["backtest"]["sharpe"] / math.sqrt(result["sessions_per_year"]) for result in known])
    variance = float(ratios.var(ddof=1)) if len(known) > 1 else 0.0
    return {
        result["variant"]: _probability(result["backtest"], ratio, len(known), variance)
        for result, ratio in zip(known, ratios.tolist(), strict=True)
    }


def _probability(backtest: dict[str, Any], ratio: float, n_trials: int, variance: float) -> float | None:
    moments = {"skewness": backtest["skewness"] or 0.0, "kurtosis": NORMAL_KURTOSIS + (backtest["kurtosis"] or 0.0)}
    try:
        return deflated_sharpe_ratio(ratio, backtest["sessions"], n_trials=n_trials, variance=variance, **moments)
    except EvaluationError:
        return None
