"""The subjects of regimes: from bars to filtered states by the assets' own functions, with estimations of the same bars in between."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.leakcheck.subject import Input, Subject
from ats_assets.refits import is_refit_session
from ats_assets.regimes.choosing import NamedRegimes, regimes
from ats_assets.regimes.market_observations import regime_observations
from ats_assets.regimes.regime_features import fit_rows, regimes_of
from ats_assets.regimes.schema import FITS_SCHEMA
from ats_assets.settings import Adjust, RegimeSettings

MEMBERS = ("symbol", "session")


def regime_subjects(deployment: Deployment, days: Sequence[date], given: Mapping[str, Input]) -> list[Subject]:
    """One for each entry `[regimes.<name>]`.

    Parameters
    ----------
    days
        The sessions of the bars.
    given
        Bars and corporate actions.
    """
    adjust = deployment.settings.actions.adjust
    return [
        Subject(name=asset, kind="feature", inputs=given, make=partial(_made, one, deployment.calendar, adjust, list(days)))
        for asset, one in deployment.of(regimes).items()
    ]


def _made(
    one: NamedRegimes, calendar: SessionCalendar, adjust: Adjust, days: Sequence[date], rows: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    settings = _quick(one.settings, len(days))
    members = rows["bars"].select(MEMBERS)
    how = {"days": days, "sessions": days, "adjust": adjust}
    observations = regime_observations(rows["bars"], rows["corporate_actions"], members, settings, **how)
    fits = [FITS_SCHEMA.to_frame()]
    for i, day in enumerate(days):
        if is_refit_session(calendar, day, settings.refit):
            window = pl.col("session").is_between(days[max(0, i - settings.train_sessions + 1)], day)
            fits.append(fit_rows(day, observations.filter(window), settings))
    known = pl.concat(fits)
    return regimes_of(one.name, settings, observations=observations, fits=known, bars=members, days=days, sessions=days)


def _quick(settings: RegimeSettings, sessions: int) -> RegimeSettings:
    """With windows that so few sessions fill, and little work for each estimation: the same functions, of figures that are worth less."""
    return settings.model_copy(
        update={
            "refit": "weekly" if settings.refit == "weekly" else "monthly",
            "starts": 1,
            "max_iterations": 20,
            "train_sessions": max(40, sessions // 2),
            "min_train_sessions": max(21, sessions // 4),
            "filter_sessions": min(settings.filter_sessions, max(5, sessions // 4)),
            "scale_sessions": min(settings.scale_sessions, max(21, sessions // 4)),
        }
    )
