"""One score of several models' scores.

1. What became known of the models at each decision is found session by session (`model_evidence`).
2. At a refit session the rule is shown the decisions whose outcomes became known in the last `lookback_sessions` sessions, of the models that were judged often enough, and
   gives each a weight. The weights hold until the next refit session.
3. At each session the weights are those of the models that have scores there, made to add up to 1.
4. The score of a symbol is the weighted mean of its centred percentiles, (average rank - 1/2) / n - 1/2, among the scores of each model at the session: models' scores have scales of
   their own, and a percentile is what both the label and the judgement (a rank IC) are made of. It lies in (-1/2, 1/2). See `combined_scores`.

All of it is a function of what was known at the session; the weights of what was known at its last refit session, beside which models are there.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

import numpy as np
import polars as pl

from ats_assets.errors import ModelError, how_many
from ats_assets.evaluation import mean_error
from ats_assets.predictions.ensemble_rule import EnsembleRule, Evidence, Weighed, equal_weights
from ats_assets.predictions.model_evidence import JudgedDecision
from ats_assets.predictions.schema import ENSEMBLE_WEIGHTS_SCHEMA
from ats_assets.settings import EnsembleSettings

TOLERANCE = 1e-9
"""Of the sum of a rule's weights."""


@dataclass(frozen=True, kw_only=True)
class LearntWeights:
    """What the rule says at a refit session, and on which evidence; a tuple has an item for each model."""

    weights: tuple[float, ...]
    judged_sessions: tuple[int, ...]
    rank_ic: tuple[float | None, ...]
    standard_error: tuple[float | None, ...]
    reasons: tuple[str, ...]


def learnt_weights(
    models: Sequence[str], decisions: Sequence[JudgedDecision], rule: EnsembleRule, settings: EnsembleSettings, horizon_sessions: int
) -> LearntWeights:
    """The weights of models by the decisions that were known of them.

    Parameters
    ----------
    decisions
        Of the window, ascending.
    """
    ics = np.array([one.rank_ic for one in decisions]).reshape(-1, len(models))
    columns = [column[~np.isnan(column)] for column in ics.T]
    weighed = _by_rule(models, decisions, rule, settings.min_judged_sessions, horizon_sessions)
    return LearntWeights(
        weights=tuple(map(float, weighed.weights)),
        judged_sessions=tuple(map(len, columns)),
        rank_ic=tuple(float(column.mean()) if len(column) else None for column in columns),
        standard_error=tuple(mean_error(column, horizon_sessions) for column in columns),
        reasons=weighed.reasons,
    )


def _by_rule(models: Sequence[str], decisions: Sequence[JudgedDecision], rule: EnsembleRule, least: int, horizon_sessions: int) -> Weighed:
    """What the rule says of the models that were judged often enough; equal weights, where there are none."""
    n = len(models)
    judged = ~np.isnan(np.array([one.rank_ic for one in decisions]).reshape(-1, n))
    if not rule.needs_evidence:
        return _checked(rule.weights(_evidence(models, [], range(n), horizon_sessions)), rule, n)
    chosen = np.flatnonzero(judged.sum(axis=0) >= least)
    shared = [one for one, known in zip(decisions, judged, strict=True) if known[chosen].all()]
    if not len(chosen) or len(shared) < least:
        what = "no model has" if not len(chosen) else "the models do not share"
        return Weighed(weights=equal_weights(n), reasons=(f"{what} {least} judged sessions yet: equal weights",) * n)
    found = Weighed(weights=np.ones(1), reasons=("the only model that was judged often enough",))
    if len(chosen) > 1:
        found = _checked(rule.weights(_evidence(models, shared, chosen, horizon_sessions)), rule, len(chosen))
    weights, reasons = np.zeros(n), [f"fewer than {least} judged sessions"] * n
    weights[chosen] = found.weights
    for place, reason in zip(chosen, found.reasons, strict=True):
        reasons[place] = reason
    return Weighed(weights=weights, reasons=tuple(reasons))


def _evidence(models: Sequence[str], decisions: Sequence[JudgedDecision], chosen: Iterable[int], horizon_sessions: int) -> Evidence:
    """What the rule is shown of the chosen models."""
    at = list(chosen)
    return Evidence(
        models=tuple(models[i] for i in at),
        decided=tuple(one.decided for one in decisions),
        rank_ic=np.array([one.rank_ic[at] for one in decisions]).reshape(-1, len(at)),
        correlation=np.array([one.correlation[np.ix_(at, at)] for one in decisions]).reshape(-1, len(at), len(at)),
        horizon_sessions=horizon_sessions,
    )


def _checked(found: Weighed, rule: EnsembleRule, n: int) -> Weighed:
    weights = np.asarray(found.weights)
    if weights.shape != (n,) or not (weights >= 0).all() or abs(float(weights.sum()) - 1.0) > TOLERANCE or len(found.reasons) != n:
        raise ModelError(
            f"the rule of ensembles {type(rule).__name__} gave {n} models the weights {weights.tolist()} with {how_many(len(found.reasons), 'reason')}: "
            "none may be negative, they must add up to 1, and each has its reason"
        )
    return found


def weight_rows(
    decisions: Sequence[JudgedDecision],
    there: Mapping[str, set[date]],
    refits: Mapping[date, date],
    days: Sequence[date],
    *,
    rule: EnsembleRule,
    settings: EnsembleSettings,
    horizon_sessions: int,
    asked: Mapping[date, str] = MappingProxyType({}),
) -> pl.DataFrame:
    """The rows of the contract `EnsembleWeights`.

    Parameters
    ----------
    decisions
        By the session at which they were known, ascending; those of other sessions than the window's of a refit session are not looked at.
    there
        By the name of each model, in the order of the settings, the sessions at which it has scores.
    refits
        Session -> its last refit session, or the one since then at which drift asked for weights.
    days
        Consecutive sessions of the exchange, from which the window before each refit session is counted.
    asked
        Refit session that drift asked for -> why.
    """
    position, models = {day: i for i, day in enumerate(days)}, [*there]
    learnt: dict[date, LearntWeights] = {}
    rows = []
    for session, refit in refits.items():
        if refit not in learnt:
            place = position.get(refit)
            lookback = (settings.drift_lookback_sessions if refit in asked else None) or settings.lookback_sessions
            known = set(days[max(0, place - lookback + 1) : place + 1]) if place is not None else set()
            window = [one for one in decisions if one.known in known]
            found = learnt_weights(models, window, rule, settings, horizon_sessions)
            why = f"; {asked[refit]}" if refit in asked else ""
            learnt[refit] = replace(found, reasons=tuple(reason + why for reason in found.reasons))
        found = learnt[refit]
        weights, reasons = _of_those_there(found, [session in there[model] for model in models])
        rows += [
            (session, *row)
            for row in zip(models, weights, found.judged_sessions, found.rank_ic, found.standard_error, reasons, strict=True)
        ]
    return pl.DataFrame(rows, schema=ENSEMBLE_WEIGHTS_SCHEMA, orient="row")


def _of_those_there(found: LearntWeights, there: Sequence[bool]) -> tuple[list[float], list[str]]:
    """The weights of those that have scores at a session, made to add up to 1, and why they are what they are."""
    left, count = math.fsum(weight for weight, here in zip(found.weights, there, strict=True) if here), sum(there)
    weights, reasons = [], []
    for weight, here, reason in zip(found.weights, there, found.reasons, strict=True):
        weights.append(0.0 if not here else weight / left if left > 0.0 else 1.0 / count)
        if not here:
            shared = count > 0 and weight > 0.0
            reasons.append("no scores at this session" + (f", so its weight of {weight:.3f} goes to the others" if shared else ""))
        elif left <= 0.0:
            reasons.append(f"{reason}; equal weights, since models with a weight have no scores at this session")
        else:
            reasons.append(reason if left > 1.0 - TOLERANCE else f"{reason}; {weight:.3f} of the {left:.3f} of models with scores")
    return weights, reasons
