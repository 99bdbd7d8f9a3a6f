"""When the weights of an ensemble are learnt because drift was found, beside the sessions at which they are anyway."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.refits import refits_by_drift
from ats_assets.settings import DriftSettings, Refit


def weighed_by_drift(
    alarms: pl.DataFrame, due: Mapping[date, date], *, refit: Refit, calendar: SessionCalendar, settings: DriftSettings
) -> tuple[dict[date, date], dict[date, str]]:
    """At which session the weights of each session were learnt, and why, where drift asked for it.

    By the rule of refits, of what was found up to the session before, since signals wait for no drift of tonight: at the first session of a week, at least `drift.least_sessions_between_refits` after they were learnt, no more than `drift.extra_refits_a_year` times in a calendar year.

    Parameters
    ----------
    alarms
        Rows of the contract `Drift` that are alarms of the ensemble's models, in the order of their sessions; what is after a session counts for nothing.
    due
        Session -> the last session at which weights are learnt anyway.
    refit
        When they are.
    """
    known = {calendar.offset(day, 1): day for day in alarms["session"].unique()}
    limits = {"most": settings.extra_refits_a_year, "apart": settings.least_sessions_between_refits}
    found, asked = dict(due), {}
    for session, last in due.items():
        made = refits_by_drift(calendar, [day for day in known if day <= session], session, refit=refit, **limits)
        newest = max((day for day in made if day > last), default=None)
        if newest is None:
            continue
        alarm = known[made[newest]]
        model, of, test = alarms.filter(session=alarm).select("model", "of", "test").row(0)
        found[session] = newest
        asked[newest] = f"weighed anew at {newest}, since drift of {of} of {model} was found at {alarm} ({test})"
    return found, asked
