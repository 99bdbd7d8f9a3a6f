"""Bars and corporate actions of files that somebody hands over, screened as a delivery is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.bars.screening import screen
from ats_assets.corporate_actions.identity import REPEAT_DAYS
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.corporate_actions.screening import screen_actions
from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.plugins import SOURCES
from ats_assets.sources.respelling import respelled
from ats_assets.sources.source import BarSource, SourcePlugin, clock_remark


@dataclass(frozen=True, kw_only=True)
class GivenBars:
    """What is taken of the files.

    Attributes
    ----------
    session
        At whose close signals are made: the one that was asked for, or the newest with a row.
    days
        Consecutive sessions of the window that ends with it, from the first of the file on.
    bars, actions
        The accepted rows of these sessions; of actions also those shortly before.
    quarantined
        Symbol -> why its row of the session itself was not accepted.
    symbols
        All that have a row in the window, sorted.
    notes
        What was recognised, and what was left out, a line each.
    """

    session: date
    days: list[date]
    bars: pl.DataFrame
    actions: pl.DataFrame
    quarantined: Mapping[str, str]
    symbols: list[str]
    notes: tuple[str, ...]


def given_bars(deployment: Deployment, path: Path, actions: Path | None, session: date | None, *, sessions: int) -> GivenBars:
    """Read a Parquet, CSV or JSON file, or a folder of such, as the source `files` does, by the settings `[source.files]`.

    Parameters
    ----------
    actions
        A file of corporate actions; without one prices are taken as they are.
    session
        Default: the newest that has a row.
    sessions
        How many are needed, that one included.

    Raises
    ------
    SourceError
        If the file is no table of daily bars, or has no row at the session.
    CalendarError
        If the session is none.
    """
    source = _opened(deployment, path, actions)
    newest = source.latest_session()
    day = session or newest
    deployment.calendar.position(day)
    first = source.first_session()
    days = [one for one in deployment.calendar.window(day, sessions) if one >= first]
    raw = source.bars(days) if days else None
    if raw is None or raw.filter(session=day).is_empty():
        raise SourceError(
            f"{path} has no row at {day}: its rows are of {first} to {newest}; choose a session that has some, or leave --session out"
        )
    bars, rejected = screen(raw, deployment.calendar)
    announced = deployment.calendar.window(day, sessions + REPEAT_DAYS)  # a change of name may be told again
    told = (
        CORPORATE_ACTIONS_SCHEMA.to_frame() if actions is None else screen_actions(source.actions(announced), bars, deployment.calendar)[0]
    )
    remark = clock_remark(source)
    refused = rejected.filter(pl.col("session") == day, pl.col("symbol").is_not_null())
    quarantined = {symbol: ", ".join(reasons) for symbol, reasons in refused.select("symbol", "reasons").iter_rows()}
    notes = [
        *([f"{rejected.height} of {raw.height} rows were quarantined"] if rejected.height else []),
        *([remark] if remark else []),
        *([] if actions else ["no corporate actions: prices are taken as they are; --actions names a file of splits and dividends"]),
    ]
    symbols = raw["symbol"].drop_nulls().unique().sort().to_list()
    return GivenBars(session=day, days=days, bars=bars, actions=told, quarantined=quarantined, symbols=symbols, notes=tuple(notes))


def _opened(deployment: Deployment, path: Path, actions: Path | None) -> BarSource:
    plugin = SOURCES.find("files")
    if not isinstance(plugin, SourcePlugin) or plugin.at is None:
        raise SourceError("the source files can't be opened at a path")
    own = deployment.settings.source.files.model_copy(update={"path": path, "actions": actions, "vintage": None})
    return respelled(plugin.at(path, own, deployment.calendar), plugin.spelling(own))
