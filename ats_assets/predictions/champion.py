"""Which of several models is traded.

At each refit session (the first of a month, by default) the models are compared by the mean rank IC of the decisions whose outcomes had become known in the last
`lookback_sessions` sessions; the best stays champion until the next refit session, so that the choice does not flutter. A model with fewer than
`min_judged_sessions` of such decisions does not run. Where none runs, and where `champion.rule` is fixed, it is the model that is named, or the first of the settings.

The choice is a function of what was known at the refit session alone, never of the choice before it: so it can be rebuilt for any session by itself.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from ats_assets.predictions.schema import CHAMPION_SCHEMA, PREDICTIONS_SCHEMA
from ats_assets.settings import ChampionSettings


def champion_rows(
    skills: Mapping[str, pl.DataFrame], refits: Mapping[date, date], days: Sequence[date], settings: ChampionSettings
) -> pl.DataFrame:
    """The rows of the contract `Champion`.

    Parameters
    ----------
    skills
        By the name of each model, in the order of the settings, its rows of the contract `Skill` at one horizon.
    refits
        Session -> its last refit session.
    days
        Consecutive sessions of the exchange, from which the window before each refit session is counted.
    settings
        The rule.

    Raises
    ------
    SettingsError
        If `champion.model` names no model.
    """
    position = {day: i for i, day in enumerate(days)}
    first = settings.model or next(iter(skills))
    rows = []
    for session, refit in refits.items():
        place = position.get(refit)
        known = days[max(0, place - settings.lookback_sessions + 1) : place + 1] if place is not None else []
        window = pl.col("session").is_between(known[0], known[-1]) if known else pl.lit(value=False)
        judged = {name: frame.filter(window)["rank_ic"].drop_nulls() for name, frame in skills.items()}
        means = {name: float(values.mean()) for name, values in judged.items() if len(values)}  # pyright: ignore[reportArgumentType]
        runs = [name for name, values in judged.items() if len(values) >= settings.min_judged_sessions]
        best = max(runs, key=lambda name: means[name], default=first) if settings.rule == "skill" else first
        rows += [
            {
                "session": session,
                "model": name,
                "judged_sessions": len(values),
                "rank_ic": means.get(name),
                "is_champion": name == best,
                "reason": _reason(name, best, runs, settings),
            }
            for name, values in judged.items()
        ]
    return pl.DataFrame(rows, schema=CHAMPION_SCHEMA)


def _reason(name: str, best: str, runs: Sequence[str], settings: ChampionSettings) -> str:
    if settings.rule == "fixed":
        return "named by the settings" if name == best else "the settings name another"
    if name == best:
        return "best rank IC" if runs else f"no model has {settings.min_judged_sessions} judged sessions yet: the first of the settings"
    return "a lower rank IC" if name in runs else f"fewer than {settings.min_judged_sessions} judged sessions"


def of_champion(champion: pl.DataFrame, predictions: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The predictions of each session's champion, sorted by session and symbol.

    Parameters
    ----------
    champion
        The contract `Champion`.
    predictions
        By the name of each model, its rows of the contract `Predictions`.
    """
    chosen = champion.filter("is_champion").select("session", "model")
    parts = [frame.join(chosen.filter(model=name), on="session", how="semi") for name, frame in predictions.items()]
    return pl.concat([PREDICTIONS_SCHEMA.to_frame(), *parts]).sort("session", "symbol")
