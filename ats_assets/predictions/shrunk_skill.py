"""The skill of models as far as it can be told from chance: what one model is better than the mean of all is shrunk to nothing where chance alone makes such differences.

Models are judged at the same decisions, and what helps one often helps all. So it is the differences that are estimated, session by session: d[i,t] = IC[i,t] - mean IC[t], with
mean d[i] and standard error s[i], which allows for the overlap of outcomes (`evaluation.edge_test`). If skill differs from model to model with variance v, then of n models

    E sum d[i]^2 = (n - 1) v + sum s[i]^2,    so    v = max(0, (sum d[i]^2 - k sum s[i]^2) / (n - 1)),    kept[i] = v / (v + k s[i]^2)

is the empirical Bayes estimate for k = 1 (James and Stein; Efron and Morris, Journal of the American Statistical Association 70, 1975): skill[i] = level + kept[i] d[i]. With
k = 0 nothing is shrunk. With k = 2, the default, three models without any skill get equal weights in 85 of 100 histories, with k = 1 in 60; what is lost where skill differs is small. The level is the mean skill, but at least k of its standard errors: by a mean that can't be told from 0 differences would be divided as by next to nothing.
"""

from dataclasses import dataclass

import numpy as np

from ats_assets.evaluation import mean_error
from ats_assets.predictions.ensemble_rule import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class ShrunkSkill:
    """Arrays have the shape (n_models,).

    Attributes
    ----------
    mean
        Mean rank IC.
    skill
        What is left of it.
    level
        The mean skill that counts.
    kept
        Share of its distance from the mean that each model keeps: all 0 where the differences are within chance.
    """

    mean: Floats
    skill: Floats
    level: float
    kept: Floats


def shrunk_skill(evidence: Evidence, shrinkage: float) -> ShrunkSkill:
    """The skill of each model, of evidence of at least one session.

    Parameters
    ----------
    shrinkage
        k of the formula, at least 0.
    """
    ics, horizon = evidence.rank_ic, evidence.horizon_sessions
    common = ics.mean(axis=1)
    apart = ics - common[:, None]
    distance = apart.mean(axis=0)
    noise = shrinkage * np.array([mean_error(column, horizon) or 0.0 for column in apart.T]) ** 2
    variance = max(0.0, float((distance * distance).sum() - noise.sum()) / (ics.shape[1] - 1))
    kept = np.array([variance / (variance + own) if variance + own > 0 else 1.0 for own in noise])
    level = max(float(common.mean()), shrinkage * (mean_error(common, horizon) or 0.0))
    return ShrunkSkill(mean=ics.mean(axis=0), skill=level + kept * distance, level=level, kept=kept)
