"""Two models against each other on what is stored: the paired test by which champions are challenged, as of now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError, SettingsError
from ats_assets.evaluation.paired_skill import Challenge, challenged, paired_skill
from ats_assets.predictions.candidates import candidates
from ats_assets.predictions.champions.candidate_skill import candidate_skill, decided_ics
from ats_assets.predictions.champions.title_chain import challenge_tries, least_sessions
from ats_assets.promotions.decision_journal import COUNTED
from ats_assets.trials import ledger_of


@dataclass(frozen=True, kw_only=True)
class ModelComparison:
    """A challenger against a champion.

    Attributes
    ----------
    tried
        Different models and ensembles that were fitted, by the ledger of trials as it is now.
    ics
        decision_session, one column for each of the two with its rank IC, and the difference; sorted by session.
    """

    challenger: str
    champion: str
    challenge: Challenge
    tried: int
    mean_rank_ics: Mapping[str, float | None]
    ics: pl.DataFrame


def compared_models(deployment: Deployment, challenger: str, champion: str) -> ModelComparison:
    """The paired test over the last `champion.paired_sessions` sessions of outcomes that are stored.

    Raises
    ------
    SettingsError
        If settings have no two such models, or both are the same.
    MissingPartitionError, CorruptPartitionError
        If there are no outcomes, or something that is read is damaged.
    """
    named, settings, horizon = deployment.of(candidates), deployment.settings.champion, deployment.settings.training.horizon_sessions
    for name in (challenger, champion):
        if name not in named:
            there = f"choose two of {', '.join(named)}" if named else "there is one model only, which has nobody to be compared with"
            raise SettingsError(f"{name!r} is no model that predicts for the universe beside others: {there}")
    if challenger == champion:
        raise SettingsError(f"{challenger!r} was named twice: name two different models")
    calendar, warehouse = deployment.calendar, deployment.warehouse
    known = deployment.valid_sessions("forward_returns")[-settings.paired_sessions :]
    if not known:
        raise MissingPartitionError("no outcomes are stored (forward_returns): make them with ats run")
    days = calendar.sessions(calendar.window(known[0], horizon + 2)[0], known[-1])
    predicted = {name: _read(deployment, named[name], days) for name in (challenger, champion)}
    outcomes = warehouse.read("forward_returns", known).filter(horizon_sessions=horizon)
    ics = decided_ics(candidate_skill(predicted, outcomes, days))
    found = {name: ics.get(name, {}) for name in (challenger, champion)}
    tried = len({trial.tried for trial, _ in deployment.of(ledger_of).begun() if trial.kind in COUNTED})
    challenge = challenged(
        paired_skill(found[challenger], found[champion], horizon),
        against=champion,
        tries=challenge_tries(settings, deployment.settings.training.refit, max(tried, len(named))),
        margin=settings.margin,
        confidence=settings.confidence,
        min_judged_sessions=least_sessions(settings, horizon),
    )
    rows = _rows(found[challenger], found[champion])
    table = pl.DataFrame(
        rows, schema={"decision_session": pl.Date, challenger: pl.Float64, champion: pl.Float64, "difference": pl.Float64}, orient="row"
    )
    means = {name: float(values.to_numpy().mean()) if (values := table[name]).len() else None for name in (challenger, champion)}
    return ModelComparison(
        challenger=challenger,
        champion=champion,
        challenge=challenge,
        tried=tried,
        mean_rank_ics=means,
        ics=table,
    )


def _read(deployment: Deployment, asset: str, days: list[date]) -> pl.DataFrame:
    stored = [day for day in days if deployment.warehouse.exists(asset, day)]
    if not stored:
        raise MissingPartitionError(f"{asset} has no partition from {days[0]} to {days[-1]}: make it with ats run --select '+{asset}'")
    return deployment.warehouse.read(asset, stored)


def _rows(one: dict[date, float | None], other: dict[date, float | None]) -> list[tuple[date, float, float, float]]:
    both = sorted(one.keys() & other.keys())
    return [(day, a, b, a - b) for day in both if (a := one[day]) is not None and (b := other[day]) is not None]
