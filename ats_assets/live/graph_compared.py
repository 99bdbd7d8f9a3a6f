"""What was decided at events inside a session beside what the graph says of that session afterwards, event by event.

1. The rows are those of the asset of predictions, which was made of the stored trades: nothing of the journal is in it.
2. A row is the same where bar, side, score and probability are. Scores are compared to six digits: some libraries round a row otherwise when others stand beside it.
3. Where a trade that the row depends on was heard too late for it, or never, the difference is `late`; where the stream told a trade that the store does not have, or has otherwise,
   it is `restated`. Both name it. Any other difference is `different`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from ats_assets.live.at_events.tick_tape import HeardTick, instant_of, nanoseconds
from ats_assets.live.intake import Intake
from ats_assets.live.live_decision import What
from ats_assets.live.session_journal import DecidedRow, Heard
from ats_assets.live.stream import EventKind

_NEAR = 1e-6
_NAMED = 3
_AT = pl.Datetime("ns", "UTC")
EVENTS_COMPARED = pl.Schema(
    {
        "symbol": pl.String,
        "known_at": _AT,
        "decided_at": pl.Datetime("us", "UTC"),
        "verdict": pl.String,
        "decided": pl.String,
        "graph": pl.String,
        "why": pl.String,
    }
)
"""`decided` and `graph` say what each has of the event, null where it has none; `why` names the trades that a difference comes of."""


class _Trade(NamedTuple):
    at: int
    price: float | None
    size: float | None


@dataclass(frozen=True, kw_only=True)
class EventsCompared:
    """The comparison, `EVENTS_COMPARED`, by symbol and time."""

    rows: pl.DataFrame

    @property
    def differences(self) -> pl.DataFrame:
        """The rows that differ for no reason that is known."""
        return self.rows.filter(verdict="different")

    @property
    def summary(self) -> str:
        """In a sentence."""
        counts = dict(self.rows.group_by("verdict").len().iter_rows())
        told = f"{self.rows.height} events beside the graph's: {counts.get('different', 0)} differences"
        more = [(counts.get("late", 0), "by trades that came too late"), (counts.get("restated", 0), "by trades that are stored otherwise")]
        return ", ".join([told, *(f"{count} {what}" for count, what in more if count)])


def against_graph(
    decided: Sequence[DecidedRow], heard: Sequence[Heard], predictions: pl.DataFrame, trades: pl.DataFrame, symbols: Sequence[str]
) -> EventsCompared:
    """Compare the events of a session.

    Parameters
    ----------
    predictions
        Of the model that is traded, as the graph has them: the contract `EventPredictions`.
    trades
        Of the session as they are stored, `day_market.TRADES`.
    symbols
        That are traded at events.
    """
    ours = {_key(row): row for row in decided if row.decision.what is What.EVENT}
    theirs = {
        (row["symbol"], row["known_ns"]): row
        for row in predictions.with_columns(known_ns=pl.col("known_at").cast(_AT).cast(pl.Int64)).iter_rows(named=True)
        if row["symbol"] in symbols
    }
    reasons = {symbol: _Trades.of(symbol, heard, trades) for symbol in symbols}
    rows = []
    for symbol, at in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get((symbol, at)), theirs.get((symbol, at))
        verdict, why = "same", None
        if one is None or other is None or not _same(one.decision.fields, other):
            verdict, why = reasons[symbol].why(at, one.at if one else None)
        rows.append((symbol, at, one.at if one else None, verdict, _told(one.decision.fields if one else None), _told(other), why))
    schema = pl.Schema({**EVENTS_COMPARED, "known_at": pl.Int64})
    return EventsCompared(rows=pl.DataFrame(rows, schema=schema, orient="row").cast(dict(EVENTS_COMPARED)))  # pyright: ignore[reportArgumentType]


def _key(row: DecidedRow) -> tuple[str, int]:
    return row.decision.symbol or "", int(row.decision.fields["known_ns"])


def _same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    near = all(abs(float(ours[name]) - float(theirs[name])) <= _NEAR for name in ("score", "probability"))
    return near and (ours["bar"], ours["side"], ours["model_session"]) == (
        theirs["bar"],
        theirs["side"],
        theirs["model_session"].isoformat(),
    )


def _told(fields: Mapping[str, Any] | None) -> str | None:
    return None if fields is None else f"bar {fields['bar']}, side {fields['side']}, probability {fields['probability']:.6f}"


@dataclass(frozen=True, kw_only=True)
class _Trades:
    """Of one symbol, the trades that were not heard in their order, that were never heard, and that are not stored so."""

    late: Sequence[tuple[int, datetime]]
    never: Sequence[int]
    otherwise: Sequence[int]

    @classmethod
    def of(cls, symbol: str, heard: Sequence[Heard], trades: pl.DataFrame) -> "_Trades":
        own = trades.filter(symbol=symbol).select(pl.col("at").cast(pl.Int64) * 1_000 + pl.col("nanoseconds").fill_null(0), "price", "size")
        stored = {_Trade(*row) for row in own.iter_rows()}
        told: dict[_Trade, datetime] = {}
        for one in heard:
            if one.event.kind is EventKind.TRADE and one.event.symbol == symbol and not Intake(one.verdict).refused:
                told.setdefault(_Trade(*HeardTick.of(one.event.fields)[:3]), one.event.known_at)
        late = [(trade.at, at) for trade, at in told.items() if nanoseconds(at) > trade.at]
        return cls(
            late=sorted(late),
            never=sorted(one.at for one in stored - told.keys()),
            otherwise=sorted(one.at for one in told.keys() - stored),
        )

    def why(self, at: int, decided_at: datetime | None) -> tuple[str, str | None]:
        """The verdict on an event that differs, and what it comes of."""
        limit = at if decided_at is None else nanoseconds(decided_at)
        late = [
            f"{instant_of(one):%H:%M:%S}, heard at {told:%H:%M:%S}" for one, told in self.late if one <= at and nanoseconds(told) > limit
        ]
        never = [f"{instant_of(one):%H:%M:%S}, never heard" for one in self.never if one <= at]
        if late or never:
            return "late", f"trades of {'; '.join([*never[-_NAMED:], *late[-_NAMED:]])}"
        if other := [f"{instant_of(one):%H:%M:%S}" for one in self.otherwise if one <= at]:
            return "restated", f"trades of {'; '.join(other[-_NAMED:])} are not stored as they were heard"
        return "different", None
