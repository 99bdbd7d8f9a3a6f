"""What would be read of files of ticks, and what of it would be rejected, without a run."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.intraday.choosing import session_hours, tick_source
from ats_assets.intraday.quote_screening import screen_quotes
from ats_assets.intraday.refused_ticks import reasons_by_count
from ats_assets.intraday.tick_source import What
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.settings import Settings
from ats_assets.sources.told_reading import OnFile, tell_reading, untold


@dataclass(frozen=True, kw_only=True)
class InspectedSession:
    """Files of ticks, or of option chains, as they are recognised, and their first session as it would be screened.

    Attributes
    ----------
    recognised
        Lines for people.
    rows
        The first rows of the session as delivered, without columns that say nothing.
    accepted, rejected
        How many are good, and of the others how many have each reason.
    """

    recognised: tuple[str, ...]
    session: date
    rows: pl.DataFrame
    accepted: int
    rejected: Mapping[str, int]


def inspected_ticks(
    settings: Settings, path: Path, what: What, changes: Mapping[str, Any], n_rows: int, *, reach: OnFile = untold
) -> InspectedSession:
    """Look at files of trades or quotes by the settings in use and those to try; nothing is stored.

    Raises
    ------
    SourceError, SettingsError
        If they can't be read as ticks, or hold no session that has ended.
    """
    own = {name: value for name, value in getattr(settings.intraday, what).items() if name != "kind"}
    intraday = settings.intraday.model_copy(update={what: {**own, **changes, "path": str(path)}})
    with tempfile.TemporaryDirectory(prefix="ats-inspect-") as aside:
        storage = settings.storage.model_copy(update={"data": Path(aside)})
        deployment = Deployment(settings.model_copy(update={"intraday": intraday, "storage": storage}))
        source = tick_source(deployment, what)
        tell_reading(source, reach)
        days = source.sessions()
        if not days:
            raise SourceError(
                f"{path} has no session of {settings.calendar.exchange} that has ended: check times and calendar.first_session"
            )
        raw = source.ticks(days[0])
        screen = screen_trades if what == "trades" else screen_quotes
        accepted, rejected = screen(raw, session_hours(deployment), intraday.screening)
        shown = raw.head(n_rows)
        told = [name for name in shown.columns if shown[name].null_count() < shown.height and name not in {"part", "session"}]
        return InspectedSession(
            recognised=tuple(source.describe().splitlines()),
            session=days[0],
            rows=shown.select(told),
            accepted=accepted.height,
            rejected=reasons_by_count(rejected["reasons"]),
        )
