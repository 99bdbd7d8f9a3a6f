"""What the source delivers now, of what is stored."""

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intraday.choosing import tick_assets, tick_source
from ats_assets.intraday.tick_source import What
from ats_assets.lineage.rules import contiguous
from ats_assets.options.choosing import option_source
from ats_assets.options.option_source import chosen_chains
from ats_assets.storage.data_version import data_version
from ats_assets.storage.vintages import CHAINS, FROM_SOURCE

ASKED_AT_ONCE = 250
"""Sessions in one question to the source."""


def delivered_versions(deployment: Deployment) -> dict[str, dict[str, str]]:
    """Asset -> session (ISO) -> data version of what the source delivers now, and the sources of ticks and options, for the stored sessions that they have.

    Raises
    ------
    SourceError
        If the source can't be read.
    """
    versions = {f"raw_{what}": _of_ticks(deployment, what) for what in tick_assets(deployment)}
    versions |= {CHAINS[0]: _of_chains(deployment)} if deployment.settings.options.has_chains else {}
    return versions if deployment.has_only_ticks else versions | _of_bars(deployment)


def _of_ticks(deployment: Deployment, what: What) -> dict[str, str]:
    """One session after the other, for ticks are many."""
    source = tick_source(deployment, what)
    there = set(source.sessions())
    days = [day for day in deployment.valid_sessions(f"raw_{what}") if day in there]
    return {day.isoformat(): data_version(source.ticks(day)) for day in days}


def _of_chains(deployment: Deployment) -> dict[str, str]:
    source = option_source(deployment)
    there = set(source.sessions())
    days = [day for day in deployment.valid_sessions(CHAINS[0]) if day in there]
    return {day.isoformat(): data_version(chosen_chains(source, day, deployment.settings.options.underlyings)) for day in days}


def _of_bars(deployment: Deployment) -> dict[str, dict[str, str]]:
    source = deployment.source
    first, latest = source.first_session(), source.latest_session()
    read = dict(zip(FROM_SOURCE, (source.bars, source.actions), strict=True))
    versions: dict[str, dict[str, str]] = {}
    for asset, ask in read.items():
        sessions = [day for day in deployment.valid_sessions(asset) if first <= day <= latest]
        found = versions.setdefault(asset, {})
        for run in contiguous(sessions, deployment.calendar, ASKED_AT_ONCE):
            rows = ask(run)
            found |= {day.isoformat(): data_version(rows.filter(pl.col("session") == day)) for day in run}
    return versions
