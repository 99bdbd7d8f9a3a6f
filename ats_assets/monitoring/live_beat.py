"""When the session loop has written last. The table is the journal's; its columns are named here, so that a service that only looks need not import what trades."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, column, inspect, select, table

from ats_assets.trade_state.columns import UtcTime

LOOPS = table("live_loops", column("strategy", String), column("holder", String), column("beat_at", UtcTime))


@dataclass(frozen=True, kw_only=True)
class LiveBeat:
    """The newest loop of a strategy; `holder` is None where it has ended as it should."""

    holder: str | None
    at: datetime


def live_beat(connection: Connection, strategy: str) -> LiveBeat | None:
    """Of a strategy; None where no loop ever ran."""
    if not inspect(connection).has_table(LOOPS.name):
        return None
    row = connection.execute(select(LOOPS.c.holder, LOOPS.c.beat_at).where(LOOPS.c.strategy == strategy)).one_or_none()
    return None if row is None else LiveBeat(holder=row.holder, at=row.beat_at)
