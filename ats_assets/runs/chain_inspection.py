"""What would be read of files of option chains, and what of it would be rejected, without a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.intraday.refused_ticks import reasons_by_count
from ats_assets.options.chain_screening import screen_chains
from ats_assets.options.choosing import option_source
from ats_assets.options.option_source import chosen_chains
from ats_assets.runs.tick_inspection import InspectedSession
from ats_assets.settings import Settings
from ats_assets.sources.told_reading import OnFile, tell_reading, untold

_NO_BARS = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64})


def inspected_chains(
    settings: Settings, path: Path, changes: Mapping[str, Any], n_rows: int, *, reach: OnFile = untold
) -> InspectedSession:
    """Look at files of chains by the settings in use and those to try; nothing is stored, and no bars are read, so that the spot is that of the files alone.

    Raises
    ------
    SourceError, SettingsError
        If they can't be read as chains, or hold no session that has ended.
    """
    own = {name: value for name, value in settings.options.chains.items() if name != "kind"}
    options = settings.options.model_copy(update={"chains": {**own, **changes, "path": str(path)}, "spot": "delivered"})
    deployment = Deployment(settings.model_copy(update={"options": options}))
    source = option_source(deployment)
    tell_reading(source, reach)
    days = source.sessions()
    if not days:
        raise SourceError(f"{path} has no session of {settings.calendar.exchange} that has ended: check days and calendar.first_session")
    raw = chosen_chains(source, days[0], options.underlyings)
    accepted, rejected = screen_chains(raw, _NO_BARS, deployment.calendar, options)
    reasons = reasons_by_count(rejected["reasons"])
    by_bars = settings.options.spot != "delivered" and "no_underlying" in reasons
    hint = "no_underlying: these files give no spot; a run takes it from bars of the same session, or name its column underlying_price"
    shown = raw.head(n_rows)
    told = [name for name in shown.columns if shown[name].null_count() < shown.height and name != "session"]
    return InspectedSession(
        recognised=(*source.describe().splitlines(), *([hint] if by_bars else [])),
        session=days[0],
        rows=shown.select(told),
        accepted=accepted.height,
        rejected=reasons,
    )
